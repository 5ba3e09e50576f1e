"""Everything else that Slack delivers, and what it never should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.domain.events import (
    ChannelChanged,
    Envelope,
    Ignored,
    Interaction,
    MembershipChanged,
    MessagePosted,
    ReactionChanged,
    SlackEvent,
)
from ratchet.domain.messages import Channel
from ratchet.slack.clean import MAX_DEPTH
from ratchet.slack.parse import Identity, parse_channel, parse_envelope

ME = Identity("U0RATCHET", "B0RATCHET", "A0RATCHET", "T1")
TS = "1700000000.000100"
MESSAGE = {"type": "message", "channel": "C1", "user": "U1", "text": "hi", "ts": TS}


def events_api(event: Any, **envelope: Any) -> dict[str, Any]:
    return {
        "type": "events_api",
        "envelope_id": "e1",
        "payload": {"event_id": "Ev1", "event": event},
        **envelope,
    }


def parsed(event: Any) -> SlackEvent:
    return parse_envelope(events_api(event), ME).event


def interaction(payload: dict[str, Any]) -> SlackEvent:
    return parse_envelope({"type": "interactive", "envelope_id": "e1", "payload": payload}, ME).event


def test_the_envelope_keeps_its_ids_and_the_number_of_redeliveries() -> None:
    envelope = parse_envelope(events_api(MESSAGE, retry_attempt=2, retry_reason="timeout"), ME)
    assert (envelope.id, envelope.event_id, envelope.retry_attempt) == ("e1", "Ev1", 2)
    assert isinstance(envelope.event, MessagePosted)


def test_a_mention_is_left_to_the_message_event_that_brings_it_too() -> None:
    assert parsed({**MESSAGE, "type": "app_mention"}) == Ignored("duplicate of message")


@pytest.mark.parametrize(("kind", "added"), [("reaction_added", True), ("reaction_removed", False)])
def test_a_reaction_on_a_message_is_recorded(kind: str, added: bool) -> None:
    item = {"type": "message", "channel": "C1", "ts": TS}
    event = {"type": kind, "user": "U1", "reaction": "eyes", "item": item, "event_ts": "1700000001.000000"}
    assert parsed(event) == ReactionChanged("C1", TS, "U1", "eyes", added, "1700000001.000000")


def test_a_reaction_on_a_file_is_not() -> None:
    event = {
        "type": "reaction_added",
        "user": "U1",
        "reaction": "eyes",
        "item": {"type": "file", "file": "F1"},
    }
    assert parsed({**event, "event_ts": TS}) == Ignored("reaction on a file")


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (
            {"type": "channel_rename", "channel": {"id": "C1", "name": "ops"}},
            ChannelChanged("C1", name="ops"),
        ),
        ({"type": "group_rename", "channel": {"id": "G1", "name": "ops"}}, ChannelChanged("G1", name="ops")),
        ({"type": "channel_archive", "channel": "C1", "user": "U1"}, ChannelChanged("C1", archived=True)),
        ({"type": "group_deleted", "channel": "G1"}, ChannelChanged("G1", archived=True)),
        ({"type": "channel_unarchive", "channel": "C1"}, ChannelChanged("C1", archived=False)),
        ({"type": "channel_shared", "channel": "C1"}, ChannelChanged("C1", external=True)),
        (
            {"type": "channel_unshared", "channel": "C1", "is_ext_shared": True},
            ChannelChanged("C1", external=True),
        ),
        ({"type": "channel_unshared", "channel": "C1"}, ChannelChanged("C1", external=False)),
        (
            {"type": "member_joined_channel", "channel": "C1", "user": "U0RATCHET"},
            MembershipChanged("C1", "U0RATCHET", joined=True, is_self=True),
        ),
        (
            {"type": "member_left_channel", "channel": "C1", "user": "U1"},
            MembershipChanged("C1", "U1", joined=False, is_self=False),
        ),
        (
            {"type": "group_left", "channel": "G1"},
            MembershipChanged("G1", "U0RATCHET", joined=False, is_self=True),
        ),
        ({"type": "app_home_opened", "user": "U1", "channel": "D1"}, Ignored("app home")),
        ({"type": "never_heard_of"}, Ignored("unknown event type")),
    ],
)
def test_events_about_channels_and_members(event: dict[str, Any], change: SlackEvent) -> None:
    assert parsed(event) == change


def test_a_click_says_who_where_and_what() -> None:
    payload = {
        "type": "block_actions",
        "token": "verification",
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": TS, "channel_id": "C1"},
        "message": {"ts": TS, "thread_ts": "1600000000.000001"},
        "actions": [{"type": "feedback_buttons", "action_id": "feedback", "value": "up:k"}],
    }
    click = interaction(payload)
    assert isinstance(click, Interaction)
    assert (click.kind, click.user_id, click.action_id, click.value) == (
        "block_actions",
        "U1",
        "feedback",
        "up:k",
    )
    assert (click.channel_id, click.message_ts, click.thread_ts) == ("C1", TS, "1600000000.000001")
    assert "token" not in click.payload


def test_a_shortcut_and_a_submitted_view_carry_their_callback() -> None:
    shortcut = interaction(
        {"type": "message_action", "callback_id": "docs", "user": {"id": "U1"}, "message": {"ts": TS}}
    )
    view = {"callback_id": "form", "private_metadata": "m"}
    submission = interaction({"type": "view_submission", "user": {"id": "U1"}, "view": view})
    assert isinstance(shortcut, Interaction)
    assert isinstance(submission, Interaction)
    assert (shortcut.action_id, shortcut.message_ts, shortcut.channel_id) == ("docs", TS, None)
    assert (submission.action_id, submission.value) == ("form", "m")


def test_a_menu_answers_with_the_chosen_value() -> None:
    action = {"type": "static_select", "action_id": "mode", "selected_option": {"value": "auto"}}
    click = interaction({"type": "block_actions", "user": {"id": "U1"}, "actions": [action]})
    assert isinstance(click, Interaction)
    assert click.value == "auto"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({}, "malformed envelope"),
        ({"type": 7}, "malformed envelope"),
        ({"type": "slash_commands", "payload": {}}, "slash command"),
        ({"type": "hello"}, "unknown envelope type"),
        ({"type": "events_api"}, "malformed payload"),
        ({"type": "events_api", "payload": []}, "malformed payload"),
        (events_api(None), "malformed event"),
        (events_api({"type": ["message"]}), "malformed event"),
        (events_api({**MESSAGE, "channel": None}), "malformed channel"),
        (events_api({**MESSAGE, "channel": "C" * 5000}), "malformed channel"),
        (events_api({**MESSAGE, "subtype": "message_changed", "message": "x"}), "malformed message"),
        (events_api({**MESSAGE, "subtype": "message_deleted", "deleted_ts": 5}), "malformed ts"),
        (events_api({"type": "reaction_added", "item": "x"}), "malformed reaction"),
        (events_api({"type": "member_joined_channel", "channel": "C1"}), "malformed member"),
        (events_api({"type": "channel_rename", "channel": {"id": "C1"}}), "malformed channel"),
        ({"type": "interactive", "payload": {"type": "block_actions"}}, "malformed interaction"),
        (
            {
                "type": "interactive",
                "payload": {"type": "block_actions", "user": {"id": "U"}, "actions": [3]},
            },
            "malformed interaction",
        ),
        (
            {"type": "interactive", "payload": {"type": "view_closed", "user": {"id": "U"}}},
            "unknown interaction type",
        ),
    ],
)
def test_what_makes_no_sense_is_ignored_with_a_static_reason(raw: dict[str, Any], reason: str) -> None:
    assert parse_envelope(raw, ME).event == Ignored(reason)


@pytest.mark.parametrize(
    "ts",
    ["abc", "", "123456789012.000000", "170000000.000100", "-1700000000.000100", "1700000000", "1700000000.1",
     "١٧٠٠٠٠٠٠٠٠.٠٠٠١٠٠", "1700000000.000100\n", 1700000000.0001, None, ["1700000000.000100"]],
)  # fmt: skip
def test_a_ts_that_is_not_a_ts_is_malformed(ts: Any) -> None:
    assert parsed({**MESSAGE, "ts": ts}) == Ignored("malformed ts")


def test_nul_and_lone_surrogates_leave_the_payload_keys_included() -> None:
    event = {**MESSAGE, "text": "a\x00b\ud800c", "at\x00tachments": [{"te\udc00xt": "\x00\ud83d\ude00"}]}
    message = parsed(event)
    assert isinstance(message, MessagePosted)
    assert message.payload["text"] == "ab\ufffdc"
    assert message.payload["attachments"] == [{"te\ufffdxt": "😀"}]
    json.dumps(message.payload, ensure_ascii=False).encode()


def test_numbers_that_json_does_not_have_become_null() -> None:
    message = parsed({**MESSAGE, "x": [float("nan"), float("inf"), 1.5]})
    assert isinstance(message, MessagePosted)
    assert message.payload["x"] == [None, None, 1.5]


def test_deep_nesting_is_ignored_and_can_still_be_acknowledged() -> None:
    nested: Any = []
    for _ in range(MAX_DEPTH * 500):
        nested = [nested]
    assert parse_envelope(events_api({**MESSAGE, "blocks": nested}), ME) == Envelope(
        "e1", None, Ignored("malformed: nested too deeply")
    )


RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text("aB1.:<&\x00\x1f\ud800\udfff\U0001f600é", max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "type",
    "subtype",
    "channel",
    "ts",
    "event_ts",
    "user",
    "text",
    "message",
    "item",
    "bot_profile",
    "edited",
    "thread_ts",
    "deleted_ts",
    "previous_message",
    "reaction",
    "comment",
    "username",
    "hidden",
]
TYPES = [
    "message",
    "app_mention",
    "reaction_added",
    "member_joined_channel",
    "channel_rename",
    "channel_archive",
]
SUBTYPES = ["message_changed", "message_deleted", "bot_message", "tombstone", "odd"]


@RELAXED
@given(
    st.dictionaries(st.sampled_from(KEYS), JSON),
    st.fixed_dictionaries(
        {}, optional={"type": st.sampled_from(TYPES), "subtype": st.sampled_from(SUBTYPES)}
    ),
    st.sampled_from([{}, {"channel": "C1", "ts": TS, "message": {"ts": TS}}]),
)
def test_no_event_makes_it_raise_or_leaves_what_cannot_be_stored(
    odd: dict[str, Any], kind: dict[str, Any], base: dict[str, Any]
) -> None:
    event = parsed({**base, **odd, **kind})
    if isinstance(event, MessagePosted):
        stored = json.dumps(event.payload, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in stored
        stored.encode()


@RELAXED
@given(JSON, JSON, JSON)
def test_no_envelope_makes_it_raise(kind: Any, envelope_id: Any, payload: Any) -> None:
    for type_ in (kind, "events_api", "interactive"):
        parse_envelope({"type": type_, "envelope_id": envelope_id, "payload": payload}, ME)


@RELAXED
@given(st.dictionaries(st.sampled_from(["type", "user", "actions", "message", "container", "view"]), JSON))
def test_no_interaction_makes_it_raise(payload: dict[str, Any]) -> None:
    for kind in ("block_actions", "message_action", "view_submission"):
        interaction({**payload, "type": kind})


def test_a_conversation_object_becomes_a_channel() -> None:
    raw = {
        "id": "C1",
        "name": "ops",
        "is_private": True,
        "is_member": True,
        "is_ext_shared": True,
        "is_archived": False,
    }
    assert parse_channel(raw) == Channel("C1", "ops", kind="private", member=True, external=True)
    assert parse_channel({"id": "D1", "is_im": True, "user": "U1"}) == Channel(
        "D1", "U1", kind="im", member=True
    )
    assert parse_channel({"id": "G1", "name": "mpdm", "is_mpim": True, "is_private": True}) == Channel(
        "G1", "mpdm", kind="mpim", member=False
    )
    assert parse_channel({"name": "nameless"}) is None

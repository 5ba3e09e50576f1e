"""Message events and stored messages -> values."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.domain.events import Ignored, MessageDeleted, MessagePosted, SlackEvent
from ratchet.domain.messages import Sender
from ratchet.slack.parse import NOBODY, Identity, parse_envelope, parse_message, parse_stored_message

ME = Identity("U0RATCHET", "B0RATCHET", "A0RATCHET", "T1")
TS = "1700000000.000100"
LATER = "1700000060.000200"


def parsed(event: dict[str, Any], me: Identity = ME) -> SlackEvent:
    event = {"type": "message", "channel": "C1", "channel_type": "channel", "event_ts": TS, **event}
    raw = {"type": "events_api", "envelope_id": "e1", "payload": {"event_id": "Ev1", "event": event}}
    return parse_envelope(raw, me).event


def posted(event: dict[str, Any], me: Identity = ME) -> MessagePosted:
    found = parsed({"ts": TS, **event}, me)
    assert isinstance(found, MessagePosted), found
    return found


def test_a_plain_message_is_recorded_with_the_whole_message_object() -> None:
    message = posted({"user": "U1", "text": "hello", "blocks": [{"type": "rich_text"}]})
    assert (message.channel_id, message.channel_kind, message.ts, message.version) == ("C1", "public", TS, TS)
    assert message.sender == Sender("person", "U1")
    assert message.payload["blocks"] == [{"type": "rich_text"}]
    assert (message.parent_ts, message.subtype, message.change) == (None, None, False)


def test_an_id_that_no_index_could_hold_is_cut() -> None:
    long = "U" + "1" * 10_000
    assert posted({"user": long}).sender == Sender("person", long[:128])
    by_bot = posted({"bot_id": long, "subtype": "bot_message"}).sender
    assert (by_bot.id, by_bot.bot_id) == (long[:128], long[:128])


def test_an_edit_is_keyed_by_the_message_and_versioned_by_the_event() -> None:
    message = {
        "type": "message",
        "user": "U1",
        "text": "new",
        "ts": TS,
        "edited": {"user": "U1", "ts": LATER},
    }
    edit = parsed(
        {"subtype": "message_changed", "hidden": True, "ts": LATER, "event_ts": LATER, "message": message}
    )
    assert isinstance(edit, MessagePosted)
    assert (edit.ts, edit.version, edit.change, edit.payload["text"]) == (TS, LATER, True, "new")


def test_a_tombstone_is_an_edit_that_replaces_the_text() -> None:
    message = {
        "subtype": "tombstone",
        "hidden": True,
        "user": "USLACKBOT",
        "ts": TS,
        "text": "This message was deleted.",
    }
    edit = parsed({"subtype": "message_changed", "hidden": True, "event_ts": LATER, "message": message})
    assert isinstance(edit, MessagePosted)
    assert (edit.change, edit.subtype, edit.payload["text"]) == (
        True,
        "tombstone",
        "This message was deleted.",
    )


def test_a_deletion_names_the_message_that_is_gone() -> None:
    event = {"subtype": "message_deleted", "hidden": True, "ts": LATER, "event_ts": LATER}
    assert parsed({**event, "deleted_ts": TS}) == MessageDeleted("C1", TS, LATER)
    assert parsed({**event, "previous_message": {"ts": TS}}) == MessageDeleted("C1", TS, LATER)


def test_a_reply_has_a_parent_and_a_root_has_none() -> None:
    assert posted({"user": "U1", "thread_ts": "1600000000.000001"}).parent_ts == "1600000000.000001"
    assert posted({"user": "U1", "thread_ts": TS}).parent_ts is None
    assert posted({"user": "U1", "thread_ts": "soon"}).parent_ts is None


@pytest.mark.parametrize(
    "subtype", ["thread_broadcast", "file_share", "me_message", "file_comment", "bot_message"]
)
def test_every_conversational_subtype_is_recorded(subtype: str) -> None:
    assert posted({"subtype": subtype, "user": "U1"}).subtype == subtype


@pytest.mark.parametrize(
    "subtype", ["channel_join", "channel_leave", "channel_topic", "channel_name", "pinned_item"]
)
def test_housekeeping_is_not_conversation(subtype: str) -> None:
    assert parsed({"subtype": subtype, "ts": TS, "user": "U1", "text": "<@U1> did it"}) == Ignored(
        "housekeeping"
    )
    edit = {"subtype": "message_changed", "message": {"subtype": subtype, "ts": TS, "text": "x"}}
    assert parsed(edit) == Ignored("housekeeping")


def test_a_subtype_that_nobody_knows_is_recorded_when_it_says_something() -> None:
    assert posted({"subtype": "brand_new", "text": "words"}).subtype == "brand_new"
    assert posted({"subtype": "brand_new", "attachments": [{"text": "words"}]}).subtype == "brand_new"
    assert parsed({"subtype": "brand_new", "ts": TS, "text": ""}) == Ignored("unknown message subtype")


def test_what_nobody_else_sees_is_not_recorded() -> None:
    assert parsed({"ts": TS, "text": "psst", "is_ephemeral": True}) == Ignored("hidden")
    assert parsed({"ts": TS, "text": "psst", "hidden": True}) == Ignored("hidden")
    assert parsed({"subtype": "message_replied", "message": {"ts": TS}}) == Ignored("thread bookkeeping")


@pytest.mark.parametrize(
    ("channel", "channel_type", "kind"),
    [
        ("C1", "channel", "public"),
        ("C1", "group", "private"),
        ("G1", "", "private"),
        ("D1", "im", "im"),
        ("D1", "", "im"),
        ("G1", "mpim", "mpim"),
        ("C1", "app_home", "im"),
        ("C1", "", "private"),
    ],
)
def test_the_kind_of_channel_comes_from_its_type_or_its_id(
    channel: str, channel_type: str, kind: str
) -> None:
    assert posted({"channel": channel, "channel_type": channel_type}).channel_kind == kind


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        ({"user": "U1", "user_profile": {"display_name": "Ada"}}, Sender("person", "U1", "Ada")),
        ({"user": "U1", "app_id": "A1"}, Sender("person", "U1")),
        ({"user": "U1", "bot_id": None, "username": "ada"}, Sender("person", "U1", "ada")),
        ({"comment": {"user": "U7"}, "subtype": "file_comment"}, Sender("person", "U7")),
        ({"subtype": "bot_message", "bot_id": "B1", "username": "AM"}, Sender("bot", "B1", "AM", "B1")),
        ({"subtype": "bot_message", "username": "hook"}, Sender("bot", "", "hook")),
        (
            {"user": "U2", "bot_id": "B1", "app_id": "A1", "bot_profile": {"name": "Grafana"}},
            Sender("bot", "U2", "Grafana", "B1"),
        ),
        ({"app_id": "A1"}, Sender("bot", "")),
        ({"user": "USLACKBOT"}, Sender("bot", "USLACKBOT")),
        ({"user": "U0RATCHET"}, Sender("self", "U0RATCHET")),
        ({"bot_id": "B0RATCHET", "user": "U0RATCHET"}, Sender("self", "U0RATCHET", "", "B0RATCHET")),
        ({"bot_id": "B9", "app_id": "A0RATCHET"}, Sender("self", "B9", "", "B9")),
        ({"user": "U1", "app_id": "A0RATCHET"}, Sender("person", "U1")),
        ({"user": 7, "bot_id": []}, Sender("person", "")),
    ],
)
def test_the_sender_is_a_person_a_bot_or_ratchet_itself(message: dict[str, Any], sender: Sender) -> None:
    assert posted({"text": "x", **message}).sender == sender


def test_an_identity_with_unknown_ids_matches_nobody() -> None:
    assert posted({"bot_id": "", "app_id": "", "user": ""}, NOBODY).sender.kind == "person"


def test_a_stored_message_takes_its_version_from_its_last_edit() -> None:
    plain = parse_message("C1", "private", {"ts": TS, "user": "U1", "text": "a"}, ME)
    edited = parse_message("C1", "private", {"ts": TS, "user": "U1", "edited": {"ts": LATER}}, ME)
    assert plain is not None
    assert edited is not None
    assert (plain.version, plain.channel_kind, plain.change) == (TS, "private", False)
    assert (edited.version, edited.change) == (LATER, False)


def test_a_stored_message_that_is_left_out_has_a_reason() -> None:
    assert parse_message("C1", "public", {"ts": TS, "subtype": "channel_join"}, ME) is None
    assert parse_stored_message("C1", "public", {"ts": TS, "subtype": "channel_join"}, ME) == Ignored(
        "housekeeping"
    )
    assert parse_stored_message("C1", "public", {"ts": "never"}, ME) == Ignored("malformed ts")

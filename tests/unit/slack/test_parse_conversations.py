"""Somebody opens a conversation with Ratchet; and the buttons under a draft."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.domain.effects import AskApproval, Reply
from ratchet.domain.events import ConversationOpened, Ignored, SessionStopped, SlackEvent
from ratchet.slack.identity import Identity
from ratchet.slack.parse import parse_envelope
from ratchet.slack.render import parse_decision, render

ME = Identity("U0ME", "B0ME", "A0ME", "T1")
STARTED: dict[str, Any] = {
    "type": "assistant_thread_started",
    "assistant_thread": {
        "user_id": "U1",
        "context": {"channel_id": "C1", "team_id": "T1", "enterprise_id": "E1"},
        "channel_id": "D1",
        "thread_ts": "1729999327.187299",
    },
    "event_ts": "1729999328.000100",
}


def parsed(event: dict[str, Any]) -> SlackEvent:
    payload = {"event_id": "Ev1", "event": event}
    return parse_envelope({"type": "events_api", "envelope_id": "1", "payload": payload}, ME).event


def test_a_conversation_that_slack_began_has_a_thread() -> None:
    assert parsed(STARTED) == ConversationOpened("D1", "U1", "1729999327.187299")


def test_the_tab_with_the_messages_has_none_and_the_other_tab_is_nothing() -> None:
    opened = {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages", "event_ts": "1.0"}
    assert parsed(opened) == ConversationOpened("D1", "U1")
    assert parsed(opened | {"tab": "home"}) == Ignored("app home")
    assert parsed(STARTED | {"type": "assistant_thread_context_changed"}) == Ignored("assistant context")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "assistant_thread_started"},
        {"type": "assistant_thread_started", "assistant_thread": []},
        STARTED | {"assistant_thread": {**STARTED["assistant_thread"], "channel_id": None}},
        STARTED | {"assistant_thread": {"user_id": "U1", "channel_id": "D1", "thread_ts": "soon"}},
        {"type": "app_home_opened", "tab": "messages", "channel": "D1"},
        {"type": "app_home_opened", "tab": "messages", "user": "U1", "channel": "D 1"},
    ],
)
def test_what_makes_no_sense_is_ignored(event: dict[str, Any]) -> None:
    assert isinstance(parsed(event), Ignored)


def ask(draft: bool) -> AskApproval:
    return AskApproval(
        "C1", "", "**Draft**\nRun it.", (Reply("C2", "1.0", "Run it."),), "U1", ("C2", "1.0"), draft=draft
    )


@pytest.mark.parametrize(("draft", "labels"), [(True, ["Post", "Discard"]), (False, ["Approve", "Reject"])])
def test_the_buttons_say_what_they_do_and_decide_the_same(draft: bool, labels: list[str]) -> None:
    [message] = render(ask(draft), "assistant:C2:1.0:0")
    for blocks in (message.blocks, message.fallback_blocks):
        buttons = blocks[-1]["elements"]
        assert [button["text"]["text"] for button in buttons] == labels
        answers = [parse_decision(button["value"]) for button in buttons]
        assert answers == [("approve", "assistant:C2:1.0:0"), ("reject", "assistant:C2:1.0:0")]


STOPPED: dict[str, Any] = {
    "type": "agent_session_stopped",
    "channel": "C1",
    "thread_ts": "1729999327.187299",
    "user": "U1",
    "streaming_message_ts": [],
    "event_ts": "1729999328.000100",
}


def test_a_pressed_stop_button_says_where_and_when() -> None:
    assert parsed(STOPPED) == SessionStopped("C1", "1729999327.187299", "U1", "1729999328.000100")


@pytest.mark.parametrize("field", ["channel", "thread_ts", "user", "event_ts"])
def test_a_stop_that_does_not_say_so_is_left_out(field: str) -> None:
    ignored = parsed({key: value for key, value in STOPPED.items() if key != field})
    assert isinstance(ignored, Ignored)

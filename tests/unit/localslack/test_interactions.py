from __future__ import annotations

from typing import Any

import pytest

from localslack import SlackError, channels, injection, interactions
from localslack.faults import ApiFault, Faults
from tests.unit.localslack.builders import START, Bench

BUTTON = {"type": "button", "action_id": "go", "value": "v", "text": {"type": "plain_text", "text": "Go"}}
BLOCKS = [{"type": "actions", "block_id": "row", "elements": [BUTTON]}]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "blocks": [{"type": "divider"}],
}


def test_a_click_sends_block_actions_that_name_message_place_and_person() -> None:
    bench = Bench()
    ts = bench.call("chat.postMessage", channel="ops", text="x", blocks=BLOCKS)["ts"]
    interactions.click(bench.ws, bench.ana, bench.ops, ts, "go")
    sent = bench.sent[-1]
    payload = sent["payload"]
    assert (sent["type"], payload["type"]) == ("interactive", "block_actions")
    assert payload["user"]["id"] == bench.ana.id
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == ts
    assert payload["channel"] == {"id": bench.ops.id, "name": "ops"}
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("go", "row", "v")
    assert payload["response_url"].startswith("http://")


def test_feedback_buttons_send_the_side_that_was_chosen() -> None:
    bench = Bench()
    sides = {name: {"text": {"type": "plain_text", "text": name}, "value": name} for name in ("up", "down")}
    element: dict[str, Any] = {"type": "feedback_buttons", "action_id": "fb"}
    element |= {"positive_button": sides["up"], "negative_button": sides["down"]}
    blocks = [{"type": "context_actions", "elements": [element]}]
    ts = bench.call("chat.postMessage", channel="ops", text="x", blocks=blocks)["ts"]
    payload = interactions.click(bench.ws, bench.ana, bench.ops, ts, "fb", "down")
    assert (payload["actions"][0]["type"], payload["actions"][0]["value"]) == ("feedback_buttons", "down")


def test_only_our_own_buttons_can_be_clicked() -> None:
    bench = Bench()
    ts = bench.say("x", blocks=BLOCKS)
    with pytest.raises(SlackError, match="not_our_app"):
        interactions.click(bench.ws, bench.ana, bench.ops, ts, "go")


def test_a_trigger_opens_one_modal_within_three_seconds() -> None:
    bench = Bench()
    ts = bench.say("x")
    first, second = (interactions.shortcut(bench.ws, bench.ana, bench.ops, ts, "docs") for _ in range(2))
    view = bench.call("views.open", trigger_id=first["trigger_id"], view=MODAL)["view"]
    with pytest.raises(SlackError, match="exchanged_trigger_id"):
        bench.call("views.open", trigger_id=first["trigger_id"], view=MODAL)
    bench.clock.at = START + 4
    with pytest.raises(SlackError, match="expired_trigger_id"):
        bench.call("views.open", trigger_id=second["trigger_id"], view=MODAL)
    payload = interactions.submit(bench.ws, bench.ana, view["id"], {"b": {"a": {"value": "x"}}})
    assert payload["view"]["state"]["values"] == {"b": {"a": {"value": "x"}}}


def test_an_acknowledged_form_closes_unless_the_answer_keeps_it() -> None:
    bench = Bench()
    ts = bench.say("x")
    trigger = interactions.shortcut(bench.ws, bench.ana, bench.ops, ts, "docs")["trigger_id"]
    view = bench.ws.views[bench.call("views.open", trigger_id=trigger, view=MODAL)["view"]["id"]]
    payload = interactions.submit(bench.ws, bench.ana, view.id, {})
    interactions.settle(bench.ws, payload, {"response_action": "errors", "errors": {}})
    assert view.open
    interactions.settle(bench.ws, payload, {})
    with pytest.raises(SlackError, match="view_not_found"):
        interactions.submit(bench.ws, bench.ana, view.id, {})


def test_a_response_url_replaces_the_message_and_wears_out() -> None:
    bench = Bench()
    ts = bench.call("chat.postMessage", channel="ops", text="x", blocks=BLOCKS)["ts"]
    url = interactions.click(bench.ws, bench.ana, bench.ops, ts, "go")["response_url"]
    key = url.rpartition("/")[2]
    for number in range(5):
        interactions.respond(bench.ws, key, {"replace_original": True, "text": str(number)})
    assert bench.events[-1]["message"]["text"] == "4"
    with pytest.raises(SlackError, match="used_url"):
        interactions.respond(bench.ws, key, {"text": "more"})


def test_injected_events_can_change_the_workspace_too() -> None:
    bench = Bench()
    events: list[Any] = [
        {"type": "message", "channel": "C9", "user": "U9", "text": "a", "ts": "1.000001"},
        {
            "type": "message",
            "channel": "C9",
            "user": "U9",
            "text": "b",
            "ts": "2.000001",
            "thread_ts": "1.000001",
        },
        {
            "type": "message",
            "subtype": "message_changed",
            "channel": "C9",
            "ts": "3.000001",
            "message": {"user": "U9", "text": "A", "ts": "1.000001"},
        },
        {
            "type": "reaction_added",
            "user": "U9",
            "reaction": "eyes",
            "item": {"channel": "C9", "ts": "1.000001"},
        },
        {
            "type": "message",
            "subtype": "message_deleted",
            "channel": "C9",
            "ts": "4.1",
            "deleted_ts": "2.000001",
        },
        {"type": "message", "channel": "C9", "text": "bad", "ts": "never"},
        "not even an object",
    ]
    for event in events:
        injection.apply(bench.ws, injection.as_envelope(bench.ws, event))
    (message,) = bench.call("conversations.history", channel="C9")["messages"]
    assert message["text"] == "A"
    assert message["reactions"] == [{"name": "eyes", "users": ["U9"], "count": 1}]


def test_envelopes_and_payloads_are_injected_as_they_are() -> None:
    bench = Bench()
    payload = {"type": "event_callback", "event": {"type": "x"}, "event_id": "EvMINE"}
    assert injection.as_envelope(bench.ws, payload) == {"type": "events_api", "payload": payload}
    whole = {"type": "interactive", "payload": {"type": "block_actions"}, "envelope_id": "e"}
    assert injection.as_envelope(bench.ws, whole) == {"type": "interactive", "payload": whole["payload"]}


def test_faults_strike_the_same_calls_for_the_same_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(ApiFault(method="chat.*", probability=0.3))
        return [faults.strike("chat.update") is not None for _ in range(50)]

    assert struck(7) == struck(7) != struck(8)
    assert 5 < sum(struck(7)) < 25


def test_a_fault_ends_after_its_times_and_spares_other_methods() -> None:
    faults = Faults()
    faults.add(ApiFault(method="chat.postMessage", times=2))
    assert faults.strike("auth.test") is None
    assert [faults.strike("chat.postMessage") is not None for _ in range(3)] == [True, True, False]


def test_a_pressed_stop_button_names_thread_and_person() -> None:
    bench = Bench()
    ts = bench.say("why?")
    with pytest.raises(SlackError):
        channels.stop_session(bench.ws, bench.ana, bench.ops, ts)
    bench.ws.sessions[bench.ops.id, ts] = "processing"
    channels.stop_session(bench.ws, bench.ana, bench.ops, ts)
    sent = bench.events[-1]
    assert (sent["type"], sent["channel"], sent["thread_ts"]) == ("agent_session_stopped", bench.ops.id, ts)
    assert (sent["user"], sent["streaming_message_ts"]) == (bench.ana.id, [])
    assert sent["event_ts"] > ts

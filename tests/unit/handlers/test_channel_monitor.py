"""One message through a channel monitor: asked once more, sent as effects, failures said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ratchet.domain.effects import DirectMessage, Post, Reply
from ratchet.domain.errors import Refused, Transient
from ratchet.domain.messages import Channel, Message, Sender, SenderKind
from ratchet.handlers.base import Trigger
from ratchet.handlers.channel_monitor import ChannelMonitor, ChannelMonitors
from ratchet.handlers.monitor_answer import effects_of
from ratchet.handlers.monitor_file import Monitor, Monitors, read_monitors
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import try_message
from ratchet.llm.budget import Usage
from ratchet.llm.turn import Turn, TurnResult

OPS = Channel("C0OPS", "ops")
SAMPLE = Sample("deployed checkout", "U0ANA", "C0OPS", "1700000000.000100")
FILE = """
m:
  channel_id: C0OPS
  prompt: "Which service? {{.Message.Text}}"
  result_schema: {type: object, properties: {service: {type: string}}, required: [service]}
  executable: act
  executable_args: [now]
"""


@dataclass
class Model:
    answers: list[str | Exception]
    turns: list[Turn] = field(default_factory=list)
    model: str = "scripted"

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turns.append(turn)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return TurnResult(answer, self.model, Usage(requests=1, input_tokens=10, cost_usd=0.5))


@dataclass
class Program:
    output: bytes | Exception = b""
    asked: list[Any] = field(default_factory=list)

    async def run(self, command: Sequence[str], stdin: bytes, timeout_s: float) -> bytes:
        self.asked.append((list(command), json.loads(stdin), timeout_s))
        if isinstance(self.output, Exception):
            raise self.output
        return self.output


def the_monitor() -> Monitor:
    return read_monitors(FILE).by_name["m"]


def trigger(kind: SenderKind = "person", *, parent: str | None = None, edited: bool = False) -> Trigger:
    said = Message("C0OPS", SAMPLE.slack_ts, Sender(kind, "U0ANA"), SAMPLE.text, SAMPLE.slack_ts, parent)
    return Trigger(said, OPS, "U0ME", edited=edited)


def answer(**lists: Any) -> bytes:
    return json.dumps(lists).encode()


async def test_the_model_is_asked_the_executable_told_and_its_messages_are_effects() -> None:
    program = Program(
        answer(
            direct_messages=[{"email": "ana@example.com", "text": "*yours*"}],
            channel_messages=[
                {"channel_id": "C0DEV", "text": "new"},
                {"channel_id": "C0OPS", "text": "noted", "slack_ts": SAMPLE.slack_ts},
            ],
        )
    )
    model = Model(['{"service": "checkout"}'])
    effects = await ChannelMonitor(the_monitor(), model, program).handle(trigger())
    assert effects == (
        DirectMessage("*yours*", email="ana@example.com", mrkdwn=True),
        Post("C0DEV", "new", mrkdwn=True),
        Reply("C0OPS", SAMPLE.slack_ts, "noted", mrkdwn=True),
    )
    [(command, told, _)] = program.asked
    assert command == ["act", "now"]
    assert told == {
        "slug": "m",
        "channel_id": "C0OPS",
        "slack_ts": SAMPLE.slack_ts,
        "llm_output": {"service": "checkout"},
        "message": {"text": "deployed checkout", "user": "U0ANA"},
    }
    [turn] = model.turns
    assert (turn.purpose, turn.channel_id, turn.tools) == ("channel_monitor", "C0OPS", ())
    assert '<data source="message">\ndeployed checkout\n</data>' in turn.prompt
    assert '"required": [' in turn.instructions


async def test_json_that_does_not_fit_is_asked_for_once_more_with_the_error() -> None:
    model = Model(['{"service": 5}', '{"service": "checkout"}'])
    trial = await try_message(the_monitor(), SAMPLE, model, None)
    assert (trial.output, trial.problem) == ({"service": "checkout"}, "")
    assert [attempt.error for attempt in trial.attempts] == ["service: 5 is not of type 'string'", ""]
    assert "5 is not of type 'string'" in model.turns[1].prompt
    assert '<data source="answer">\n{"service": 5}' in model.turns[1].prompt
    assert (trial.usage.requests, trial.usage.cost_usd) == (2, 1.0)


async def test_after_the_second_answer_it_fails_and_no_executable_runs() -> None:
    program = Program()
    handler = ChannelMonitor(the_monitor(), Model(["no idea", "{}"]), program)
    with pytest.raises(Refused, match=r"m: result_schema: .* 'service' is a required property"):
        await handler.handle(trigger())
    assert program.asked == []


async def test_a_model_that_is_away_is_asked_later_and_one_that_refuses_is_said() -> None:
    with pytest.raises(Transient):
        await ChannelMonitor(the_monitor(), Model([Transient("away")]), Program()).handle(trigger())
    with pytest.raises(Refused, match="m: model: no answer"):
        await ChannelMonitor(the_monitor(), Model([Refused("no answer")]), Program()).handle(trigger())


async def test_an_executable_that_fails_is_said() -> None:
    handler = ChannelMonitor(the_monitor(), Model(['{"service": "a"}']), Program(Refused("act hangs")))
    with pytest.raises(Refused, match="Channel monitor m: executable: act hangs"):
        await handler.handle(trigger())


WRONG = {
    "half": b'{"direct_messages": [{"email": "a@b.c", "te',
    "no json": b"Traceback (most recent call last)",
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"5",
    "deep": b"[" * 100_000,
    "no list": answer(direct_messages={"email": "a@example.com"}),
    "no object": answer(channel_messages=["hello"]),
    "no channel": answer(channel_messages=[{"text": "x"}]),
    "a channel's name": answer(channel_messages=[{"channel_id": "#ops", "text": "x"}]),
    "no text in it": answer(channel_messages=[{"channel_id": "C1"}]),
    "an empty text": answer(channel_messages=[{"channel_id": "C1", "text": " "}]),
    "a number as text": answer(channel_messages=[{"channel_id": "C1", "text": 5}]),
    "a ts that is none": answer(channel_messages=[{"channel_id": "C1", "text": "x", "slack_ts": "now"}]),
    "a ts that is a number": answer(channel_messages=[{"channel_id": "C1", "text": "x", "slack_ts": 1.5}]),
    "no e-mail": answer(direct_messages=[{"text": "x"}]),
    "an e-mail that is none": answer(direct_messages=[{"email": "ana", "text": "x"}]),
    "an e-mail of two": answer(direct_messages=[{"email": "a@example.com b@example.com", "text": "x"}]),
    "long": answer(direct_messages=[{"email": "a@example.com", "text": "x" * 50_000}]),
    "many": answer(channel_messages=[{"channel_id": "C1", "text": "x"}] * 60),
}


@pytest.mark.parametrize("output", WRONG.values(), ids=WRONG)
def test_an_answer_that_breaks_the_contract_sends_nothing_and_says_why(output: bytes) -> None:
    with pytest.raises(Refused, match="The executable's answer"):
        effects_of(output)


@pytest.mark.parametrize(
    "output", [b"", b" \n", b"{}", b"null", answer(direct_messages=None), answer(ok=True)]
)
def test_nothing_to_say_is_no_error(output: bytes) -> None:
    assert effects_of(output) == []


@pytest.mark.parametrize(
    ("changes", "one", "wanted"),
    [
        ({}, trigger(), True),
        ({}, trigger("bot"), True),
        ({"bots": False}, trigger("bot"), False),
        ({}, trigger("self"), False),
        ({}, trigger("system"), False),
        ({}, trigger(edited=True), False),
        ({}, trigger(parent="1.0"), False),
        ({"threads": True}, trigger(parent="1.0"), True),
        ({"channel_id": "C0DEV"}, trigger(), False),
    ],
)
def test_what_is_looked_at(changes: dict[str, Any], one: Trigger, wanted: bool) -> None:
    monitor = replace(the_monitor(), **changes)
    assert ChannelMonitor(monitor, Model([]), Program()).wants(one) is wanted


@dataclass
class Fixed:
    monitors: Monitors

    def current(self) -> Monitors:
        return self.monitors


def test_each_monitor_is_a_handler_of_its_own_and_without_a_model_there_is_none() -> None:
    two = Monitors({name: replace(the_monitor(), name=name) for name in ("m", "n")})
    source = Fixed(two)
    handlers = ChannelMonitors(source, Model([]), Program())
    assert [one.name for one in handlers.each(trigger())] == ["channel_monitor/m", "channel_monitor/n"]
    assert handlers.named("channel_monitor/n") is not None
    assert handlers.named("channel_monitor/gone") is None
    assert handlers.named("assistant") is None
    source.monitors = Monitors()
    assert list(handlers.each(trigger())) == []
    assert list(ChannelMonitors(Fixed(two), None, Program()).each(trigger())) == []

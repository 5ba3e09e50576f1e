"""What a turn cost is recorded, also of one that fails at the server."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from ratchet.domain.errors import Refused, Transient
from ratchet.domain.model_calls import ModelCall
from ratchet.llm.recorded import RecordedModel
from ratchet.llm.testing import Answer, CallTools, HttpError, Say, ToolCall
from ratchet.llm.turn import JsonTurn, Tool, Turn
from tests.integration.llm.test_turn import served


@dataclass
class Recorder:
    calls: list[ModelCall] = field(default_factory=list)

    async def record(self, call: ModelCall) -> None:
        self.calls.append(call)


async def weather(place: str) -> str:
    """Tell the weather.

    Args:
        place: Where.
    """
    return f"rain in {place}"


ASK: Answer = CallTools(ToolCall("weather", {"place": "here"}))
TURN = Turn("Answer.", "Will it rain?", [Tool(weather)], purpose="assistant", channel_id="C1")


@dataclass(frozen=True)
class Plan:
    """What to do."""

    steps: list[str]


async def recorded(*script: Answer, turn: Turn | JsonTurn[Plan] = TURN) -> ModelCall:
    recorder = Recorder()
    async with served([*script]) as (_, runner):
        model = RecordedModel(runner, recorder)
        with suppress(Transient, Refused):
            await (model.run_json(turn) if isinstance(turn, JsonTurn) else model.run_turn(turn))
    (call,) = recorder.calls
    return call


async def test_requests_tools_and_tokens_of_a_turn_are_recorded() -> None:
    call = await recorded(ASK, Say("It will."))
    assert (call.model, call.purpose, call.channel_id, call.error) == ("scripted", "assistant", "C1", None)
    assert (call.requests, call.tool_calls) == (2, 1)
    assert call.input_tokens > 0
    assert call.output_tokens > 0
    assert call.seconds > 0


@pytest.mark.parametrize(("answer", "error"), [(HttpError(500), "Transient"), (HttpError(400), "Refused")])
async def test_of_a_turn_that_breaks_in_the_middle_what_it_had_spent_is_recorded(
    answer: Answer, error: str
) -> None:
    whole, broken = await recorded(ASK, Say("It will.")), await recorded(ASK, answer)
    assert (broken.error, broken.tool_calls) == (error, 1)
    assert 0 < broken.input_tokens < whole.input_tokens


async def test_json_that_does_not_fit_has_cost_its_tokens() -> None:
    call = await recorded(Say("no json"), turn=JsonTurn("Plan.", "It burns.", Plan, purpose="runbook"))
    assert (call.error, call.purpose, call.requests) == ("Refused", "runbook", 1)
    assert call.input_tokens > 0

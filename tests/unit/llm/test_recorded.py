"""A model whose turns are recorded."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from ratchet.domain.errors import Refused, Transient
from ratchet.domain.model_calls import ModelCall
from ratchet.llm.budget import Usage
from ratchet.llm.recorded import RecordedModel
from ratchet.llm.turn import JsonResult, JsonTurn, Model, Turn, TurnResult

T = TypeVar("T")
SPENT = Usage(2, 1, 90, 10, 0.5, 1.5)
TURN = Turn("Be brief.", "why? token xoxb-1234567890-abcdefghij", purpose="assistant", channel_id="C1")


@dataclass
class Recorder:
    calls: list[ModelCall] = field(default_factory=list)
    failure: Exception | None = None

    async def record(self, call: ModelCall) -> None:
        if self.failure:
            raise self.failure
        self.calls.append(call)


@dataclass(frozen=True)
class Plan:
    steps: tuple[str, ...]


@dataclass
class Scripted:
    """Spends, then answers or fails."""

    error: BaseException | None = None
    turns: list[Turn] = field(default_factory=list)
    model: str = "scripted"

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turns.append(turn)
        if turn.meter is not None:
            turn.meter.usage = lambda: SPENT
        if self.error:
            raise self.error
        return TurnResult("Restart it.", self.model, SPENT)

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        await self.run_turn(Turn(turn.instructions, turn.prompt, meter=turn.meter))
        make: Callable[[Sequence[str]], T] = turn.answer
        return JsonResult(make(("run", "password=hunter2!")), self.model, SPENT)


def recorded(inner: Model, recorder: Recorder, *, keep_contents: bool = False) -> RecordedModel:
    ticks = iter(range(100))
    return RecordedModel(inner, recorder, keep_contents, clock=lambda: next(ticks) * 7.0)


async def test_a_turn_is_recorded_with_what_it_cost_and_nothing_that_was_said() -> None:
    recorder, inner = Recorder(), Scripted()
    result = await recorded(inner, recorder).run_turn(TURN)
    assert result == TurnResult("Restart it.", "scripted", SPENT)
    digest = hashlib.sha256(b"Be brief.").hexdigest()[:12]
    assert recorder.calls == [ModelCall("scripted", "assistant", "C1", digest, 2, 1, 90, 10, 0.5, 1.5)]
    assert inner.turns == [TURN]


async def test_of_several_models_the_one_that_answered_is_recorded() -> None:
    class Second(Scripted):
        async def run_turn(self, turn: Turn) -> TurnResult:
            return TurnResult("Restart it.", "second", SPENT)

    recorder = Recorder()
    await recorded(Second(), recorder).run_turn(TURN)
    assert [call.model for call in recorder.calls] == ["second"]


async def test_json_is_recorded_too() -> None:
    recorder = Recorder()
    turn = JsonTurn("Plan.", "It burns.", Plan, purpose="runbook")
    assert (await recorded(Scripted(), recorder).run_json(turn)).value.steps[0] == "run"
    (call,) = recorder.calls
    assert (call.purpose, call.channel_id, call.requests, call.contents) == ("runbook", None, 2, None)


@pytest.mark.parametrize("error", [Transient("away: hunter2"), Refused("no"), ValueError("boom")])
async def test_a_turn_that_fails_is_recorded_with_its_cost_and_the_kind_of_error_alone(
    error: Exception,
) -> None:
    recorder = Recorder()
    with pytest.raises(type(error)):
        await recorded(Scripted(error), recorder).run_turn(TURN)
    (call,) = recorder.calls
    assert (call.error, call.input_tokens, call.cost_usd, call.seconds) == (
        type(error).__name__,
        90,
        0.5,
        7.0,
    )
    assert "hunter2" not in repr(call)


async def test_a_turn_that_is_cancelled_is_recorded_and_stays_cancelled() -> None:
    recorder, begun = Recorder(), asyncio.Event()

    class Endless(Scripted):
        async def run_turn(self, turn: Turn) -> TurnResult:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    async with asyncio.TaskGroup() as group:
        task = group.create_task(recorded(Endless(), recorder).run_turn(TURN))
        await begun.wait()
        task.cancel()
    assert task.cancelled()
    assert [call.error for call in recorder.calls] == ["CancelledError"]


async def test_a_record_that_cannot_be_stored_costs_nobody_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = Recorder(failure=Transient("the database is away"))
    assert (await recorded(Scripted(), recorder).run_turn(TURN)).text == "Restart it."
    assert "model call not recorded" in caplog.text
    assert "why?" not in caplog.text


async def test_contents_are_kept_only_when_asked_for_and_redacted() -> None:
    recorder = Recorder()
    model = recorded(Scripted(), recorder, keep_contents=True)
    await model.run_turn(TURN)
    await model.run_json(JsonTurn("Plan.", "It \0burns \ud800.", Plan))
    first, second = (call.contents for call in recorder.calls)
    assert first == {"prompt": "why? token [redacted: slack token]", "answer": "Restart it."}
    assert second is not None
    assert second["prompt"].startswith("It burns ")
    assert "\0" not in second["prompt"]
    assert second["prompt"].encode()
    assert "hunter2" not in second["answer"]


async def test_contents_that_cannot_be_redacted_are_neither_kept_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(text: str) -> str:
        raise ValueError(text)

    recorder = Recorder()
    model = RecordedModel(Scripted(), recorder, keep_contents=True, redactor=broken)
    assert (await model.run_turn(TURN)).text == "Restart it."
    assert [call.contents for call in recorder.calls] == [None]
    assert "model contents not kept" in caplog.text
    assert "why?" not in caplog.text

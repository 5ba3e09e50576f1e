"""A model whose turns are recorded: what each cost, and how it ended. No handler knows of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from ratchet.domain.model_calls import ModelCall
from ratchet.llm.budget import Usage
from ratchet.llm.data import cut
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import JsonResult, JsonTurn, Meter, Model, Turn, TurnResult
from ratchet.telemetry import MODEL_COST, MODEL_TOKENS

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Somebody waits for the answer: the record is given up before they notice.
RECORD_S: Final = 2.0
KEPT_CHARS: Final = 50_000


class CallRecorder(Protocol):
    async def record(self, call: ModelCall) -> None: ...


@dataclass(slots=True)
class _Outcome:
    """`usage` and `answer` are None until there is an answer; `error`: the kind of what came instead."""

    usage: Usage | None = None
    answer: object = None
    error: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """Satisfies `Model`. A turn whose record cannot be stored is answered all the same.

    `keep_contents`: prompt and answer are kept too, redacted; what cannot be redacted is not kept.
    """

    inner: Model
    recorder: CallRecorder
    keep_contents: bool = False
    redactor: Redactor = redact
    clock: Callable[[], float] = time.monotonic

    @property
    def model(self) -> str:
        return self.inner.model

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See `TurnRunner.run_turn`."""
        meter = turn.meter or Meter()
        async with self._recording(turn, meter) as outcome:
            result = await self.inner.run_turn(replace(turn, meter=meter))
            outcome.usage, outcome.answer, outcome.model = result.usage, result.text, result.model
        return result

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        """See `JsonRunner.run_json`."""
        meter = turn.meter or Meter()
        async with self._recording(turn, meter) as outcome:
            result = await self.inner.run_json(replace(turn, meter=meter))
            outcome.usage, outcome.answer, outcome.model = result.usage, result.value, result.model
        return result

    @asynccontextmanager
    async def _recording(self, turn: Turn | JsonTurn[Any], meter: Meter) -> AsyncIterator[_Outcome]:
        outcome, started = _Outcome(), self.clock()
        try:
            yield outcome
        except BaseException as error:  # a turn that was stopped or cancelled has cost something too
            outcome.error = type(error).__name__
            raise
        finally:
            usage = outcome.usage or replace(meter.usage(), seconds=round(self.clock() - started, 3))
            await self._record(turn, outcome, usage)

    async def _record(self, turn: Turn | JsonTurn[Any], outcome: _Outcome, usage: Usage) -> None:
        call = ModelCall(
            model=outcome.model or self.model,
            purpose=turn.purpose,
            channel_id=turn.channel_id,
            prompt_hash=hashlib.sha256(turn.instructions.encode()).hexdigest()[:12],
            **asdict(usage),
            error=outcome.error,
            contents=self._contents(turn.prompt, outcome.answer) if self.keep_contents else None,
        )
        MODEL_TOKENS.labels(call.model, "in").inc(call.input_tokens)
        MODEL_TOKENS.labels(call.model, "out").inc(call.output_tokens)
        if call.cost_usd is not None:
            MODEL_COST.labels(call.model).inc(call.cost_usd)
        try:
            async with asyncio.timeout(RECORD_S):
                await self.recorder.record(call)
        except Exception as error:  # noqa: BLE001  the record is ours alone; the answer is somebody's
            # Its kind only: the database may quote the row in its words, and with it the contents.
            logger.warning(
                "model call not recorded",
                extra={"model": call.model, "purpose": call.purpose, "error": type(error).__name__},
            )

    def _contents(self, prompt: str, answer: object) -> dict[str, Any] | None:
        said = answer if isinstance(answer, str) else json.dumps(_plain(answer), default=str)
        try:
            return {"prompt": self._kept(prompt), "answer": self._kept(said)}
        except Exception as error:  # noqa: BLE001  what the redactor has not seen is not kept
            logger.warning("model contents not kept", extra={"error": type(error).__name__})
            return None

    def _kept(self, text: str) -> str:
        """Redacted, cut, and without what PostgreSQL cannot hold."""
        return cut(self.redactor(text), KEPT_CHARS).encode("utf-8", "replace").decode().replace("\0", "")


def _plain(answer: object) -> object:
    return asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer

"""Messages that no rule knows: judged by what the model said about their template, which it is asked once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from ratchet.alerts import NO_RULES, AlertModel, Rulebook, undecided
from ratchet.alerts.learned import Verdict, judge_learned, template_key
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import Action, IncidentAction
from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.understand import TemplateReader
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.pipeline.pages import LIVE_WINDOW_S
from ratchet.store import learned
from ratchet.store.learned import Learned
from ratchet.store.pool import Connection, Database
from ratchet.telemetry import CLASSIFIED

log = structlog.get_logger(__name__)

TEMPLATES_PER_DAY: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A message whose template the model is to be asked about."""

    key: bytes
    job: work.MessageJob


NO_QUESTION: Final[Question | None] = None


@dataclass(frozen=True, slots=True)
class Understand:
    """`reader` is None without a model: then what it once said still counts, and it is asked nothing."""

    db: Database
    queue: Queue
    mode: AlertModel
    rules: Rulebook = NO_RULES
    reader: TemplateReader | None = None
    clock: Callable[[], float] = time.time
    per_day: int = TEMPLATES_PER_DAY

    async def judge(
        self, message: Message, action: IncidentAction, job: work.MessageJob
    ) -> tuple[IncidentAction, Question | None]:
        """The action, by a verdict if there is one; and what to ask if there is none."""
        key = _key(message, action) if self.mode != "off" else None
        if key is None:
            return action, None
        known = await Learned(self.db).look_up(
            key, message.channel_id, everywhere=self.mode == "on", per_day=self.per_day
        )
        if known is None:
            return action, None
        if known.verdict is not None:
            found = _judged(message, known.verdict, self.rules)
            CLASSIFIED.labels(found.tool, found.action.value).inc()
            return found, None
        asks = self.reader is not None and known.affordable and job.live and job.carried is not None
        return action, Question(key, job) if asks else None

    async def run(self, job: work.UnderstandJob, context: JobContext) -> Outcome:
        """Ask about one template, keep the answer, and run the messages again that waited for it."""
        key = bytes.fromhex(job.key)
        standing = await Learned(self.db).standing(key)
        if standing.example is None:
            return Cancel("no message waits for it any more")
        if standing.settled:
            return await self._end(key, standing.verdict)
        if self.reader is None or self.mode == "off":
            return await self._end(key, None)
        if standing.asked_today >= self.per_day:
            _spent(self.per_day)
            return await self._end(key, None)
        example = work.MessageJob.model_validate(standing.example)
        template, verdict = await _read(self.reader, example)
        if standing.asked_today + 1 == self.per_day:
            _spent(self.per_day)
        return await self._end(key, verdict, (template, self.reader.model))

    async def _end(
        self, key: bytes, verdict: dict[str, Any] | None, kept: tuple[str, str] | None = None
    ) -> Outcome:
        """Nothing waits for it any more: what an open or a close waited for is run again.

        `kept`: template and model of a new verdict, or of an answer that was none.
        """
        says = Verdict.from_json(verdict).action if verdict else Action.NONE
        async with self.db.transaction() as conn:
            if kept:
                await learned.keep(conn, key, kept[0], verdict, kept[1])
            waited = [work.MessageJob.model_validate(stored) for stored in await learned.release(conn, key)]
            await self.queue.put(conn, [self._again(one) for one in waited if says is not Action.NONE])
        return Done()

    def _again(self, job: work.MessageJob) -> NewJob:
        """What is no longer news is recorded, and nobody is told."""
        live = self.clock() - float(job.version) < LIVE_WINDOW_S
        return NewJob(
            job.model_copy(update={"live": live}), priority=Priority.LIVE if live else Priority.BACKFILL
        )


async def ask(conn: Connection, question: Question | None) -> list[NewJob]:
    """Within the caller's transaction the message waits; the job that asks for it, to be put last."""
    if question is None:
        return []
    job, key = question.job, question.key
    await learned.wait(
        conn, key, MessageRef(job.channel_id, job.ts), job.version, job.model_dump(mode="json")
    )
    # `rerun`: a message that comes while the model thinks is not in the list that is being worked off.
    understand = work.UnderstandJob(key=key.hex())
    return [NewJob(understand, priority=Priority.BACKFILL, unique=f"understand:{understand.key}", rerun=True)]


async def by_record(
    conn: Connection,
    channel_id: str,
    judged: Sequence[tuple[Message, IncidentAction]],
    mode: AlertModel,
    rules: Rulebook,
) -> list[IncidentAction]:
    """What the messages of one channel say, undecided ones by the verdicts there are. Asks nobody."""
    keys = [_key(message, action) for message, action in judged]
    wanted = [key for key in keys if key is not None]
    found: dict[bytes, dict[str, Any]] = {}
    if wanted and (mode == "on" or (mode == "auto" and await learned.had_alerts(conn, channel_id))):
        found = await learned.verdicts(conn, wanted)
    return [
        _judged(message, found[key], rules) if key is not None and key in found else action
        for (message, action), key in zip(judged, keys, strict=True)
    ]


def _key(message: Message, action: IncidentAction) -> bytes | None:
    """None for what people wrote, for what a rule knows, and for what has no words."""
    if message.sender.kind != "bot" or not undecided(action):
        return None
    return template_key(message.payload, message.text)


def _judged(message: Message, verdict: dict[str, Any], rules: Rulebook) -> IncidentAction:
    return judge_learned(
        Verdict.from_json(verdict), message.payload, message.text, channel=message.channel_id, rules=rules
    )


async def _read(reader: TemplateReader, example: work.MessageJob) -> tuple[str, dict[str, Any] | None]:
    """Template and verdict; "" and None when the answer is of no use. Raises Transient, Misconfigured."""
    carried = example.carried
    assert carried is not None  # else it was not put
    try:
        learnt = await reader.read(carried["payload"], carried["text"], example.channel_id)
    except Refused as refused:
        log.warning("template_not_understood", reason=str(refused))
        return "", None
    return learnt.template, learnt.verdict.to_json()


def _spent(per_day: int) -> None:
    log.warning(
        "alert_model_budget_spent",
        templates_per_day=per_day,
        effect="messages that no rule knows are no alerts until tomorrow",
    )

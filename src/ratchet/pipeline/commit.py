"""Effects into the database: what is to be said into the outbox, the rest at once. All or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection

from ratchet.domain.effects import (
    Annotate,
    AskApproval,
    Deferred,
    DirectMessage,
    Effect,
    Footer,
    KeepRunbook,
    LookLater,
    OpenPull,
    Post,
    React,
    Reply,
    Said,
    SetManners,
    SetSchedule,
    TakeBack,
    UnpinRunbook,
    Unsay,
    Upload,
)
from ratchet.domain.messages import MessageRef
from ratchet.jobs.base import NewJob, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.store import answers, approvals, channels, messages, outbox, runbooks, schedules
from ratchet.store.outbox import NewRow
from ratchet.store.pool import Database

# What an approval may set off.
DEFERRED: Final[Mapping[str, type[Deferred]]] = {
    "keep_runbook": KeepRunbook,
    "unpin_runbook": UnpinRunbook,
    "set_manners": SetManners,
    "open_pull": OpenPull,
    "set_schedule": SetSchedule,
    "reply": Reply,
}


# Effects on Ratchet's own state.
Stored = Annotate | SetManners | SetSchedule | KeepRunbook | UnpinRunbook


@dataclass(frozen=True, slots=True)
class Commit:
    """Stores effects under keys that the run determines, so that a second time changes nothing."""

    db: Database
    queue: Queue

    async def run(self, run_key: str, handler: str, effects: Sequence[Effect]) -> bool:
        """Store a run's effects and their delivery jobs; False when they were stored before."""
        async with self.db.transaction() as conn:
            if not await outbox.start_run(conn, run_key, len(effects)):
                return False
            await self.store(conn, run_key, handler, effects)
        return True

    async def store(
        self, conn: AsyncConnection[Any], run_key: str, handler: str, effects: Sequence[Effect]
    ) -> None:
        """The same within a transaction of the caller's."""
        rows: list[NewRow] = []
        jobs: list[NewJob] = []
        for number, effect in enumerate(effects):
            key = f"{run_key}:{number}"
            if isinstance(effect, AskApproval):
                await approvals.ask(conn, key, handler, effect)
            if isinstance(effect, Reply) and effect.feedback:
                await answers.add(conn, key, handler, effect)
            match effect:
                case OpenPull():
                    jobs.append(_pull_job(effect, key))
                case LookLater():
                    jobs.append(quiet_job(effect))
                case TakeBack():
                    taken = await approvals.take_back(conn, effect)
                    rows += [_row(f"{one}:gone", handler, Unsay(where, one)) for one, where in taken]
                case Annotate() | SetManners() | SetSchedule() | KeepRunbook() | UnpinRunbook():
                    await change(conn, effect)
                case Upload():
                    placed = replace(effect, thread_key=_key_of(effects, effect.under, run_key))
                    rows.append(_row(key, handler, placed))
                case _:
                    rows.append(_row(key, handler, effect))
        if rows:
            await outbox.add(conn, rows)
        if found := [deliver_job(row.key, row.channel_id) for row in rows] + jobs:
            await self.queue.put(conn, found)


async def change(conn: AsyncConnection[Any], effect: Stored) -> None:
    """Ratchet's own state."""
    match effect:
        case Annotate(channel_id=channel_id, ts=ts, attrs=attrs):
            await messages.annotate(conn, MessageRef(channel_id, ts), attrs)
        case SetManners(channel_id=channel_id, changes=changes, mode=mode):
            await channels.set_manners(conn, channel_id, changes, mode=mode)
        case SetSchedule(cron=None):
            await schedules.remove(conn, effect.channel_id, effect.schedule)
        case SetSchedule(cron=cron):
            when = (cron or "", effect.time_zone)
            await schedules.put(conn, effect.channel_id, effect.schedule, when, datetime.now(UTC))
        case KeepRunbook():
            await runbooks.keep(conn, effect)
        case UnpinRunbook():
            await runbooks.unpin(conn, effect)


def deferred(data: Mapping[str, Any]) -> Deferred:
    """An effect that an approval holds as JSON."""
    fields = dict(data)
    if "sources" in fields:
        fields["sources"] = tuple((channel_id, ts) for channel_id, ts in fields["sources"])
    if isinstance(fields.get("footer"), dict):
        fields["footer"] = Footer(**fields["footer"])
    return DEFERRED[fields.pop("kind")](**fields)


def quiet_job(effect: LookLater) -> NewJob:
    """One a thread: while it waits, what is written later only makes it wait longer."""
    return NewJob(
        work.QuietThreadJob(channel_id=effect.channel_id, thread_ts=effect.thread_ts),
        Priority.BACKFILL,
        effect.after_s,
        unique=f"quiet:{effect.channel_id}:{effect.thread_ts}",
    )


def deliver_job(key: str, channel_id: str) -> NewJob:
    return NewJob(
        work.DeliverJob(key=key, channel_id=channel_id), priority=Priority.DELIVERY, unique=f"deliver:{key}"
    )


def _key_of(effects: Sequence[Effect], number: int, run_key: str) -> str:
    effect = effects[number]
    return (effect.once if isinstance(effect, Post) else None) or f"{run_key}:{number}"


def _pull_job(effect: OpenPull, key: str) -> NewJob:
    job = work.PullJob(
        key=key,
        channel_id=effect.channel_id,
        thread_ts=effect.thread_ts,
        link=effect.link,
        change=effect.change,
    )
    return NewJob(job, unique=f"pull:{key}")


def _row(key: str, handler: str, effect: Said) -> NewRow:
    match effect:
        case Reply(channel_id=channel_id, thread_ts=thread_ts):
            return NewRow(key, handler, channel_id, thread_ts, asdict(effect))
        case AskApproval(channel_id=channel_id, thread_ts=thread_ts):
            # What it would do stands with the approval only.
            shown = asdict(effect) | {"effects": (), "turn": None}
            return NewRow(key, handler, channel_id, thread_ts, shown)
        case Post(channel_id=channel_id, once=once):
            return NewRow(once or key, handler, channel_id, None, asdict(effect))
        case Upload(channel_id=channel_id) | Unsay(channel_id=channel_id):
            return NewRow(key, handler, channel_id, None, asdict(effect))
        case React(channel_id=channel_id, ts=ts):
            return NewRow(key, handler, channel_id, ts, asdict(effect))
        case DirectMessage(user_id=user_id, email=email):
            return NewRow(key, handler, f"dm:{user_id or email}", None, asdict(effect))

"""Effects into the database: what is to be said into the outbox, the rest at once. All or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
    OpenPull,
    Post,
    React,
    Reply,
    Said,
    SetManners,
    UnpinRunbook,
    Upload,
)
from ratchet.domain.messages import MessageRef
from ratchet.jobs.base import NewJob, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.store import answers, approvals, channels, messages, outbox, runbooks
from ratchet.store.outbox import NewRow
from ratchet.store.pool import Database

# What an approval may set off.
DEFERRED: Final[Mapping[str, type[Deferred]]] = {
    "keep_runbook": KeepRunbook,
    "unpin_runbook": UnpinRunbook,
    "set_manners": SetManners,
    "open_pull": OpenPull,
    "reply": Reply,
}


# Effects on Ratchet's own state.
Stored = Annotate | SetManners | KeepRunbook | UnpinRunbook


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
        for number, effect in enumerate(effects):
            key = f"{run_key}:{number}"
            if isinstance(effect, AskApproval):
                await approvals.ask(conn, key, handler, effect)
            if isinstance(effect, Reply) and effect.feedback:
                await answers.add(conn, key, handler, effect)
            if isinstance(effect, OpenPull):
                await self.queue.put(conn, [_pull_job(effect, key)])
            elif isinstance(effect, Annotate | SetManners | KeepRunbook | UnpinRunbook):
                await change(conn, effect)
            elif isinstance(effect, Upload):
                placed = replace(effect, thread_key=_key_of(effects, effect.under, run_key))
                rows.append(_row(key, handler, placed))
            else:
                rows.append(_row(key, handler, effect))
        if rows:
            await outbox.add(conn, rows)
            await self.queue.put(conn, [deliver_job(row.key, row.channel_id) for row in rows])


async def change(conn: AsyncConnection[Any], effect: Stored) -> None:
    """Ratchet's own state."""
    match effect:
        case Annotate(channel_id=channel_id, ts=ts, attrs=attrs):
            await messages.annotate(conn, MessageRef(channel_id, ts), attrs)
        case SetManners(channel_id=channel_id, changes=changes, mode=mode):
            await channels.set_manners(conn, channel_id, changes, mode=mode)
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
        case Upload(channel_id=channel_id):
            return NewRow(key, handler, channel_id, None, asdict(effect))
        case React(channel_id=channel_id, ts=ts):
            return NewRow(key, handler, channel_id, ts, asdict(effect))
        case DirectMessage(user_id=user_id, email=email):
            return NewRow(key, handler, f"dm:{user_id or email}", None, asdict(effect))

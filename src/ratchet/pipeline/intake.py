"""Events into the store: all that one batch means, in one transaction, with the jobs that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from ratchet import alerts
from ratchet.domain.events import (
    ChannelChanged,
    ConversationOpened,
    Ignored,
    Interaction,
    MembershipChanged,
    MessageDeleted,
    MessagePosted,
    ReactionChanged,
    SessionStopped,
    SlackEvent,
)
from ratchet.domain.messages import Channel, ChannelKind, Message, MessageRef
from ratchet.jobs.base import NewJob, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import votes, work
from ratchet.pipeline.classify import BuiltIn, Classifier
from ratchet.pipeline.embed import embed_job
from ratchet.pipeline.fold import Plan, Present, Snapshot, Version, decode, encode, fold
from ratchet.store import (
    approvals,
    channels,
    incidents,
    learned,
    llm_calls,
    message_vectors,
    messages,
    outbox,
    runbooks,
    stops,
)
from ratchet.store.pool import Database
from ratchet.telemetry import EVENTS, EVENTS_IGNORED
from ratchet.telemetry.tracing import parent_of, span

log = structlog.get_logger(__name__)

MessageEvent = MessagePosted | MessageDeleted | ReactionChanged
PARKED_S: Final = 10.0
LATEST: Final = "~"  # after every ts
MESSAGE_EVENTS: Final = (MessagePosted, MessageDeleted, ReactionChanged)


# Whether anybody may have something to do about a version of a message, in that channel as it is set now.
Interest = Callable[[Version, Channel], bool]


def any_interest(version: Version, channel: Channel) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Intake:
    """The only writer of messages. One call of `record` is one transaction.

    Most messages are people talking to each other: a live one without `interest` gets no job.
    """

    db: Database
    queue: Queue
    classifier: Classifier
    interest: Interest = any_interest

    async def record(self, events: Sequence[SlackEvent]) -> None:
        """Store live events and put their jobs. Committed on return; nothing is stored when it raises."""
        with span("intake", ratchet__events=len(events)):
            await self._record(events)
        for event in events:
            EVENTS.labels(type(event).__name__).inc()

    async def _record(self, events: Sequence[SlackEvent]) -> None:
        async with self.db.transaction() as conn:
            stored = [event for event in events if isinstance(event, MESSAGE_EVENTS)]
            plan = await self._messages(conn, stored)
            jobs = [_message_job(v, live=True) for v in await self._interesting(conn, plan, stored)]
            # Of a message older than the record only the edit comes: it is fetched whole, if it still exists.
            jobs += [thread_job_for(edit) for edit in plan.park]
            for event in events:
                if not isinstance(event, MESSAGE_EVENTS):
                    jobs += await self._other(conn, event)
            await self.queue.put(conn, [*jobs, *await self._ensure_channels(conn, stored)])

    async def record_history(
        self, events: Sequence[MessageEvent], *, live_after: str | None = None, onboard: bool = True
    ) -> int:
        """Store messages from history, an export or a gap; returns how many were new or changed.

        Only what is newer than `live_after` (a ts) triggers handlers. `onboard` is False where no Slack
        is at hand to ask about a channel.
        """
        async with self.db.transaction() as conn:
            plan = await self._messages(conn, events)
            new_channels = await self._ensure_channels(conn, events)
            wanted = await self._interesting(conn, plan, events) if live_after else []
            recent = [v for v in wanted if v.message.ts > (live_after or LATEST)]
            past = [v for v in plan.versions if v.message.ts <= (live_after or LATEST) and _matters(v)]
            jobs = [_message_job(version, live=True) for version in recent]
            jobs += await self._classify_past(conn, past)
            await self.queue.put(conn, [*jobs, *(new_channels if onboard else ())])
        return len(plan.upserts)

    async def _messages(self, conn: AsyncConnection[Any], events: Sequence[MessageEvent]) -> Plan:
        if not events:
            return Plan()
        await messages.lock_channels(conn, [event.channel_id for event in events])
        plan = fold(events, await _snapshot(conn, events), alerts.flatten)
        if plan.upserts:
            await messages.upsert(conn, list(plan.upserts.values()))
            await channels.seen(conn, [(ref.channel_id, ref.ts) for ref in plan.upserts])
        if plan.deletes:
            await messages.delete(conn, plan.deletes)
        if plan.emptied:
            await messages.empty(conn, plan.emptied)
        if gone := [*plan.deletes, *plan.emptied]:
            await self._forget(conn, gone)
        if edited := [version.message.ref for version in plan.versions if version.edit]:
            await runbooks.forget_edited(conn, edited)
            await message_vectors.above_changed(conn, edited)
        if plan.park:
            await messages.park(
                conn, [(MessageRef(e.channel_id, e.ts), e.version, encode(e)) for e in plan.park]
            )
        if plan.unpark:
            await messages.unpark(conn, plan.unpark)
        if plan.reactions:
            await messages.react(conn, plan.reactions)
            await votes.reacted(conn, plan.reactions)
        return plan

    async def _interesting(
        self, conn: AsyncConnection[Any], plan: Plan, events: Sequence[MessageEvent]
    ) -> list[Version]:
        mattering = [version for version in plan.versions if _matters(version)]
        if not mattering:
            return []
        known = await channels.many(conn, {version.message.channel_id for version in mattering})
        kinds = {e.channel_id: e.channel_kind for e in events if isinstance(e, MessagePosted)}
        return [v for v in mattering if self.interest(v, _channel_of(v, known, kinds))]

    async def _forget(self, conn: AsyncConnection[Any], gone: Sequence[MessageRef]) -> None:
        """What was said by now deleted messages leaves dead jobs, runbooks, and answers not given yet."""
        await runbooks.forget(conn, gone)
        await learned.forget(conn, gone)
        await llm_calls.forget(conn, gone)
        await approvals.withdraw(conn, gone)
        fields = [{"channel_id": ref.channel_id, "ts": ref.ts} for ref in gone]
        await self.queue.forget(conn, work.MessageJob.kind, fields)
        again = [job for key in await outbox.withdraw(conn, gone) if (job := await _run_again(conn, key))]
        await self.queue.put(conn, again)

    async def _ensure_channels(
        self, conn: AsyncConnection[Any], events: Sequence[MessageEvent]
    ) -> list[NewJob]:
        """A channel seen for the first time is onboarded: its name, and what was said before."""
        first = {e.channel_id: e for e in reversed(events) if isinstance(e, MessagePosted)}
        if not first:
            return []
        seen = [(e.channel_id, e.channel_kind, e.external) for e in first.values()]
        return [
            _onboard_job(channel_id, first[channel_id].ts) for channel_id in await channels.ensure(conn, seen)
        ]

    async def _classify_past(self, conn: AsyncConnection[Any], past: Sequence[Version]) -> list[NewJob]:
        """History is classified on the spot by rules, or by jobs behind the live ones by an executable."""
        if not isinstance(self.classifier, BuiltIn):
            return [_message_job(version, live=False) for version in past]
        found = [
            judged
            for v in past
            for judged in incidents.judged_of(v.message, self.classifier.judge(v.message), edit=v.edit)
        ]
        return [embed_job()] if await incidents.record(conn, found) else []

    async def _other(self, conn: AsyncConnection[Any], event: SlackEvent) -> list[NewJob]:
        match event:
            case ChannelChanged():
                await channels.change(conn, event)
            case MembershipChanged(is_self=True):
                await channels.set_member(conn, event.channel_id, member=event.joined)
                return [_onboard_job(event.channel_id, event.at)] if event.joined else []
            case Interaction():
                return [_interaction_job(event)]
            case ConversationOpened(channel_id=channel_id):
                new = await channels.ensure(conn, [(channel_id, "im", False)])
                return [*(_onboard_job(one, None) for one in new), _greet_job(event)]
            case SessionStopped():
                await stops.record(conn, event)
            case Ignored(reason):
                EVENTS_IGNORED.labels(reason).inc()
        return []


async def _snapshot(conn: AsyncConnection[Any], events: Sequence[MessageEvent]) -> Snapshot:
    refs = list({MessageRef(event.channel_id, event.ts) for event in events})
    known = await messages.known(conn, refs)
    parked = await messages.parked(conn, refs)
    return Snapshot(
        known={ref: Present(k.version, k.content_hash, k.parent_ts) for ref, k in known.items()},
        buried=frozenset(await messages.buried(conn, refs)),
        parked={ref: [decode(ref, edit) for edit in edits] for ref, edits in parked.items()},
    )


async def _run_again(conn: AsyncConnection[Any], run_key: str) -> NewJob | None:
    """The job of a handler's run that was taken back, by its key `handler:channel:ts`."""
    handler, channel_id, ts, *_ = run_key.split(":")
    ref = MessageRef(channel_id, ts)
    known = (await messages.known(conn, [ref])).get(ref)
    if known is None:
        return None
    job = work.HandlerJob(
        handler=handler,
        channel_id=channel_id,
        ts=ts,
        version=known.version,
        thread_ts=known.parent_ts or ts,
    )
    return NewJob(job, priority=Priority.LIVE, unique=f"{handler}:{ref}", rerun=True)


def _channel_of(version: Version, known: Mapping[str, Channel], kinds: Mapping[str, ChannelKind]) -> Channel:
    """As recorded, or as one is when it is seen for the first time.

    What another event of the batch may be changing is left to whoever runs the job.
    """
    channel_id = version.message.channel_id
    channel = known.get(channel_id, Channel(channel_id, ""))
    return replace(channel, kind=kinds.get(channel_id, "private"), archived=False, external=False)


def _matters(version: Version) -> bool:
    """Ratchet's own messages say nothing about incidents and are nobody's trigger."""
    return version.message.sender.kind not in ("self", "system")


def _message_job(version: Version, *, live: bool) -> NewJob:
    message = version.message
    return NewJob(
        work.MessageJob(
            channel_id=message.channel_id,
            ts=message.ts,
            version=message.version,
            thread_ts=message.thread_ts,
            live=live,
            edit=version.edit,
            carried=_carried(message),
        ),
        priority=Priority.LIVE if live else Priority.BACKFILL,
        trace=parent_of(message.channel_id, message.ts, message.version),
    )


def _carried(message: Message) -> dict[str, Any] | None:
    if message.sender.kind != "bot":
        return None
    sender = message.sender
    return {
        "sender": [sender.kind, sender.id, sender.name, sender.bot_id],
        "text": message.text,
        "payload": dict(message.payload),
    }


def _onboard_job(channel_id: str, live_after: str | None) -> NewJob:
    return NewJob(
        work.OnboardJob(channel_id=channel_id, live_after=live_after),
        priority=Priority.BACKFILL,
        unique=f"onboard:{channel_id}",
    )


def thread_job_for(edit: MessagePosted) -> NewJob:
    """Fetch the message of an edit that came without it. Later, since mostly it is just on its way."""
    return NewJob(
        work.ThreadJob(channel_id=edit.channel_id, ts=edit.ts),
        priority=Priority.BACKFILL,
        delay_s=PARKED_S,
        # Not that of a thread with something new in it, which would not be put beside this one.
        unique=f"edited:{edit.channel_id}:{edit.ts}",
    )


def _greet_job(event: ConversationOpened) -> NewJob:
    job = work.GreetJob(channel_id=event.channel_id, thread_ts=event.thread_ts)
    return NewJob(job, priority=Priority.LIVE, unique=f"greet:{event.channel_id}:{event.thread_ts or ''}")


def _interaction_job(event: Interaction) -> NewJob:
    job = work.InteractionJob(
        interaction=event.kind,
        user_id=event.user_id,
        action_id=event.action_id,
        value=event.value,
        channel_id=event.channel_id,
        message_ts=event.message_ts,
        thread_ts=event.thread_ts,
        at=votes.click_ts(event),
    )
    return NewJob(job, priority=Priority.LIVE)

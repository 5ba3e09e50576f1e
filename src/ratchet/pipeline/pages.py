"""Pages of Slack's past into the intake: what onboarding, threads and recovery have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ratchet.domain.errors import Refused, Transient
from ratchet.domain.events import MessageDeleted
from ratchet.domain.messages import Channel, ChannelKind
from ratchet.jobs.base import Cancel, Done, Job, JobContext, NewJob, Outcome, Priority, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.pipeline.reactions import reactions_on
from ratchet.slack.identity import Identity
from ratchet.slack.parse import parse_message
from ratchet.slack.web import SlackWeb
from ratchet.store.pool import Database

PAGE: Final = 200
# Events are not recorded in the order of their ts: a gap begins a little before the last seen message.
OVERLAP_S: Final = 900.0
# What was missed no longer ago than this still gets an answer.
LIVE_WINDOW_S: Final = 1800.0
# Our clock may run ahead of Slack's by so much without an old form of a message passing for a newer one.
CLOCK_SKEW_S: Final = 2.0
# Then our clock is wrong, rather than the messages new.
MAX_LOOKS: Final = 3
GONE: Final = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "message_not_found"}
)


def shift(ts: str, seconds: float) -> str:
    return f"{float(ts) + seconds:.6f}"


def events_of(
    channel: tuple[str, ChannelKind], raw: Sequence[Mapping[str, Any]], me: Identity, read_at: str | None
) -> list[MessageEvent]:
    """A page of Slack's history, asked for at `read_at` (a ts), as events: messages and their reactions."""
    channel_id, kind = channel
    events: list[MessageEvent] = []
    for message in raw:
        posted = parse_message(channel_id, kind, message, me)
        if posted is None:
            continue
        events += [replace(posted, read_at=read_at), *reactions_on(posted)]
    return events


@dataclass(frozen=True, slots=True)
class Pages:
    """`now` gives seconds since the UTC epoch."""

    db: Database
    queue: Queue
    intake: Intake
    slack: SlackWeb
    me: Identity
    now: Callable[[], float]

    def now_ts(self) -> str:
        return f"{self.now():.6f}"

    def read_at(self) -> str:
        """To be taken before Slack is asked: what it then answers is at least as new."""
        return f"{self.now() - CLOCK_SKEW_S:.6f}"

    def live_after(self, wanted: str | None) -> str | None:
        """Messages after this ts trigger handlers: those after `wanted`, as far as they are not long past."""
        if wanted is None:
            return None
        return max(wanted, shift(self.now_ts(), -LIVE_WINDOW_S))

    async def store(
        self, channel: Channel, raw: Sequence[Mapping[str, Any]], read_at: str, live_after: str | None
    ) -> None:
        events = events_of((channel.id, channel.kind), raw, self.me, read_at)
        if events:
            await self.intake.record_history(events, live_after=live_after)

    async def bury(self, channel_id: str, missing: set[str], read_at: str) -> set[str]:
        """Deleted in Slack while we were away. Returns those left: too new to trust Slack's answer."""
        gone = {ts for ts in missing if ts < read_at}
        if gone:
            await self.intake.record_history([MessageDeleted(channel_id, ts, ts) for ts in sorted(gone)])
        return missing - gone

    async def put(self, *jobs: NewJob) -> None:
        if jobs:
            async with self.db.transaction() as conn:
                await self.queue.put(conn, jobs)

    async def put_threads(self, channel_id: str, threads: Sequence[str], live_after: str | None) -> None:
        await self.put(*(thread_job(channel_id, ts, live_after) for ts in threads))

    async def go_on(self, job: Job, priority: Priority, transient: Transient) -> Outcome:
        """A long read that was interrupted goes on from where it came, instead of from its start."""
        delay = transient.retry_after if transient.retry_after is not None else 5.0
        await self.put(NewJob(job, priority=priority, delay_s=delay))
        return Done()


def look_again(fresh: set[str], context: JobContext) -> Snooze | None:
    """When messages that Slack did not list were said only a moment ago."""
    if fresh and context.snoozes < MAX_LOOKS:
        return Snooze(2 * CLOCK_SKEW_S, "messages missing in Slack's answer are too new to be judged")
    return None


def thread_job(channel_id: str, ts: str, live_after: str | None, delay_s: float = 0.0) -> NewJob:
    return NewJob(
        work.ThreadJob(channel_id=channel_id, ts=ts, live_after=live_after),
        priority=Priority.BACKFILL if live_after is None else Priority.NORMAL,
        delay_s=delay_s,
        unique=f"thread:{channel_id}:{ts}",
    )


def onboard_job(channel_id: str, limit: int | None = None, live_after: str | None = None) -> NewJob:
    return NewJob(
        work.OnboardJob(channel_id=channel_id, limit=limit, live_after=live_after),
        priority=Priority.BACKFILL,
        unique=f"onboard:{channel_id}",
    )


async def unless_gone(step: Awaitable[Outcome]) -> Outcome:
    """A channel or thread that we may no longer read is the end of the job, not a failure."""
    try:
        return await step
    except Refused as refused:
        if refused.code in GONE:
            return Cancel(str(refused))
        raise

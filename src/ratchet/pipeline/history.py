"""History into the intake: onboarding, threads, gaps. Each step stores a page and where to go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from ratchet.domain.errors import Refused
from ratchet.domain.events import MessageDeleted
from ratchet.domain.messages import Channel, ChannelKind, MessageRef
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline import work
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.pipeline.reactions import reactions_on
from ratchet.slack.identity import Identity
from ratchet.slack.parse import parse_channel, parse_message
from ratchet.slack.web import SlackWeb, slack_user
from ratchet.store.channels import Channels, Person
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

PAGE: Final = 200
# Slack delivers and clocks tick a little out of order: a gap begins earlier than the last seen message.
OVERLAP_S: Final = 900.0
# What was missed no longer ago than this still gets an answer.
LIVE_WINDOW_S: Final = 1800.0
# Threads written to shortly before a gap may have been written to within it.
ACTIVE_THREAD_S: Final = 86_400.0
MAX_ACTIVE_THREADS: Final = 50
GONE: Final = frozenset(
    {"channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "message_not_found"}
)


def shift(ts: str, seconds: float) -> str:
    return f"{float(ts) + seconds:.6f}"


def events_of(
    channel_id: str, kind: ChannelKind, raw: Sequence[Mapping[str, Any]], me: Identity
) -> list[MessageEvent]:
    """A page of Slack's history as events: messages and the reactions on them."""
    events: list[MessageEvent] = []
    for message in raw:
        posted = parse_message(channel_id, kind, message, me)
        if posted is None:
            continue
        events += [posted, *reactions_on(posted)]
    return events


@dataclass(frozen=True, slots=True)
class History:
    """Runs the jobs that read Slack's past. `now` gives seconds since the UTC epoch."""

    db: Database
    queue: Queue
    intake: Intake
    slack: SlackWeb
    me: Identity
    now: Callable[[], float]
    onboard_messages: int = 1000

    async def onboard(self, job: work.OnboardJob, context: JobContext) -> Outcome:
        """The channel's name and kind, then pages from new to old, each stored with how far we came."""
        return await _unless_gone(self._onboard(job))

    async def _onboard(self, job: work.OnboardJob) -> Outcome:
        channels = Channels(self.db)
        channel = parse_channel(await self.slack.channel_info(job.channel_id))
        if channel is None:
            return Cancel("Slack gave no channel")
        await channels.upsert(channel)
        progress = await channels.onboarding(channel.id)
        resumed = progress is not None and progress.onboarding == "running" and job.limit is None
        oldest = progress.onboarded_to if resumed and progress else None
        left = (job.limit or self.onboard_messages) - (await self._stored_since(channel.id, oldest))
        while left > 0:
            page = await self.slack.history(channel.id, latest=oldest, limit=min(PAGE, left))
            await self._store_page(channel, page.items, live_after=None)
            if not page.items:
                break
            oldest = min(str(m["ts"]) for m in page.items)
            left -= len(page.items)
            await channels.set_onboarding(channel.id, "running", oldest)
            if not page.next_cursor:
                break
        await channels.set_onboarding(channel.id, "done", oldest)
        log.info("channel_onboarded", channel=channel.id, oldest=oldest)
        return Done()

    async def _stored_since(self, channel_id: str, oldest: str | None) -> int:
        if oldest is None:
            return 0
        return len(await Messages(self.db).roots_between(channel_id, oldest, "9"))

    async def _store_page(
        self, channel: Channel, raw: Sequence[Mapping[str, Any]], live_after: str | None
    ) -> None:
        events = events_of(channel.id, channel.kind, raw, self.me)
        if events:
            await self.intake.record_history(events, live_after=live_after)
        threads = [str(m["ts"]) for m in raw if m.get("reply_count")]
        await self._put_threads(channel.id, threads, live_after)

    async def _put_threads(self, channel_id: str, threads: Sequence[str], live_after: str | None) -> None:
        jobs = [
            NewJob(
                work.ThreadJob(channel_id=channel_id, ts=ts, live_after=live_after),
                priority=Priority.BACKFILL if live_after is None else Priority.NORMAL,
                unique=f"thread:{channel_id}:{ts}",
            )
            for ts in threads
        ]
        if jobs:
            async with self.db.transaction() as conn:
                await self.queue.put(conn, jobs)

    async def thread(self, job: work.ThreadJob, context: JobContext) -> Outcome:
        """All replies of a thread; replies that Slack no longer has are deleted here too."""
        return await _unless_gone(self._thread(job))

    async def _thread(self, job: work.ThreadJob) -> Outcome:
        channel = await Channels(self.db).get(job.channel_id)
        if channel is None:
            return Cancel("the channel is not recorded")
        root = MessageRef(job.channel_id, job.ts)
        known = {ts for ts in await Messages(self.db).replies_of(root) if ts <= (job.live_after or "")}
        present: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self.slack.replies(job.channel_id, job.ts, cursor=cursor, limit=PAGE)
            present |= {str(message["ts"]) for message in page.items}
            events = events_of(channel.id, channel.kind, page.items, self.me)
            await self.intake.record_history(events, live_after=job.live_after)
            cursor = page.next_cursor
            if not cursor:
                break
        await self._bury(channel.id, known - present)
        return Done()

    async def recover(self, job: work.RecoverJob, context: JobContext) -> Outcome:
        """Everything between the last message known to be stored and now."""
        return await _unless_gone(self._recover(job))

    async def _recover(self, job: work.RecoverJob) -> Outcome:
        channel = await Channels(self.db).get(job.channel_id)
        since = await Channels(self.db).gap(job.channel_id)
        if channel is None or since is None:
            return Done()
        oldest = shift(since, -OVERLAP_S)
        live_after = max(since, shift(str(self.now()), -LIVE_WINDOW_S))
        # Read before Slack is asked: a message that is stored now and not in Slack's answer was deleted.
        known = await Messages(self.db).roots_between(channel.id, oldest, since)
        cursor: str | None = None
        while True:
            page = await self.slack.history(channel.id, oldest=oldest, cursor=cursor, limit=PAGE)
            await self._store_page(channel, page.items, live_after)
            known -= {str(message["ts"]) for message in page.items}
            cursor = page.next_cursor
            if not cursor:
                break
        await self._bury(channel.id, known)
        await self._put_threads(channel.id, await self._threads_to_check(channel.id, since), live_after)
        await Channels(self.db).gap_filled(channel.id, since)
        log.info("gap_filled", channel=channel.id, since=since)
        return Done()

    async def _threads_to_check(self, channel_id: str, since: str) -> list[str]:
        """Replies and edits that the channel's history does not show: active threads, open alerts."""
        active = await Messages(self.db).active_threads(
            channel_id, shift(since, -ACTIVE_THREAD_S), MAX_ACTIVE_THREADS
        )
        still_open = await Incidents(self.db).open_roots(channel_id, MAX_ACTIVE_THREADS)
        return sorted({*active, *still_open})

    async def _bury(self, channel_id: str, gone: set[str]) -> None:
        """Deleted in Slack while we were away."""
        if gone:
            events = [MessageDeleted(channel_id, ts, ts) for ts in sorted(gone)]
            await self.intake.record_history(events)

    async def mark_gaps(self) -> None:
        """Called before events of a new connection are recorded: what came before it may be missing."""
        await Channels(self.db).mark_gaps()
        jobs = [
            NewJob(
                work.RecoverJob(channel_id=channel_id),
                priority=Priority.NORMAL,
                unique=f"recover:{channel_id}",
            )
            for channel_id in await Channels(self.db).gaps()
        ]
        async with self.db.transaction() as conn:
            await self.queue.put(
                conn, [*jobs, NewJob(work.PeopleJob(), priority=Priority.NORMAL, unique="people")]
            )

    async def people(self, job: work.PeopleJob, context: JobContext) -> Outcome:
        """Names of the workspace's members, and channels the bot is in that were never recorded."""
        cursor: str | None = None
        while True:
            page = await self.slack.users(cursor=cursor)
            await Channels(self.db).upsert_people(
                [Person(u.id, u.name, u.email, u.is_bot) for u in map(slack_user, page.items)]
            )
            cursor = page.next_cursor
            if not cursor:
                break
        await self._find_channels()
        return Done()

    async def _find_channels(self) -> None:
        cursor: str | None = None
        while True:
            page = await self.slack.channels(cursor=cursor)
            for channel in filter(None, map(parse_channel, page.items)):
                await self._onboard_once(replace(channel, member=True))
            cursor = page.next_cursor
            if not cursor:
                break

    async def _onboard_once(self, channel: Channel) -> None:
        progress = await Channels(self.db).onboarding(channel.id)
        if progress is not None and progress.onboarding == "done":
            return
        await Channels(self.db).upsert(channel)
        async with self.db.transaction() as conn:
            await self.queue.put(conn, [onboard_job(channel.id)])


def onboard_job(channel_id: str, limit: int | None = None) -> NewJob:
    return NewJob(
        work.OnboardJob(channel_id=channel_id, limit=limit),
        priority=Priority.BACKFILL,
        unique=f"onboard:{channel_id}",
    )


async def _unless_gone(step: Awaitable[Outcome]) -> Outcome:
    """A channel or thread that we may no longer read is the end of the job, not a failure."""
    try:
        return await step
    except Refused as refused:
        if refused.code in GONE:
            return Cancel(str(refused))
        raise

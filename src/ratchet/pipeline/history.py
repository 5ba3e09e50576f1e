"""Onboarding: what was said in a channel before Ratchet came, and who the people are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from ratchet.domain.errors import Transient
from ratchet.domain.messages import Channel, MessageRef
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority
from ratchet.pipeline import work
from ratchet.pipeline.pages import OVERLAP_S, PAGE, Pages, look_again, onboard_job, shift, unless_gone
from ratchet.slack.parse import parse_channel
from ratchet.slack.web import slack_user
from ratchet.store.channels import Channels, Person
from ratchet.store.messages import Messages

log = structlog.get_logger(__name__)

PEOPLE_PAGE = 1000


@dataclass(frozen=True, slots=True)
class History:
    """Runs the jobs that read the past. Each step stores a page and where to go on."""

    pages: Pages
    onboard_messages: int = 1000

    async def onboard(self, job: work.OnboardJob, context: JobContext) -> Outcome:
        """The channel's name and kind, then pages from new to old, each stored with how far we came."""
        return await unless_gone(self._onboard(job))

    async def _onboard(self, job: work.OnboardJob) -> Outcome:
        pages, channels = self.pages, Channels(self.pages.db)
        channel = parse_channel(await pages.slack.channel_info(job.channel_id))
        if channel is None:
            return Cancel("Slack gave no channel")
        await channels.upsert(channel)
        progress = await channels.onboarding(channel.id)
        resumed = progress is not None and progress.onboarding == "running" and job.limit is None
        oldest = progress.onboarded_to if resumed and progress else None
        left = (job.limit or self.onboard_messages) - await self._stored_since(channel.id, oldest)
        while left > 0:
            read_at, live_after = pages.read_at(), pages.live_after(job.live_after)
            page = await pages.slack.history(channel.id, latest=oldest, limit=min(PAGE, left))
            await pages.store(channel, page.items, read_at, live_after)
            roots = [str(message["ts"]) for message in page.items if message.get("reply_count")]
            await pages.put_threads(channel.id, roots, job.live_after)
            if not page.items:
                break
            oldest = min(str(message["ts"]) for message in page.items)
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
        return len(await Messages(self.pages.db).roots_between(channel_id, oldest, "9"))

    async def thread(self, job: work.ThreadJob, context: JobContext) -> Outcome:
        """All replies of a thread; replies that Slack no longer has are deleted here too."""
        return await unless_gone(self._thread(job, context))

    async def _thread(self, job: work.ThreadJob, context: JobContext) -> Outcome:
        pages = self.pages
        channel = await Channels(pages.db).get(job.channel_id)
        if channel is None:
            return Cancel("the channel is not recorded")
        live_after = await self._live_after(job)
        # Read before Slack is asked: a reply that is stored now and not in Slack's answer was deleted.
        known = await Messages(pages.db).replies_of(MessageRef(job.channel_id, job.ts))
        cursor, first_read_at = None, pages.read_at()
        while True:
            read_at = pages.read_at()
            page = await pages.slack.replies(job.channel_id, job.ts, cursor=cursor, limit=PAGE)
            known -= {str(message["ts"]) for message in page.items}
            await pages.store(channel, page.items, read_at, pages.live_after(live_after))
            cursor = page.next_cursor
            if not cursor:
                break
        fresh = await pages.bury(channel.id, known, first_read_at)
        return look_again(fresh, context) or Done()

    async def _live_after(self, job: work.ThreadJob) -> str | None:
        """As the job says; else what lies in a gap that is open still is news, whoever finds it first."""
        gap = None if job.live_after else await Channels(self.pages.db).gap(job.channel_id)
        return shift(gap.since, -OVERLAP_S) if gap else job.live_after

    async def people(self, job: work.PeopleJob, context: JobContext) -> Outcome:
        """Names of the workspace's members."""
        pages, cursor = self.pages, job.cursor
        while True:
            try:
                page = await pages.slack.users(cursor=cursor, limit=PEOPLE_PAGE)
            except Transient as transient:
                if cursor == job.cursor:
                    raise
                return await pages.go_on(work.PeopleJob(cursor=cursor), Priority.NORMAL, transient)
            people = [Person(u.id, u.name, u.email, u.is_bot) for u in map(slack_user, page.items)]
            await Channels(pages.db).upsert_people(people)
            cursor = page.next_cursor
            if not cursor:
                return Done()

    async def channels(self, job: work.ChannelsJob, context: JobContext) -> Outcome:
        """Channels that the bot is in: what they are now; those that were never recorded are onboarded."""
        pages, cursor = self.pages, job.cursor
        while True:
            try:
                page = await pages.slack.channels(cursor=cursor)
            except Transient as transient:
                if cursor == job.cursor:
                    raise
                going_on = work.ChannelsJob(cursor=cursor, live_after=job.live_after)
                return await pages.go_on(going_on, Priority.NORMAL, transient)
            for channel in filter(None, map(parse_channel, page.items)):
                await self._know(replace(channel, member=True), job.live_after)
            cursor = page.next_cursor
            if not cursor:
                return Done()

    async def _know(self, channel: Channel, live_after: str | None) -> None:
        channels = Channels(self.pages.db)
        await channels.upsert(channel)
        progress = await channels.onboarding(channel.id)
        if progress is None or progress.onboarding != "done":
            await self.pages.put(onboard_job(channel.id, live_after=live_after))

    async def look_around(self) -> None:
        """Put the jobs that find out who and what is there. Called on every connect."""
        await self.pages.put(
            NewJob(work.PeopleJob(), priority=Priority.NORMAL, unique="people"),
            NewJob(
                work.ChannelsJob(live_after=self.pages.now_ts()), priority=Priority.NORMAL, unique="channels"
            ),
        )

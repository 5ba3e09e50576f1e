"""Gaps: what was said, edited and deleted while no connection was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from ratchet.domain.errors import Transient
from ratchet.domain.messages import Channel
from ratchet.jobs.base import Done, JobContext, NewJob, Outcome, Priority
from ratchet.pipeline import work
from ratchet.pipeline.pages import OVERLAP_S, PAGE, Pages, look_again, shift, unless_gone
from ratchet.store.channels import Channels
from ratchet.store.incidents import Incidents
from ratchet.store.messages import NEWEST_TS, Messages

log = structlog.get_logger(__name__)

# So far back before a gap its channel is read again: edits, deletions and first replies show only there.
LOOK_BACK_S: Final = 86_400.0
MAX_THREADS: Final = 50


@dataclass(frozen=True, slots=True)
class Recover:
    pages: Pages

    async def mark_gaps(self) -> None:
        """Called before events of a new connection are recorded: what came before it may be missing."""
        channels = Channels(self.pages.db)
        await channels.mark_gaps()
        await self.pages.put(
            *(
                NewJob(
                    work.RecoverJob(channel_id=channel_id),
                    priority=Priority.NORMAL,
                    unique=f"recover:{channel_id}",
                    rerun=True,
                )
                for channel_id in await channels.gaps()
            )
        )

    async def run(self, job: work.RecoverJob, context: JobContext) -> Outcome:
        """Everything between the last message known to be stored and now."""
        return await unless_gone(self._run(job, context))

    async def _run(self, job: work.RecoverJob, context: JobContext) -> Outcome:
        pages, channels = self.pages, Channels(self.pages.db)
        channel, gap = await channels.get(job.channel_id), await channels.gap(job.channel_id)
        if channel is None or gap is None:
            return Done()
        oldest = shift(gap.since, -LOOK_BACK_S)
        at, fresh = job, set[str]()
        while True:
            try:
                read_at = pages.read_at()
                # Not only up to the gap's begin: what was stored live since then may be deleted again.
                known = await Messages(pages.db).roots_between(channel.id, oldest, at.upper or NEWEST_TS)
                page = await pages.slack.history(channel.id, oldest=oldest, cursor=at.cursor, limit=PAGE)
            except Transient as transient:
                if at == job:
                    raise
                return await pages.go_on(at, Priority.NORMAL, transient)
            bottom = min((str(m["ts"]) for m in page.items), default=oldest) if page.next_cursor else oldest
            await self._store(channel, page.items, read_at, gap.since)
            # The last of the page before is not on this one, and is not missing.
            missing = known - {str(message["ts"]) for message in page.items} - {at.upper}
            fresh |= await pages.bury(channel.id, {ts for ts in missing if ts > bottom}, read_at)
            if not page.next_cursor:
                break
            at = work.RecoverJob(channel_id=channel.id, cursor=page.next_cursor, upper=bottom)
        await pages.put_threads(channel.id, await self._older_threads(channel.id, oldest), gap.since)
        if again := look_again(fresh, context):
            return again
        await channels.gap_filled(channel.id, gap)
        log.info("gap_filled", channel=channel.id, since=gap.since)
        return Done()

    async def _store(
        self, channel: Channel, raw: Sequence[Mapping[str, Any]], read_at: str, since: str
    ) -> None:
        # Not only what came after the gap's begin: another replica may have stored something later.
        live_after = shift(since, -OVERLAP_S)
        await self.pages.store(channel, raw, read_at, self.pages.live_after(live_after))
        await self.pages.put_threads(channel.id, await self._incomplete(channel.id, raw), live_after)

    async def _incomplete(self, channel_id: str, raw: Sequence[Mapping[str, Any]]) -> list[str]:
        """Roots whose stored replies are not those that Slack counts, none included."""
        threads = {str(m["ts"]): _marks(m) for m in raw}
        stored = await Messages(self.pages.db).reply_marks(channel_id, list(threads))
        return [ts for ts, wanted in threads.items() if stored.get(ts) != wanted]

    async def _older_threads(self, channel_id: str, oldest: str) -> list[str]:
        """Threads whose root lies before what was read: those still talked in, and alerts still open."""
        active = await Messages(self.pages.db).active_threads(channel_id, oldest, MAX_THREADS)
        still_open = await Incidents(self.pages.db).open_roots(channel_id, MAX_THREADS)
        return sorted(ts for ts in {*active, *still_open} if ts < oldest)


def _marks(root: Mapping[str, Any]) -> tuple[int, str] | None:
    """How many replies Slack counts under a message, and the newest one's ts."""
    return (root["reply_count"], str(root.get("latest_reply") or "")) if root.get("reply_count") else None

"""Reports by the clock: where the toil is, with its chart in the thread; and what Ratchet itself did."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from ratchet.domain.effects import Effect, Footer, Post, Upload
from ratchet.domain.messages import Channel
from ratchet.domain.schedules import CHANNEL_REPORT, USAGE_REPORT, days_before
from ratchet.pipeline.commit import Commit
from ratchet.reports import channel_text, usage, usage_text
from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.charts import channel_chart
from ratchet.store.channels import Channels
from ratchet.store.reader import Reader
from ratchet.store.schedules import Schedules
from ratchet.tools.base import Permalinks

log = structlog.get_logger(__name__)

DAYS: Final = 7


class Adviser(Protocol):
    """Who suggests, from what people wrote, what to change."""

    async def advise(self, report: ChannelReport, links: channel_text.Links) -> str:
        """Markdown, each suggestion with a link to a thread that it rests on; "" when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class ScheduledReports:
    """`run_channel`, `run_usage`: kinds of schedules. `adviser` None: the rules' suggestions alone."""

    commit: Commit
    links: Permalinks
    adviser: Adviser | None = None

    async def run_channel(self, channel_id: str, due: datetime) -> None:
        """Post the report on a channel into it; nothing where nothing may be said."""
        if (channel := await self._open(channel_id, due)) is None:
            return
        days = await self._days(channel_id, CHANNEL_REPORT, due)
        since = due - timedelta(days=days)
        rows = await Reader(self.commit.db).channel_rows(
            channel_id, visible_from=channel_id, since=since, until=due
        )
        report = channel_report(rows)
        effects = await self._told(channel, report, due)
        await self.commit.run(f"{CHANNEL_REPORT}:{channel_id}:{due.timestamp():.0f}", "report", effects)

    async def run_usage(self, channel_id: str, due: datetime) -> None:
        """Post what Ratchet did, as far as the channel may see it."""
        if await self._open(channel_id, due) is None:
            return
        days = await self._days(channel_id, USAGE_REPORT, due)
        rows = await Reader(self.commit.db).usage_rows(
            due - timedelta(days=days), due, visible_from=channel_id
        )
        text = usage_text.markdown(usage.usage_report(rows))
        effects = [Post(channel_id, text, Footer("usage"))]
        await self.commit.run(f"{USAGE_REPORT}:{channel_id}:{due.timestamp():.0f}", "usage", effects)

    async def _open(self, channel_id: str, due: datetime) -> Channel | None:
        channel = await Channels(self.commit.db).get(channel_id)
        if channel is None or not channel.speaks or channel.archived or channel.manners.quiet_at(due):
            log.info("report_not_posted", channel=channel_id)
            return None
        return channel

    async def _days(self, channel_id: str, kind: str, due: datetime) -> int:
        found = [one for one in await Schedules(self.commit.db).of(channel_id) if one.kind == kind]
        return days_before(found[0].cron, found[0].time_zone, due) if found else DAYS

    async def _told(self, channel: Channel, report: ChannelReport, due: datetime) -> Sequence[Effect]:
        links = partial(self.links, channel.id)
        text = channel_text.markdown(report, links)
        if self.adviser is not None and (advice := await self.adviser.advise(report, links)):
            text = f"{text}\n\n{advice}"
        said: list[Effect] = [Post(channel.id, text, Footer("report"))]
        if report.total.opens:
            title = f"#{channel.name or channel.id}, {report.days} days to {due:%-d %B %Y}"
            # matplotlib takes a while; the loop has other things to do.
            picture = await asyncio.to_thread(channel_chart, report, title)
            name = f"report-{channel.id}-{due:%Y%m%d-%H%M}.png"
            content = base64.b64encode(picture).decode("ascii")
            said.append(Upload(channel.id, name, f"Alerts per day and noise by cause: {title}", content))
        return said

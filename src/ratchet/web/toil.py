"""What the pages say about toil: reports, kept for a minute, and their charts. Made off the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from markupsafe import Markup

from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.channel_alerts import AlertLine
from ratchet.reports.channel_times import DayOpens
from ratchet.reports.charts import daily_chart
from ratchet.reports.inline_svg import inline
from ratchet.reports.usage import UsageReport, usage_report
from ratchet.store.overview import Busy
from ratchet.web.remembered import Remembered
from ratchet.web.services import Services

KEEP_S: Final = 60.0
STALE_S: Final = 3600.0
CHART_S: Final = 3600.0
CHART_DAYS: Final = 14
WEEK: Final = timedelta(days=7)
# Of so many channels the first page reads a report; the others have few alerts, or none.
REPORTED: Final = 5
NOISY: Final = 10


@dataclass(frozen=True, slots=True)
class NoisyLine:
    """A noisy alert and the channel in which it is."""

    channel: Busy
    line: AlertLine


@dataclass(frozen=True, slots=True)
class Week:
    """What the first page says of the last days. `opens`: in 7 days. `channels`: the busiest, at most 5."""

    at: datetime
    chart: Markup
    opens: int
    noisy: Sequence[NoisyLine]
    channels: Sequence[Busy]
    usage: UsageReport


class Toil:
    """Reports and charts for pages, for the operator, who may see private channels.

    `clock` gives seconds, from any start. Only the week may be older than `KEEP_S`: it says as of when it is.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._weeks: Remembered[Week] = Remembered(KEEP_S, 1, clock, stale_s=STALE_S)
        self._reports: Remembered[ChannelReport] = Remembered(KEEP_S, 64, clock)
        self._charts: Remembered[Markup] = Remembered(CHART_S, 64, clock)

    async def renew(self) -> None:
        """What was shown although it is old; for after the answer."""
        await self._weeks.renew()

    async def week(self) -> Week:
        return await self._weeks.get("week", self._week)

    async def report(self, channel_id: str) -> ChannelReport:
        """Of the last 7 days in one channel."""

        async def make() -> ChannelReport:
            until = self._services.now()
            rows = await self._services.reports.channel_rows(
                channel_id, visible_from=channel_id, since=until - WEEK, until=until
            )
            return await asyncio.to_thread(channel_report, rows)

        return await self._reports.get(channel_id, make)

    async def chart(self, days: Sequence[date], daily: Sequence[DayOpens]) -> Markup:
        """Drawn once for the same figures."""

        async def make() -> Markup:
            return await asyncio.to_thread(_drawn, days, daily)

        return await self._charts.get((tuple(days), tuple(daily)), make)

    async def _week(self) -> Week:
        services, now = self._services, self._services.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        first = today - timedelta(days=CHART_DAYS - 1)
        found = await services.overview.daily(first, now)
        daily = [DayOpens(*row) for row in found]
        busy = await services.overview.busiest(now - WEEK, now, REPORTED)
        noisy = [NoisyLine(one, line) for one in busy for line in (await self.report(one.id)).noise]
        usage = usage_report(await services.reports.usage_rows(now - WEEK, now, visible_from=None))
        return Week(
            at=now,
            chart=await self.chart([(first + timedelta(days=n)).date() for n in range(CHART_DAYS)], daily),
            opens=sum(one.opens for one in daily if one.day > (now - WEEK).date()),
            noisy=sorted(noisy, key=lambda one: -one.line.opens)[:NOISY],
            channels=busy,
            usage=usage,
        )


def _drawn(days: Sequence[date], daily: Sequence[DayOpens]) -> Markup:
    total = sum(one.opens for one in daily)
    label = f"Bar chart: {total} alerts by day and service, {days[0]:%d %b} to {days[-1]:%d %b}"
    return Markup(inline(daily_chart(days, daily), label, "days-"))  # noqa: S704  matplotlib's, names escaped there

"""The tool `channel_report`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from ratchet.reports.channel import channel_report, markdown
from ratchet.tools.base import ToolDeps, the_channel

# More incidents than this in the window, and the report says that it rests on the newest ones.
MAX_INCIDENTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class ReportResult:
    channel: str
    markdown: str
    permalinks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelReportTool:
    deps: ToolDeps
    asked_in: str

    async def channel_report(
        self, channel: str | None = None, days: Annotated[int, Field(ge=1, le=90)] = 7
    ) -> ReportResult:
        """Report where the toil in a channel is: noisy alerts, what is still open, what nobody touched.

        Args:
            channel: Name or id of the channel; leave out for the one in which the question was asked.
            days: How many days up to now.
        """
        reader, now = self.deps.reader, self.deps.clock()
        about = await the_channel(reader, channel or self.asked_in, self.asked_in)
        since = now - timedelta(days=days)
        incidents = await reader.list_incidents(
            visible_from=self.asked_in, since=since, channel_id=about.id, limit=MAX_INCIDENTS
        )
        replies = await reader.count_human_replies(
            about.id, [incident.open_ts for incident in incidents], visible_from=self.asked_in
        )
        report = channel_report(incidents, replies, since=since, until=now)
        links = {row.open_ts: self.deps.links(about.id, row.open_ts) for row in report.linked()}
        return ReportResult(
            channel=f"#{about.name}" if about.name else about.id,
            markdown=markdown(report, links),
            permalinks=tuple(links.values()),
        )

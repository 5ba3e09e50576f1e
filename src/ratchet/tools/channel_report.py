"""The tool `channel_report`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from ratchet.reports.channel import channel_report
from ratchet.reports.channel_text import markdown
from ratchet.reports.channel_threads import RawThread
from ratchet.tools.base import ToolDeps, minute, the_channel


@dataclass(frozen=True, slots=True)
class ThreadText:
    """What people wrote under one incident; `replies`: minutes after it opened, and the text."""

    alert: str | None
    service: str | None
    opened_at: str
    minutes_open: int | None
    replies: tuple[str, ...]
    permalink: str


@dataclass(frozen=True, slots=True)
class ReportResult:
    """`markdown` can be posted as it is; `threads` are for finding patterns in what people wrote."""

    channel: str
    markdown: str
    permalinks: tuple[str, ...]
    threads: tuple[ThreadText, ...]


@dataclass(frozen=True, slots=True)
class ChannelReportTool:
    deps: ToolDeps
    asked_in: str

    async def channel_report(
        self, channel: str | None = None, days: Annotated[int, Field(ge=1, le=90)] = 7
    ) -> ReportResult:
        """Report where the toil in a channel is: what to delete or fix first, what is open, what helped.

        Args:
            channel: Name or id of the channel; leave out for the one in which the question was asked.
            days: How many days up to now; compared with as many days before.
        """
        reader, now = self.deps.reader, self.deps.clock()
        about = await the_channel(reader, channel or self.asked_in, self.asked_in)
        rows = await reader.channel_rows(
            about.id, visible_from=self.asked_in, since=now - timedelta(days=days), until=now
        )
        report = channel_report(rows)
        links: dict[str, None] = {}

        def link(ts: str, root_ts: str) -> str:
            address = self.deps.links(about.id, ts, root_ts)
            links[address] = None
            return address

        text = markdown(report, link)
        threads = tuple(_thread(thread, link(thread.ts, thread.root_ts)) for thread in report.threads)
        name = f"#{about.name}" if about.name else about.id
        return ReportResult(name, text, tuple(links), threads)


def _thread(thread: RawThread, permalink: str) -> ThreadText:
    replies = [f"+{reply.minutes} min: {reply.text}" for reply in thread.replies]
    if thread.left_out:
        replies.append(f"({thread.left_out} replies in the middle are left out)")
    return ThreadText(
        thread.alert,
        thread.service,
        minute(thread.opened_at),
        thread.minutes_open,
        tuple(replies),
        permalink,
    )

"""The tool `doc_gaps`, and how the list of documentation gaps comes about for everybody who shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from pydantic import Field

from ratchet.domain.gaps import HelpRows
from ratchet.reports.gaps import GapReport, gap_report, wanted
from ratchet.reports.gaps_text import markdown
from ratchet.tools.base import GapReader, ToolDeps, the_channel


@dataclass(frozen=True, slots=True)
class GapsResult:
    """`markdown` can be posted as it is."""

    markdown: str
    permalinks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocGapsTool:
    deps: ToolDeps
    gaps: GapReader
    asked_in: str

    async def doc_gaps(
        self, channel: str | None = None, days: Annotated[int, Field(ge=1, le=365)] = 30
    ) -> GapsResult:
        """Report what the documents lack: questions that people asked again and again and no page answers,
        with who answered them and a proposed page, and pages that people contradict.

        Args:
            channel: Name or id of a channel; leave out for the one in which the question was asked.
            days: How many days up to now.
        """
        now = self.deps.clock()
        ids: Sequence[str] | None = None
        if channel or self.asked_in:
            ids = [(await the_channel(self.deps.reader, channel or self.asked_in, self.asked_in)).id]
        report, rows = await read_gaps(self.gaps, ids, self.asked_in, (now - timedelta(days=days), now))
        links: dict[str, None] = {}

        def link(channel_id: str, ts: str, thread_ts: str) -> str:
            address = self.deps.links(channel_id, ts, thread_ts)
            links[address] = None
            return address

        return GapsResult(markdown(report, rows, link), tuple(links))


class GapWriter(Protocol):
    async def written(self, report: GapReport, channel_id: str | None) -> GapReport:
        """The list with what a model adds to it; as it was where the model is away."""
        ...


async def read_gaps(
    reader: GapReader, channel_ids: Sequence[str] | None, visible_from: str, window: tuple[datetime, datetime]
) -> tuple[GapReport, HelpRows]:
    """The list for a window, by rules alone, and the rows that it was made from."""
    since, until = window
    rows = await reader.help_rows(channel_ids, visible_from=visible_from, since=since, until=until)
    messages, addresses = wanted(rows)
    return gap_report(rows, await reader.compared([one.ref for one in messages], addresses)), rows

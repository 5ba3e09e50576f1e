"""The weekly list of documentation gaps, posted where a channel wants it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from ratchet.domain.effects import Footer, Post
from ratchet.pipeline.commit import Commit
from ratchet.reports.gaps import GapReport
from ratchet.reports.gaps_text import markdown
from ratchet.store.channels import Channels
from ratchet.tools.base import GapReader, Permalinks
from ratchet.tools.doc_gaps import GapWriter, read_gaps

log = structlog.get_logger(__name__)

MODULE: Final = "gap_list"
# Longer than the week: what is asked again is asked every few weeks.
WINDOW: Final = timedelta(days=90)
TITLE: Final = "**What the documents lack**"


@dataclass(frozen=True, slots=True)
class GapList:
    commit: Commit
    reader: GapReader
    links: Permalinks
    writer: GapWriter | None = None

    async def run(self, channel_id: str, due: datetime) -> None:
        """Post the list of one channel; nothing where there is nothing to do, or nothing may be said."""
        channel = await Channels(self.commit.db).get(channel_id)
        if channel is None or not channel.speaks or channel.archived or channel.manners.quiet_at(due):
            return
        report, rows = await read_gaps(self.reader, [channel_id], channel_id, (due - WINDOW, due))
        if not worth_posting(report):
            log.info("no_gaps", channel=channel_id, questions=report.questions)
            return
        if self.writer is not None:
            report = await self.writer.written(report, channel_id)
        text = f"{TITLE}\n\n{markdown(report, rows, self.links)}"
        run_key = f"{MODULE}:{channel_id}:{due.timestamp():.6f}"
        await self.commit.run(run_key, MODULE, [Post(channel_id, text, Footer(MODULE))])


def worth_posting(report: GapReport) -> bool:
    """Whether anybody could do something about it."""
    return bool(report.again or report.once or report.unanswered or report.stale)

"""`report`: what a channel report costs, with little and with much history, and for a long window.

Two databases take turns in every round, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.corpus import Corpus
from bench.processes import cpu_seconds, family, rows
from bench.repeated import record
from bench.report import Report, percentile
from ratchet.app import Store, open_store
from ratchet.reports import channel_json
from ratchet.reports.channel import channel_report
from ratchet.reports.charts import channel_chart
from ratchet.settings import load as load_settings
from ratchet.store.channels import Channels
from ratchet.store.reader import Reader
from ratchet.tools.base import ToolDeps, WorkspaceLinks
from ratchet.tools.channel_report import ChannelReportTool

CHANNEL: Final = "C0BENCH000"
DAYS: Final = 7
WITHIN: Final = 1.25
LINKS: Final = WorkspaceLinks("https://bench.slack.com")


@dataclass(slots=True)
class Side:
    """One database; by days of the window seconds of each report, on the clock and on processors."""

    store: Store
    until: datetime
    whole: dict[int, list[float]] = field(default_factory=dict)
    cpu: dict[int, list[float]] = field(default_factory=dict)

    async def report(self, days: int) -> None:
        """As the assistant's tool does it, the channel's name included."""
        tool = ChannelReportTool(ToolDeps(Reader(self.store.db), LINKS, lambda: self.until), CHANNEL)
        began, worked = time.perf_counter(), self._worked()
        await tool.channel_report(days=days)
        self.whole.setdefault(days, []).append(time.perf_counter() - began)
        self.cpu.setdefault(days, []).append(self._worked() - worked)

    async def charted(self, days: int) -> float:
        """Seconds for all of `ratchet report --png`: the figures and their picture."""
        began = time.perf_counter()
        since = self.until - timedelta(days=days)
        rows = await Reader(self.store.db).channel_rows(
            CHANNEL, visible_from=CHANNEL, since=since, until=self.until
        )
        report = channel_report(rows)
        channel_json.as_json(report, partial(LINKS, CHANNEL))
        channel_chart(report, "#ops, 7 days")
        return time.perf_counter() - began

    def _worked(self) -> float:
        """Processor seconds of this process and of the server with its helpers."""
        server = self.store.server
        postmaster = server.pid if server else None
        assert postmaster is not None
        return time.process_time() + cpu_seconds(family(postmaster), children=True)


async def run(directory: Path, *, quick: bool) -> Report:
    per_week, times = (2_000, 10) if quick else (10_000, 40)
    long = 10 * DAYS
    title = f"{per_week:,} messages in {DAYS} days; two and a half weeks of history against 25; {times} times"
    report = Report("report", title)
    until = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        little = await _side(stack, directory / "little", 2.5, per_week, until)
        much = await _side(stack, directory / "much", 25, per_week, until)
        opens = await _opens(much, until)
        for _ in range(times):
            for side in (little, much):
                await side.report(DAYS)
        for _ in range(max(3, times // 8)):
            await much.report(long)
        charted = [await much.charted(DAYS) for _ in range(times)]
    _figures(report, little, much, opens)
    report.below("report with its chart, the first time", charted[0] * 1000, "ms", 1_000)
    report.below(
        "report with its chart, p95 of the others", percentile(charted[1:], 0.95) * 1000, "ms", 1_000
    )
    per_message = median(much.cpu[long]) / (per_week * 10) / (median(much.cpu[DAYS]) / per_week)
    report.add(f"report on {per_week * 10:,} messages, p50", median(much.whole[long]) * 1000, "ms")
    report.below("CPU per message of that, to that of one week", per_message, "×", WITHIN)
    return report


def _figures(report: Report, little: Side, much: Side, opens: int) -> None:
    report.add("incidents in the window", opens, "")
    report.below("report, p50", median(much.whole[DAYS]) * 1000, "ms", 150)
    report.add("report, p95", percentile(much.whole[DAYS], 0.95) * 1000, "ms")
    report.below("report, slowest", max(much.whole[DAYS]) * 1000, "ms", 300)
    report.add("CPU of Ratchet and PostgreSQL, p50", median(much.cpu[DAYS]) * 1000, "ms")
    for what, found, base in (("time", much.whole, little.whole), ("CPU", much.cpu, little.cpu)):
        ratio = median(found[DAYS]) / median(base[DAYS])
        report.below(f"{what} with ten times the history", ratio, "×", WITHIN)
    report.raw |= {
        name: {str(days): [s * 1000 for s in seconds] for days, seconds in side.whole.items()}
        for name, side in (("little_ms", little), ("much_ms", much))
    }


async def _side(stack: AsyncExitStack, directory: Path, weeks: float, per_week: int, until: datetime) -> Side:
    settings = load_settings({"data_dir": directory, "database_url": None}, env_file=None)
    store = await stack.enter_async_context(open_store(settings))
    corpus = Corpus(seed=31, channels=1, alert_share=0.1)
    await record(store, corpus, round(weeks * per_week), days=7.0 * weeks, until=until)
    assert await Channels(store.db).get(CHANNEL)
    for command in ("vacuum (analyze)", "checkpoint"):
        await rows(store.db.conninfo, command)
    return Side(store, until)


async def _opens(side: Side, until: datetime) -> int:
    counted = await rows(
        side.store.db.conninfo,
        "select count(*) from incidents where channel_id = %s and opened_at >= %s",
        CHANNEL,
        until - timedelta(days=DAYS),
    )
    return int(counted[0][0])

"""`soak`: half an hour at 50 events a second, with questions in between: its memory stays as it is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import mean
from typing import Final

from bench.bulk import going_on
from bench.corpus import ALERTS, Corpus
from bench.processes import Running
from bench.report import Report
from bench.sustained import DEAD, STORED, Watched, is_new
from bench.traffic import Traffic

PER_SECOND: Final = 50
ASK_EVERY: Final = 250
"""Events between two questions to Ratchet."""
GROWTH: Final = 5.0
MAX_GROWTH_MB: Final = 10.0
QUESTION: Final = "<@{bot}> how did we fix {alert} last time?"


async def run(directory: Path, *, quick: bool) -> Report:
    seconds = 120 if quick else 1800
    report = Report(
        "soak", f"{PER_SECOND} events/s for {seconds // 60} min, a question every {ASK_EVERY} events"
    )
    corpus = Corpus(channels=8)
    async with going_on(directory, corpus, 2_000) as ratchet:
        await ratchet.quiet()
        await _soaked(report, ratchet, Traffic(corpus), seconds)
    return report


async def _soaked(report: Report, ratchet: Running, traffic: Traffic, seconds: float) -> None:
    control, watched = ratchet.slack.control, Watched(ratchet)
    await control.do("counters/reset")
    began_at = f"{traffic.now():.6f}"
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched.watch())
        sent, posted, asked = await _poured(ratchet, traffic, seconds)
        watching.cancel()
    # On a busy machine the embedding of what was said lags behind.
    behind = await ratchet.quiet(within=1200)
    stored = (await ratchet.rows(STORED, began_at))[0][0]
    seen = await control.counters()
    quarters = _quarters(watched.resident)
    report.add("events", sent, "")
    report.add("questions", asked, "")
    for number, value in enumerate(quarters, 1):
        report.add(f"resident set, mean of quarter {number}", value, "MB")
    report.below("growth, quarter 2 to 4", quarters[3] - quarters[1], "MB", MAX_GROWTH_MB)
    report.below("  of what it was", (quarters[3] / quarters[1] - 1) * 100, "%", GROWTH)
    report.add("all done after the last event", behind, "s")
    report.below("not stored", posted - stored, "messages", 1)
    report.below("delivered again", seen.redelivered, "events", 1)
    report.below("dead jobs", (await ratchet.rows(DEAD))[0][0], "", 1)
    report.raw = {"resident_mb": watched.resident, "lags_s": watched.lags}


def _quarters(values: list[float]) -> list[float]:
    """The mean of each quarter of the time."""
    step = len(values) / 4
    return [mean(values[round(n * step) : round((n + 1) * step)]) for n in range(4)]


async def _poured(ratchet: Running, traffic: Traffic, seconds: float) -> tuple[int, int, int]:
    """Events at an even pace: how many, how many of them new messages, how many questions."""
    control, corpus = ratchet.slack.control, traffic.corpus
    bot = str((await control.read("state"))["bot"]["user"])
    began, count, posted, asked = time.monotonic(), round(seconds * PER_SECOND), 0, 0
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        if number % ASK_EVERY == 0:
            words = QUESTION.format(bot=bot, alert=corpus.dice.choice(ALERTS))
            await control.post(corpus.dice.choice(corpus.channel_ids), corpus.user(), words)
            asked += 1
        else:
            event = traffic.next()
            posted += is_new(event)
            await control.inject([event], apply=True)
    return count, posted + asked, asked

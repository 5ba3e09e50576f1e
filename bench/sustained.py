"""`sustained`: 10,000 events a minute for ten minutes: nothing lost, and no lag at the end."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.bulk import going_on
from bench.corpus import Corpus
from bench.processes import Running, memory_mb
from bench.report import Report, percentile
from bench.traffic import Traffic
from localslack.model import Json

PER_MINUTE: Final = 10_000
LAG_S: Final = 5.0
EVERY_S: Final = 5.0
WARM_UP_S: Final = 3.0
OLDEST: Final = """
select coalesce(extract(epoch from now() - min(execute_after)), 0)::float8
from jobs where status = 'queued' and execute_after <= now()
"""
STORED: Final = "select count(*) from messages where ts >= %s and attrs->'sender'->>'kind' <> 'self'"
# Vectors are made behind everything else; until then a message is found by its words.
UNHANDLED: Final = "select count(*) from jobs where status <> 'failed' and entrypoint <> 'embed'"
DEAD: Final = "select count(*) from jobs where status = 'failed'"


@dataclass(slots=True)
class Watched:
    """Every few seconds: how long the oldest due job waits, in seconds, and Ratchet's resident set in MiB."""

    ratchet: Running
    lags: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.lags.append(float((await self.ratchet.rows(OLDEST))[0][0]))
            self.resident.append(memory_mb(self.ratchet.process.pid)["Rss"])
            await asyncio.sleep(EVERY_S)


async def run(directory: Path, *, quick: bool) -> Report:
    seconds = 60 if quick else 600
    report = Report("sustained", f"{PER_MINUTE:,} events a minute for {seconds // 60} min; one process")
    corpus = Corpus(channels=8)
    async with going_on(directory, corpus, 2_000) as ratchet:
        traffic = Traffic(corpus)
        await ratchet.quiet()
        await paced(ratchet, traffic, WARM_UP_S, PER_MINUTE / 60)
        await ratchet.quiet()
        await _measured(report, ratchet, traffic, seconds)
    return report


async def _measured(report: Report, ratchet: Running, traffic: Traffic, seconds: float) -> None:
    control, watched = ratchet.slack.control, Watched(ratchet)
    await control.do("counters/reset")
    before, began_at = ratchet.cpu(), f"{traffic.now():.6f}"
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched.watch())
        sent, posted, lasted = await paced(ratchet, traffic, seconds, PER_MINUTE / 60)
        watching.cancel()
    lag = await _handled(ratchet)
    embedded = lag + await ratchet.quiet(within=1200)
    spent = {name: value - before[name] for name, value in ratchet.cpu().items()}
    seen = await control.counters()
    stored = (await ratchet.rows(STORED, began_at))[0][0]
    report.add("pace held", sent / lasted * 60, "events/min")
    report.below("lag: everything handled after the last event", lag, "s", LAG_S)
    report.add("  and embedded after", embedded, "s")
    report.add("lag meanwhile: oldest due job, median", percentile(watched.lags, 0.5), "s")
    report.add("lag meanwhile: oldest due job, worst", max(watched.lags, default=math.nan), "s")
    report.add("acknowledged after, p50", percentile(seen.latencies_ms, 0.5), "ms")
    report.add("acknowledged after, p99", percentile(seen.latencies_ms, 0.99), "ms")
    report.below("delivered again", seen.redelivered, "events", 1)
    report.below("not stored", posted - stored, "messages", 1)
    report.below("dead jobs", (await ratchet.rows(DEAD))[0][0], "", 1)
    for name, value in spent.items():
        report.add(f"CPU of {name}", value / lasted * 100, "% of a core")
    report.raw |= {"lags_s": watched.lags, "resident_mb": watched.resident, "sent": sent, "posted": posted}


async def _handled(ratchet: Running) -> float:
    """Seconds until every event is acknowledged and what follows of it is done, but for its vector."""
    began = time.monotonic()
    await ratchet.slack.control.wait_for("acked", timeout=120)
    while (await ratchet.rows(UNHANDLED))[0][0]:  # noqa: ASYNC110  # a table sets no event
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def paced(
    ratchet: Running, traffic: Traffic, seconds: float, per_second: float
) -> tuple[int, int, float]:
    """Events at an even pace: how many, how many of them new messages, and in how many seconds."""
    began, count, posted = time.monotonic(), round(seconds * per_second), 0
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
        event = traffic.next()
        posted += is_new(event)
        await ratchet.slack.control.inject([event], apply=True)
    return count, posted, time.monotonic() - began


def is_new(event: Json) -> bool:
    return event["type"] == "message" and event.get("subtype") != "message_changed"

"""`ingest`: how soon events are committed and acknowledged, at an even pace and in a burst."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.bulk import going_on
from bench.corpus import Corpus
from bench.processes import Running
from bench.report import Report, percentile
from bench.traffic import Traffic
from localslack import Counters
from localslack.model import Json

PER_SECOND: Final = 100
BURST: Final = 2_000
WARM_UP_S: Final = 3.0

# Messages of a thread whose transaction began before that of an earlier one.
OUT_OF_ORDER: Final = """
select count(*) from (
    select xmin::text::bigint as here, lag(xmin::text::bigint) over thread as before
    from messages where ts >= %s and attrs->'sender'->>'kind' <> 'self'
    window thread as (partition by channel_id, coalesce(parent_ts, ts) order by ts)
) found where before > here
"""
STORED: Final = "select count(*) from messages where ts >= %s and attrs->'sender'->>'kind' <> 'self'"
WORK: Final = """
select entrypoint, count(*) from jobs_log where status = 'successful' and created >= to_timestamp(%s)
group by 1 order by 1
"""


async def run(directory: Path, *, quick: bool) -> Report:
    seconds, stored = (8, 2_000) if quick else (30, 20_000)
    title = (
        f"{PER_SECOND} events/s for {seconds} s, then {BURST:,} at once; {stored:,} messages stored before"
    )
    report = Report("ingest", title)
    corpus = Corpus(channels=8)
    async with going_on(directory, corpus, stored) as ratchet:
        traffic = Traffic(corpus)
        await ratchet.quiet()
        await _paced(ratchet, traffic, WARM_UP_S)
        await ratchet.quiet()
        await _steady(report, ratchet, traffic, seconds)
        await _burst(report, ratchet, traffic)
    return report


async def _steady(report: Report, ratchet: Running, traffic: Traffic, seconds: float) -> None:
    control = ratchet.slack.control
    await control.do("counters/reset")
    before, histogram, began_at = ratchet.cpu(), await _histogram(ratchet), time.time()
    began = time.monotonic()
    sent = await _paced(ratchet, traffic, seconds)
    lasted = time.monotonic() - began
    await control.wait_for("acked", timeout=60)
    spent = {name: value - before[name] for name, value in ratchet.cpu().items()}
    seen = await control.counters()
    own = _since(histogram, await _histogram(ratchet))
    behind = await ratchet.quiet()
    report.add("pace", sent / lasted, "events/s")
    _latency(report, "acknowledged after", seen, 50)
    for share in (0.5, 0.99) if own else ():
        report.add(f"  by Ratchet's own histogram, p{share * 100:g}", quantile(own, share) * 1000, "ms")
    if not own:
        report.note("This build has no /metrics to ask, so only Slack's side of the latency is known.")
    report.add("all jobs done after the last event", behind, "s")
    for name, value in spent.items():
        report.add(f"CPU of {name}", value / lasted * 100, "% of a core")
    jobs = dict(await ratchet.rows(WORK, began_at))
    report.raw["steady"] = {"latencies_ms": seen.latencies_ms, "jobs": jobs, "cpu_s": spent, "sent": sent}
    report.note("jobs done: " + ", ".join(f"{count} {kind}" for kind, count in jobs.items()))
    if seen.redelivered:
        report.note(f"{seen.redelivered} events were delivered again")


async def _burst(report: Report, ratchet: Running, traffic: Traffic) -> None:
    control = ratchet.slack.control
    await control.do("counters/reset")
    began_at, began = f"{traffic.now():.6f}", time.monotonic()
    events = [traffic.message() for _ in range(BURST)]
    await control.inject(events, apply=True)
    sent = time.monotonic() - began
    await control.wait_for("acked", timeout=60)
    took = time.monotonic() - began
    seen = await control.counters()
    stored = (await ratchet.rows(STORED, began_at))[0][0]
    disorder = (await ratchet.rows(OUT_OF_ORDER, began_at))[0][0]
    report.below("burst: slowest acknowledgement", seen.ack_latency_ms["max"] or math.nan, "ms", 3_000)
    report.add("burst: median acknowledgement", percentile(seen.latencies_ms, 0.5), "ms")
    report.add("burst: recorded", BURST / took, "events/s")
    report.below("burst: delivered again", seen.redelivered, "events", 1)
    report.below("burst: not stored", BURST - stored, "events", 1)
    report.below("burst: stored out of order within a thread", disorder, "messages", 1)
    report.add("burst: all jobs done after", await ratchet.quiet(), "s")
    report.raw["burst"] = {"latencies_ms": seen.latencies_ms, "sending_s": sent, "took_s": took}


def _latency(report: Report, what: str, seen: Counters, limit: float) -> None:
    for share in (0.5, 0.95):
        report.add(f"{what}, p{share * 100:g}", percentile(seen.latencies_ms, share), "ms")
    report.below(f"{what}, p99", percentile(seen.latencies_ms, 0.99), "ms", limit)
    report.add(f"{what}, slowest", max(seen.latencies_ms, default=math.nan), "ms")


async def _paced(ratchet: Running, traffic: Traffic, seconds: float) -> int:
    """Events at an even pace; how many."""
    began, count = time.monotonic(), round(seconds * PER_SECOND)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        await send(ratchet, traffic.next())
    return count


async def send(ratchet: Running, event: Json) -> None:
    await ratchet.slack.control.inject([event], apply=True)


async def _histogram(ratchet: Running) -> dict[float, float]:
    """Ratchet's own count of acknowledgements by upper bound in seconds; empty without an endpoint."""
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{ratchet.http}/metrics")
    except httpx.TransportError:
        return {}
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(answer.text if answer.is_success else "")
        for sample in family.samples
        if sample.name == "ratchet_ack_seconds_bucket"
    }


def _since(before: Mapping[float, float], after: Mapping[float, float]) -> dict[float, float]:
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """Seconds, straight between the bounds as Prometheus has it; NaN of nothing."""
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]]
    low, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted > 0:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (wanted - below) / max(buckets[bound] - below, 1e-9)
        low, below = bound, buckets[bound]
    return math.nan

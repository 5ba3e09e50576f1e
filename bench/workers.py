"""`workers`: jobs a second with one worker and with three, on one PostgreSQL, by turns.

Before each round the jobs are put and held back; the workers are connected before they are let go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench.bulk import fill
from bench.corpus import Corpus, write_export
from bench.machine import machine
from bench.processes import Running, local_slack, ratchet, running, settings
from bench.report import Report
from bench.traffic import Traffic
from localslack.model import Json
from ratchet.jobs.names import wake_params

ENOUGH_CORES: Final = 4
FASTER: Final = 2.2
WAIT_S: Final = 300.0
HOLD: Final = "update jobs set execute_after = now() + interval '1 day' where status = 'queued'"
LET_GO: Final = "update jobs set execute_after = now() where status = 'queued'"
LEFT: Final = "select count(*) from jobs where status <> 'failed'"
DEAD: Final = "select count(*) from jobs where status = 'failed'"
DONE: Final = "select entrypoint, count(*) from jobs_log where status = 'successful' group by 1"
WAKE: Final = "select pg_notify(%s, %s)"
NOBODY_STORMS: Final = "1000000"


async def run(directory: Path, *, quick: bool) -> Report:
    alerts, rounds = (500, 2) if quick else (2_000, 4)
    title = f"{rounds} rounds of {alerts:,} alerts for one worker, and as many for three"
    report = Report("workers", title)
    corpus = Corpus(channels=24)
    await fill(directory, corpus, 2_000)
    empty = directory / "empty.zip"
    write_export(empty, corpus, 0, days=1)
    rates: dict[int, list[float]] = {1: [], 3: []}
    async with (
        local_slack(directory, "--workspace", str(empty)) as slack,
        running(
            directory, slack, "--only", "slack,web", ONBOARD_MESSAGES="0", STORM_ALERTS=NOBODY_STORMS
        ) as ears,
    ):
        traffic = Traffic(corpus)
        # The first finds channels that nobody knows yet, and statements without plans.
        await _round(directory, ears, _alerts(traffic, 100), 1)
        for number in range(rounds):
            for count in (1, 3) if number % 2 else (3, 1):
                rates[count].append(await _round(directory, ears, _alerts(traffic, alerts), count))
        report.raw["jobs"] = dict(await ears.rows(DONE))
        dead = (await ears.rows(DEAD))[0][0]
    report.add("one worker, median", median(rates[1]), "jobs/s")
    report.add("three workers, median", median(rates[3]), "jobs/s")
    ratios = [three / one for one, three in zip(rates[1], rates[3], strict=True)]
    target = FASTER if machine().cores >= ENOUGH_CORES else 1
    report.above(
        f"three to one on {machine().cores} cores, median of the rounds", median(ratios), "×", target
    )
    report.below("dead jobs", dead, "", 1)
    report.raw |= {"rates": {str(count): found for count, found in rates.items()}, "ratios": ratios}
    return report


def _alerts(traffic: Traffic, count: int) -> list[Json]:
    channels = traffic.corpus.channel_ids
    return [traffic.alert(channels[number % len(channels)]) for number in range(count)]


async def _round(directory: Path, ears: Running, events: Sequence[Json], count: int) -> float:
    """Jobs a second of so many workers, from when they may begin until none is left."""
    control = ears.slack.control
    await control.inject(events, apply=True)
    await control.wait_for("acked", timeout=60)
    await ears.rows(HOLD)
    before = sum(dict(await ears.rows(DONE)).values())
    async with AsyncExitStack() as stack:
        found = settings(directory, ears.slack, ONBOARD_MESSAGES="0", STORM_ALERTS=NOBODY_STORMS)
        for number in range(count):
            process = ratchet(directory, found, "run", "--only", "worker")
            process.log = directory / f"worker-{time.monotonic_ns()}-{number}.log"
            await stack.enter_async_context(process.running())
            await process.said('"event": "worker.connected"')
        await ears.rows(LET_GO)
        began = time.monotonic()
        await ears.rows(WAKE, *wake_params().values())
        await _drained(ears)
        took = time.monotonic() - began
    return (sum(dict(await ears.rows(DONE)).values()) - before) / took


async def _drained(ears: Running) -> None:
    deadline = time.monotonic() + WAIT_S
    while (await ears.rows(LEFT))[0][0]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"jobs are left after {WAIT_S:g} s")
        await asyncio.sleep(0.05)

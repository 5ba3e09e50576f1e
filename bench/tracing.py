"""`tracing`: what tracing costs the intake at the default rate.

Two processes, one that exports to a collector and one that does not, each with a database and a Slack of its
own, take turns with bursts, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from aiohttp import web

from bench.corpus import Corpus, write_export
from bench.processes import Running, cpu_seconds, local_slack, running
from bench.report import Report
from bench.traffic import Traffic

BURST: Final = 2_000
WITHIN: Final = 1.05
STORED: Final = "select count(*) from messages where attrs->'sender'->>'kind' <> 'self'"


@dataclass(slots=True)
class Side:
    """`walls`, `cpus`: seconds from the first event of a burst to the last acknowledgement; Ratchet's CPU."""

    ratchet: Running
    traffic: Traffic
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    async def burst(self) -> None:
        """Some events at once, then everything that follows of them, which is not measured."""
        control = self.ratchet.slack.control
        await control.do("counters/reset")
        events = [self.traffic.message() for _ in range(BURST)]
        cpu, began = cpu_seconds([self.ratchet.process.pid]), time.monotonic()
        await control.inject(events, apply=True)
        await control.wait_for("acked", timeout=60)
        self.walls.append(time.monotonic() - began)
        self.cpus.append(cpu_seconds([self.ratchet.process.pid]) - cpu)


async def run(directory: Path, *, quick: bool) -> Report:
    rounds = 6 if quick else 20
    report = Report(
        "tracing", f"{rounds} × {BURST:,} events at once, traced at the default rate and not, by turns"
    )
    seen: list[int] = []
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(_collector(seen))
        # The intake alone: what follows of an event runs in another role.
        plain = await stack.enter_async_context(_side(_new(directory / "plain"), {}))
        traced = await stack.enter_async_context(
            _side(_new(directory / "traced"), {"OTEL_EXPORTER_OTLP_ENDPOINT": url})
        )
        for side in (plain, traced):
            await side.burst()  # warm
            side.walls.clear()
            side.cpus.clear()
        for number in range(rounds):
            for side in (plain, traced) if number % 2 else (traced, plain):
                await side.burst()
        stored = [(await side.ratchet.rows(STORED))[0][0] for side in (plain, traced)]
    sent = BURST * (rounds + 1)
    report.add("without: events recorded", BURST / median(plain.walls), "1/s")
    report.add("traced: events recorded", BURST / median(traced.walls), "1/s")
    ratios = [t / p for t, p in zip(traced.walls, plain.walls, strict=True)]
    report.below("time of a burst, traced to not, median of the rounds", median(ratios), "×", WITHIN)
    report.add("CPU of Ratchet per event, without", median(plain.cpus) / BURST * 1e6, "µs")
    report.add("CPU of Ratchet per event, traced", median(traced.cpus) / BURST * 1e6, "µs")
    cpus = [t / p for t, p in zip(traced.cpus, plain.cpus, strict=True)]
    report.add("CPU, traced to not, median of the rounds", median(cpus), "×")
    report.add("requests that the collector got", len(seen), "")
    report.below("not stored", 2 * sent - sum(stored), "events", 1)
    report.raw = {
        "walls_s": {"plain": plain.walls, "traced": traced.walls},
        "cpus_s": {"plain": plain.cpus, "traced": traced.cpus},
    }
    return report


def _new(directory: Path) -> Path:
    directory.mkdir()
    return directory


@asynccontextmanager
async def _side(directory: Path, extra: dict[str, str]) -> AsyncIterator[Side]:
    corpus = Corpus(channels=8)
    empty = directory / "empty.zip"
    write_export(empty, corpus, 0, days=1)
    async with (
        local_slack(directory, "--workspace", str(empty)) as slack,
        running(directory, slack, "--only", "slack,web", extra=extra, ONBOARD_MESSAGES="0") as ratchet,
    ):
        yield Side(ratchet, Traffic(corpus))


@asynccontextmanager
async def _collector(seen: list[int]) -> AsyncIterator[str]:
    """Takes what is exported, and counts the requests."""

    async def take(request: web.Request) -> web.Response:
        seen.append(len(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    app = web.Application(client_max_size=50 * 1024**2)
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()

"""`start`: how long one waits for `ratchet run` on a database that exists, and for `ratchet --help`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import httpx

from bench.bulk import fill
from bench.corpus import Corpus
from bench.processes import Slack, cpu_seconds, free_port, local_slack, ratchet, settings
from bench.report import Report, percentile

READY_S: Final = 60.0
POLL_S: Final = 0.01


async def run(directory: Path, *, quick: bool) -> Report:
    stored, starts, helps = (2_000, 3, 5) if quick else (20_000, 9, 15)
    title = f"{starts} starts on an embedded database with {stored:,} messages; {helps} times --help"
    report = Report("start", title)
    await fill(directory, Corpus(), stored)
    async with local_slack(directory, "--example") as slack:
        await _ready_after(directory, slack)  # it reads the workspace's history
        waits = [await _ready_after(directory, slack) for _ in range(starts)]
    asked = [await _help(directory) for _ in range(helps)]
    ready, cpu, end = (list(column) for column in zip(*waits, strict=True))
    report.below("start to ready, median", percentile(ready, 0.5), "s", 3)
    report.add("  slowest", max(ready), "s")
    report.add("  processor time of Ratchet for it, median", percentile(cpu, 0.5), "s")
    report.add("SIGTERM to its end, median", percentile(end, 0.5), "s")
    report.below("ratchet --help, median", percentile(asked, 0.5) * 1000, "ms", 300)
    report.add("  slowest", max(asked) * 1000, "ms")
    report.raw = {"ready_s": ready, "cpu_s": cpu, "end_s": end, "help_s": asked}
    return report


async def _ready_after(directory: Path, slack: Slack) -> tuple[float, float, float]:
    """Seconds until every part is ready, of the processor until then, and from the signal to the end."""
    port = free_port()
    process = ratchet(directory, settings(directory, slack, HTTP_ADDR=f"127.0.0.1:{port}"), "run")
    began = time.monotonic()
    async with process.running(), httpx.AsyncClient(trust_env=False) as client:
        while not await _ready(client, f"http://127.0.0.1:{port}/readyz"):
            if time.monotonic() - began > READY_S:
                raise RuntimeError(f"not ready after {READY_S:g} s:\n{process.text()[-3000:]}")
            await asyncio.sleep(POLL_S)
        ready, cpu = time.monotonic() - began, cpu_seconds([process.pid])
        ending = time.monotonic()
    return ready, cpu, time.monotonic() - ending


async def _ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


async def _help(directory: Path) -> float:
    process = ratchet(directory, {}, "--help")
    began = time.monotonic()
    async with process.running():
        assert process.child is not None
        if await process.child.wait():
            raise RuntimeError(f"ratchet --help failed:\n{process.text()[-3000:]}")
        return time.monotonic() - began

"""`import`: a large export through the real command."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.corpus import Corpus, write_export
from bench.processes import (
    Process,
    Running,
    cpu_seconds,
    family,
    local_slack,
    peak_mb,
    ratchet,
    running,
    settings,
)
from bench.report import Report

DAYS = 150.0


async def run(directory: Path, *, quick: bool) -> Report:
    count = 10_000 if quick else 100_000
    report = Report("import", f"an export of {count:,} messages, `ratchet import`, embedded database")
    await _import(directory, Corpus(channels=1), 1)  # makes the database, which is not what is measured
    archive = directory / "export.zip"
    files = write_export(archive, Corpus(), count, days=DAYS)
    process = ratchet(directory, settings(directory), "import", str(archive), "--json")
    process.log = directory / "import.log"
    began = time.monotonic()
    async with process.running():
        peak, cpu = await _sampled(process)
    wall = time.monotonic() - began
    found = json.loads("{" + process.text().partition("{")[2])
    again = await _import(directory, archive)
    report.above("messages per second", found["read"] / wall, "1/s", 3_000)
    report.below("peak resident set of the process", peak, "MB", 400)
    report.add("messages read", found["read"], "")
    report.add("day files", files, "")
    report.add("wall time, start and stop of PostgreSQL included", wall, "s")
    report.add("CPU per message, Ratchet", cpu["ratchet"] / found["read"] * 1e6, "µs")
    report.add("CPU per message, PostgreSQL", cpu["postgres"] / found["read"] * 1e6, "µs")
    report.add("the same import again", again, "s")
    report.raw = {"report": found, "export_mb": archive.stat().st_size / 2**20, "cpu_s": cpu}
    if found["stored"] != found["read"] or found["skipped"]:
        report.note(f"read {found['read']}, stored {found['stored']}, skipped {found['skipped']}")
    return report


async def _import(directory: Path, source: Corpus | Path, count: int = 0) -> float:
    """Seconds that an import took."""
    archive = source if isinstance(source, Path) else directory / "first.zip"
    if isinstance(source, Corpus):
        write_export(archive, source, count, days=1)
    process = ratchet(directory, settings(directory), "import", str(archive))
    began = time.monotonic()
    async with process.running():
        assert process.child is not None
        if await process.child.wait():
            raise RuntimeError(f"the import failed:\n{process.text()[-3000:]}")
    return time.monotonic() - began


async def _sampled(process: Process) -> tuple[float, dict[str, float]]:
    """Peak memory in MiB and CPU seconds until it ends."""
    assert process.child is not None
    peak, cpu = 0.0, {"ratchet": 0.0, "postgres": 0.0}
    while process.child.returncode is None:
        peak = max(peak, peak_mb(process.pid))
        own, *below = family(process.pid)
        cpu["ratchet"] = max(cpu["ratchet"], cpu_seconds([own]))
        cpu["postgres"] = max(cpu["postgres"], cpu_seconds(below, children=True))
        with suppress(TimeoutError):
            await asyncio.wait_for(process.child.wait(), 0.1)
    return peak, cpu


async def fill(directory: Path, corpus: Corpus, count: int, days: float = DAYS) -> None:
    """History in the database that `directory` holds, by the real command."""
    archive = directory / "history.zip"
    write_export(archive, corpus, count, days=days)
    await _import(directory, archive)


@asynccontextmanager
async def going_on(directory: Path, corpus: Corpus, stored: int) -> AsyncIterator[Running]:
    """`ratchet run` on so much history, beside a local Slack of which it reads nothing: what comes is new."""
    await fill(directory, corpus, stored)
    corpus.roots.clear()
    corpus.firing.clear()
    empty = directory / "empty.zip"
    write_export(empty, corpus, 0, days=1)
    async with (
        local_slack(directory, "--workspace", str(empty)) as slack,
        running(directory, slack, ONBOARD_MESSAGES="0") as found,
    ):
        yield found

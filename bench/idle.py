"""`idle`: what Ratchet takes when nothing happens."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from bench.processes import Running, cpu_seconds, family, local_slack, memory_mb, running, switches
from bench.report import Report

SETTLE_S: Final = 15.0
STATISTICS: Final = "select sum(xact_commit + xact_rollback) from pg_stat_database"
STATEMENT: Final = re.compile(r"(?:LOG:  statement|LOG:  execute [^:]*): (.*(?:\n\t.*)*)")
OURS: Final = re.compile(r"pg_stat_database|pg_reload_conf|ALTER SYSTEM", re.IGNORECASE)
PACKAGES: Final = (
    "asyncio",
    "structlog",
    "pydantic",
    "psycopg, psycopg_pool",
    "aiohttp",
    "slack_sdk",
    "pgqueuer",
    "prometheus_client",
    "httpx",
    "openai",
    "pydantic_ai",
    "fastapi",
    "uvicorn",
    "typer",
    "ratchet.app",
)
WEIGH: Final = """
import importlib, time
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 / 2**20
print("python", resident(), 0)
for names in {packages!r}:
    before, began = resident(), time.perf_counter()
    for name in names.split(", "):
        importlib.import_module(name)
    print(names.replace(", ", "+"), resident() - before, time.perf_counter() - began)
"""


async def run(directory: Path, *, quick: bool) -> Report:
    seconds = 20.0 if quick else 60.0
    report = Report("idle", f"{seconds:.0f} s with nothing to do, after reading the example workspace")
    async with local_slack(directory, "--example") as slack, running(directory, slack) as ratchet:
        await ratchet.quiet()
        await asyncio.sleep(SETTLE_S)
        memory = memory_mb(ratchet.process.pid)
        report.below("resident set of Ratchet", memory["Rss"], "MB", 250)
        report.add("  of it not shared with others (Pss)", memory["Pss"], "MB")
        below = sum(memory_mb(pid).get("Pss", 0.0) for pid in family(ratchet.postmaster))
        report.add("PostgreSQL, all processes (Pss)", below, "MB")
        report.raw["memory_mb"] = memory
        await _statements(report, ratchet, directory / "data" / "postgres" / "postgres.log", seconds)
        await _activity(report, ratchet, seconds)
    _imports(report)
    return report


async def _activity(report: Report, ratchet: Running, seconds: float) -> None:
    """Without the log of statements."""
    pid = ratchet.process.pid
    before = (await ratchet.rows(STATISTICS))[0][0], switches(pid), _cpu(ratchet)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    after = (await ratchet.rows(STATISTICS))[0][0], switches(pid), _cpu(ratchet)
    lasted = time.monotonic() - began
    report.add("transactions", float(after[0] - before[0]) / lasted, "1/s")
    report.add("context switches of Ratchet", (after[1] - before[1]) / lasted, "1/s")
    report.add("CPU of Ratchet", (after[2][0] - before[2][0]) / lasted * 100, "% of a core")
    report.add("CPU of PostgreSQL", (after[2][1] - before[2][1]) / lasted * 100, "% of a core")


def _cpu(ratchet: Running) -> tuple[float, float]:
    postgres = cpu_seconds(family(ratchet.postmaster), children=True)
    return cpu_seconds([ratchet.process.pid]), postgres


async def _statements(report: Report, ratchet: Running, log: Path, seconds: float) -> None:
    """Every statement by its text, from PostgreSQL's own log."""
    for command in ("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"):
        await ratchet.rows(command)
    await asyncio.sleep(1)
    start = len(_read(log))
    await asyncio.sleep(seconds)
    text = _read(log)[start:].decode("utf-8", "replace")
    await ratchet.rows("ALTER SYSTEM RESET log_statement")
    await ratchet.rows("SELECT pg_reload_conf()")
    found = Counter(
        " ".join(statement.split())[:90]
        for statement in STATEMENT.findall(text)
        if not OURS.search(statement)
    )
    fastest = max(found.values(), default=0) / seconds
    report.add("statements", sum(found.values()) / seconds, "1/s")
    report.below("the most frequent statement", fastest, "1/s", 1.01)
    report.raw["statements"] = dict(found.most_common())
    for statement, count in found.most_common(6):
        report.note(f"every {seconds / count:.1f} s: {statement}")


def _read(log: Path) -> bytes:
    return log.read_bytes()


def _imports(report: Report) -> None:
    """What importing adds to a bare interpreter, in this order: what two need counts for the first."""
    code = WEIGH.format(packages=PACKAGES)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    weights = {name: (float(mb), float(s)) for name, mb, s in map(str.split, printed.splitlines())}
    report.raw["imports"] = weights
    heaviest = sorted(weights.items(), key=lambda item: -item[1][0])[:8]
    report.note("imports, MB: " + ", ".join(f"{name} {mb:.0f}" for name, (mb, _) in heaviest))
    report.add("imports alone", sum(mb for mb, _ in weights.values()), "MB")
    report.add("imports take", sum(s for _, s in weights.values()), "s")

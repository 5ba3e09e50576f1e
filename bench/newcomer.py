"""`newcomer`: from a clone to the demo's first runbook, from an empty Slack workspace to the first answer."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

from bench.first_hour import ROOT, Newcomer
from bench.processes import Process, free_port, local_slack
from bench.report import Report
from localslack import Control

CLONE_S: Final = 120.0
INSTALL_S: Final = 900.0
DEMO_S: Final = 180.0
RUNBOOK_S: Final = 60.0
FIRST_RUNBOOK_S: Final = 300.0


async def run(directory: Path, *, quick: bool) -> Report:
    """`quick`: in this clone's environment, without a clone and an installation."""
    title = "the demo from a clone, and docs/install.md as it is written; what the machine takes"
    report = Report("newcomer", title)
    clone = ROOT if quick else await _installed(report, directory)
    await _demo(report, directory, clone)
    if not quick:
        report.below("clone → first runbook", sum(row.value for row in report.rows), "s", FIRST_RUNBOOK_S)
    await _first_answer(report, directory, clone)
    return report


async def _installed(report: Report, directory: Path) -> Path:
    """A clone with its environment, made as `make demo` makes it."""
    clone = directory / "clone"
    await _timed(report, "git clone", ["git", "clone", "--quiet", str(ROOT), str(clone)], directory, CLONE_S)
    make = ["make", "--silent", f"PYTHON={sys.executable}", ".venv/.run"]
    await _timed(report, "make: environment and packages", make, clone, INSTALL_S)
    return clone


async def _timed(report: Report, what: str, command: list[str], folder: Path, within: float) -> None:
    began = time.monotonic()
    # Where packages come from is the machine's affair, so its environment is kept.
    child = await asyncio.create_subprocess_exec(*command, cwd=folder, env={**os.environ})
    async with asyncio.timeout(within):
        if status := await child.wait():
            raise RuntimeError(f"{' '.join(command)} ended with {status}")
    report.add(what, time.monotonic() - began, "s")


async def _demo(report: Report, directory: Path, clone: Path) -> None:
    """Start to ready, then from firing to the runbook in the alert's thread."""
    ports = ["--port", str(free_port()), "--http-port", str(free_port())]
    demo = Process(
        [str(clone / ".venv/bin/ratchet"), "dev", *ports], {"PYTHONPATH": ""}, directory / "demo.log"
    )
    began = time.monotonic()
    async with demo.running():
        await demo.said("is ready", within=DEMO_S)
        report.add("ratchet dev: ready, history read", time.monotonic() - began, "s")
        began = time.monotonic()
        async with Control(f"http://127.0.0.1:{ports[1]}") as slack:
            fired = await slack.fire("checkout-error-rate")
            thread = {"channel": fired["channel"], "thread_ts": fired["ts"]}
            if not await slack.wait_for("messages", by="bot", timeout=RUNBOOK_S, **thread):
                raise RuntimeError("no runbook under the alert")
        report.add("alert fired → its runbook", time.monotonic() - began, "s")


async def _first_answer(report: Report, directory: Path, clone: Path) -> None:
    folder = directory / "folder"
    folder.mkdir()
    (folder / ".venv").symlink_to(clone / ".venv")
    async with local_slack(directory) as slack:
        newcomer = Newcomer(slack, folder)
        await newcomer.walk()
    for title, seconds in newcomer.seconds.items():
        report.add(f"docs/install.md: {title}", seconds, "s")
    report.add("empty workspace → first answer", sum(newcomer.seconds.values()), "s")
    report.raw["answer"] = newcomer.answer

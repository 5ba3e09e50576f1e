"""The real processes: started, stopped, and read about in /proc."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from localslack import APP_TOKEN, BOT_TOKEN, Control
from ratchet.store.embedded import EmbeddedServer

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
"""What is measured is the tree that this file stands in."""
READY_S: Final = 90.0
STOP_S: Final = 40.0


def cpu_seconds(pids: Iterable[int], *, children: bool = False) -> float:
    """Time on a processor; with that of ended `children`, or without. 0 of a process that is gone."""
    return sum(_own_seconds(pid) + (_children_seconds(pid) if children else 0.0) for pid in pids)


def _own_seconds(pid: int) -> float:
    """In nanoseconds where the clock of /proc/PID/stat has only hundredths."""
    total = 0
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(path.read_text("ascii").split()[0])
    return total / 1e9


def _children_seconds(pid: int) -> float:
    return sum(map(int, _stat(pid)[13:15])) * TICK_S


def busy_seconds() -> float:
    """Of all processors since they started: neither idle nor waiting for a disk."""
    times = list(map(int, Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]))
    return (sum(times) - times[3] - times[4]) * TICK_S


def family(pid: int) -> list[int]:
    """The process and all below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def memory_mb(pid: int) -> dict[str, float]:
    """Rss, Pss and the like in MiB, by the kernel's names."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def peak_mb(pid: int) -> float:
    """The largest resident set so far in MiB, 0 for a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def switches(pid: int) -> int:
    """Voluntary context switches of all its threads: how often it slept and was woken."""
    texts = [path.read_text("utf-8") for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)[0]) for text in texts)


def _stat(pid: int) -> list[str]:
    """The fields after the name; the first is the state."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return []


@dataclass(slots=True)
class Process:
    """A child process; `log` takes both its outputs."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    child: asyncio.subprocess.Process | None = None
    started_at: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        """Stopped with SIGTERM at the end, killed when that takes too long."""
        with self.log.open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                *self.command,
                env={
                    "PATH": os.defpath,
                    "HOME": str(self.log.parent),
                    "PYTHONPATH": str(SOURCE),
                    **self.environment,
                },
                cwd=self.log.parent,
                stdout=log,
                stderr=log,
            )
        try:
            yield self
        finally:
            await self._stop(self.child)

    async def said(self, pattern: str, within: float = READY_S) -> re.Match[str]:
        """The first match in its output. Raises RuntimeError when it ends or does not say so in time."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text()):
                return found
            if self.child is not None and self.child.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.command[-1]} did not say {pattern!r}:\n{self.text()[-3000:]}")

    def text(self) -> str:
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""

    async def _stop(self, child: asyncio.subprocess.Process) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.send_signal(number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), STOP_S)


@dataclass(frozen=True, slots=True)
class Slack:
    """A localslack in a process of its own."""

    control: Control
    url: str
    pid: int


@asynccontextmanager
async def local_slack(directory: Path, *options: str) -> AsyncIterator[Slack]:
    """`options` as `localslack` takes them."""
    code = "from localslack.cli import main; main()"
    command = [sys.executable, "-u", "-c", code, "--port", "0", *options]
    process = Process(command, {}, directory / "localslack.log")
    async with process.running():
        url = (await process.said(r"localslack: (http://\S+)")).group(1)
        async with Control(url) as control:
            yield Slack(control, url, process.pid)


def settings(directory: Path, slack: Slack | None = None, **more: str) -> dict[str, str]:
    """Ratchet's environment: the defaults but for where its data lives, its Slack, and no model."""
    own = {"DATA_DIR": str(directory / "data"), "OPENAI_URL": "http://127.0.0.1:9/v1", **more}
    if slack is not None:
        own |= {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_URL": f"{slack.url}/api/",
        }
    return {f"RATCHET_{name}": value for name, value in own.items()}


def ratchet(directory: Path, environment: Mapping[str, str], *arguments: str) -> Process:
    """A `ratchet` command, not started yet."""
    command = [sys.executable, "-m", "ratchet", *arguments]
    return Process(command, environment, directory / f"ratchet-{arguments[0]}.log")


@dataclass(frozen=True, slots=True)
class Running:
    """`ratchet run` on its embedded database, connected to a localslack."""

    process: Process
    slack: Slack
    http: str
    conninfo: str
    postmaster: int

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by process; at last those of whatever else this machine does."""
        ours = {
            "ratchet": cpu_seconds([self.process.pid]),
            "postgres": cpu_seconds(family(self.postmaster), children=True),
            "localslack": cpu_seconds([self.slack.pid]),
            "bench": cpu_seconds([os.getpid()]),
        }
        return ours | {"everything else": busy_seconds() - sum(ours.values())}

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        return await rows(self.conninfo, statement, *values)

    async def quiet(self, within: float = 300.0) -> float:
        """Seconds until no job waits or runs and every event is acknowledged."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            waiting = await self.rows("select count(*) from jobs where status <> 'failed'")
            if waiting[0][0] == 0 and (await self.slack.control.counters()).pending == 0:
                return time.monotonic() - began
            await asyncio.sleep(0.2)
        raise RuntimeError(f"jobs still wait after {within:g} s")


@asynccontextmanager
async def running(
    directory: Path, slack: Slack, *arguments: str, extra: Mapping[str, str] | None = None, **more: str
) -> AsyncIterator[Running]:
    """Started, connected, and its database open to us. `extra` goes to its environment as it is."""
    port = free_port()
    http = f"127.0.0.1:{port}"
    environment = settings(directory, slack, HTTP_ADDR=http, **more) | dict(extra or {})
    process = ratchet(directory, environment, "run", *arguments)
    async with process.running():
        await process.said('"event": "started"')
        if not await slack.control.wait_for("connected", timeout=READY_S):
            raise RuntimeError(f"ratchet did not connect:\n{process.text()[-3000:]}")
        # The server is there already, so this joins it.
        server = await EmbeddedServer.open(directory / "data" / "postgres")
        try:
            assert server.pid is not None
            yield Running(process, slack, f"http://{http}", server.conninfo, server.pid)
        finally:
            await server.close()


async def rows(conninfo: str, statement: str, *values: Any) -> list[Any]:
    async with (
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection,
        connection.cursor(row_factory=tuple_row) as cursor,
    ):
        await cursor.execute(statement.encode(), values or None)
        return await cursor.fetchall() if cursor.description else []


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

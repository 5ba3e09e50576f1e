"""What the tests of the embedded server share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ratchet.store.embedded_account import Account
from ratchet.store.embedded_files import Files

SCRIPT = Path(__file__).with_name("embedded_process.py")
PATIENCE = 30.0
NOBODY = 65534
ORDINARY = Account("namespace", NOBODY, NOBODY, os.geteuid(), os.getegid())


@dataclass
class Member:
    """A process that uses a server."""

    process: subprocess.Popen[str]
    owned: bool = False
    pid: int = 0
    conninfo: str = ""

    def hear(self) -> Member:
        """Wait for its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended instead: {self.errors()}"
        said = json.loads(line)
        self.owned, self.pid, self.conninfo = said["owned"], said["pid"], said["conninfo"]
        return self

    def errors(self) -> str:
        """What it said when it had ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def leave(self) -> int:
        """Ask it to end as a program should."""
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=PATIENCE)


@contextmanager
def member(directory: Path, *ways: str, ordinary: bool = False) -> Iterator[Member]:
    """Start a process on `directory`; it is stopped at the end whatever happened.

    `ordinary`: as one who is not root. In a namespace, since another account may not reach this Python.
    """
    command = [str(SCRIPT), str(directory), *ways]
    process = subprocess.Popen(
        ORDINARY.command(Path(sys.executable), *command, death_signal=signal.SIGKILL)
        if ordinary
        else [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    with process:
        try:
            yield Member(process)
        finally:
            if process.poll() is None:
                process.terminate()


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False


def note(conninfo: str, number: int) -> None:
    """Commit one row."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS noted (n int)")
        connection.execute("INSERT INTO noted VALUES (%s)", (number,))


def noted(conninfo: str) -> list[int]:
    """Every row, in order."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM noted ORDER BY n").fetchall()]


def answers(conninfo: str) -> bool:
    """Whether the server takes connections."""
    try:
        with psycopg.connect(conninfo, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory to make a server in. Another account may reach it, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="rt-"))
    path.chmod(0o755)
    yield path / "db"
    files = Files(path / "db")
    found = files.postmaster()  # of an owner that was killed
    eventually(lambda: found is None or not alive(found.pid))
    for left_behind in Path(tempfile.gettempdir()).glob(f"ratchet-*-{files.tag}"):
        shutil.rmtree(left_behind)
    shutil.rmtree(path)


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def owner(path: Path) -> int:
    """The uid a file or process belongs to."""
    return path.stat().st_uid


def unfinished(directory: Path) -> list[Path]:
    """Clusters being made."""
    return list(directory.glob("data.tmp.*"))


def is_root() -> bool:
    """Whether PostgreSQL would refuse us as we are."""
    return os.geteuid() == 0

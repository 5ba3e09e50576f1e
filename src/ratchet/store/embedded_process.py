"""PostgreSQL programs as our children: the server, whose end is noticed, and tools that run to their end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO

POLL = 0.01
QUIT_TIMEOUT = 5.0
"""Seconds PostgreSQL itself takes at most to kill its children after SIGQUIT."""


ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
"""Nothing of ours: no PG* variable misleads the program, no secret is in its environment."""


async def run_tool(command: Sequence[str], text: str = "") -> tuple[int, str]:
    """Its exit code and what it printed, `text` being its input. Killed when the caller is cancelled."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(text.encode())
        given.seek(0)
        process = _spawn(command, stdin=given, output=printed)
        try:
            while process.poll() is None:  # noqa: ASYNC110  # a child's end sets no event
                await asyncio.sleep(POLL)
        finally:
            process.kill()
            process.wait()
        printed.seek(0)
        return process.returncode, printed.read().decode(errors="replace").strip()


def _spawn(command: Sequence[str], stdin: IO[bytes], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own launcher
        command, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, cwd="/", env=dict(ENVIRONMENT)
    )


class ServerProcess:
    """Not tied to an event loop.

    Made on a thread that lives as long as the server may: on Linux the server ends when that thread does.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: int) -> None:
        """Start `command`, its output on the descriptor `log`, in its own session: Ctrl-C is not for it."""
        # Every process of the server inherits the writing end; at the end of file all of them are gone.
        self._ended_fd, held = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own launcher
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=dict(environment),
                start_new_session=True,
                pass_fds=(held,),
            )
        except OSError:
            os.close(self._ended_fd)
            raise
        finally:
            os.close(held)
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """The postmaster."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative after a signal."""
        return self._process.poll()

    async def ended(self) -> None:
        """Return when the server is gone, without polling."""
        loop = asyncio.get_running_loop()
        end = asyncio.Event()
        fd = os.dup(self._ended_fd)  # of our own, as `release` may come first
        loop.add_reader(fd, end.set)
        try:
            await end.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
        await self._gone(QUIT_TIMEOUT)

    async def stop(self, patience: float) -> None:
        """A fast shutdown; after `patience` seconds, or when cancelled, an immediate one: nothing is lost."""
        try:
            self._signal(signal.SIGINT)
            await self._gone(patience)
        finally:
            self._end_now()
            self.release()

    def release(self) -> None:
        """Give back what is held for a server that is gone."""
        if self._ended_fd >= 0:
            os.close(self._ended_fd)
            self._ended_fd = -1

    async def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.exit_code is None:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL)
        return True

    def _end_now(self) -> None:
        for number, seconds in ((signal.SIGQUIT, 2 * QUIT_TIMEOUT), (signal.SIGKILL, QUIT_TIMEOUT)):
            if self.exit_code is not None:
                return
            self._signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue

    def _signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)  # does nothing once it is gone, even if the pid is in use again

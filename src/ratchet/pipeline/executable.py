"""An executable of the operator's: told something on standard input, heard on standard output, then gone."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from ratchet.domain.errors import Refused
from ratchet.llm.redact import redact
from ratchet.process_limits import Limits

MAX_ANSWER_BYTES: Final = 256 * 1024
KEPT_COMPLAINT: Final = 2_000  # bytes of the end of standard error
SHOWN_COMPLAINT: Final = 300  # characters
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RUNNING: Final = 8
MAX_MEMORY: Final = 2 * 2**30
MAX_FILE: Final = 256 * 2**20
END_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What it finds: its whole environment, and the directory that it starts in; None for ours."""

    environment: Mapping[str, str]
    directory: str | None = None


@dataclass(slots=True)
class CleanRoom:
    """Runs each in an empty directory, with nothing of our environment. Satisfies `Executables`."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RUNNING))

    async def run(self, command: Sequence[str], stdin: bytes, timeout_s: float) -> bytes:
        """See `run_executable`."""
        async with self.slots:
            with tempfile.TemporaryDirectory(prefix="ratchet-", ignore_cleanup_errors=True) as directory:
                found = {"PATH": PATH, "HOME": directory, "LANG": "C.UTF-8"}
                return await run_executable(command, stdin, timeout_s, Surroundings(found, directory))


async def run_executable(
    command: Sequence[str], stdin: bytes, timeout_s: float, surroundings: Surroundings
) -> bytes:
    """Its standard output. No shell reads the command, and its process group does not outlive it.

    Raises Refused when it cannot start, ends badly, takes too long, writes or uses too much.
    """
    name = command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=dict(surroundings.environment),
            cwd=surroundings.directory,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Refused(f"{name} cannot be started: {reason}") from error
    Limits(timeout_s, MAX_MEMORY, MAX_FILE).hold(process.pid)
    complaint, output = bytearray(), bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            await _converse(process, stdin, output, complaint)
    except TimeoutError as error:
        raise Refused(f"{name} gave no answer within {timeout_s:g} s{_last_words(complaint)}") from error
    finally:
        await _end(process)
    if len(output) > MAX_ANSWER_BYTES:
        raise Refused(f"{name} wrote more than {MAX_ANSWER_BYTES} bytes")
    if process.returncode != 0:
        raise Refused(f"{name} ended with exit status {process.returncode}{_last_words(complaint)}")
    return bytes(output)


async def _converse(
    process: asyncio.subprocess.Process, stdin: bytes, output: bytearray, complaint: bytearray
) -> None:
    """Until it has ended, and nothing that it started can write to its output any more."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_tell(process, stdin))
        group.create_task(_overhear(process, complaint))
        await _hear(process, output)
    await process.wait()


async def _tell(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    assert process.stdin is not None
    # One that answers without reading all is no error.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _hear(process: asyncio.subprocess.Process, output: bytearray) -> None:
    """To the end, or until it is too much: then it is stopped."""
    assert process.stdout is not None
    while chunk := await process.stdout.read(64 * 1024):
        output += chunk
        if len(output) > MAX_ANSWER_BYTES:
            _kill(process)
            await _drain(process.stdout)


async def _overhear(process: asyncio.subprocess.Process, complaint: bytearray) -> None:
    """The end of what it writes to standard error, however much that is."""
    assert process.stderr is not None
    while chunk := await process.stderr.read(64 * 1024):
        complaint += chunk
        del complaint[:-KEPT_COMPLAINT]


def _last_words(complaint: bytearray) -> str:
    """The last line of standard error, for whoever mends it; redacted, since it may be logged."""
    lines = redact(complaint.decode("utf-8", "replace")).split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said[:SHOWN_COMPLAINT]}" if said else ""


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Its whole process group is gone afterwards, also what it started."""
    assert process.stdout is not None
    assert process.stderr is not None
    _kill(process)
    # It counts as ended when its pipes are, and a full one that nobody reads never is. One that left its
    # group may hold them still; that one is not waited for.
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S), asyncio.TaskGroup() as group:
            group.create_task(_drain(process.stdout))
            group.create_task(_drain(process.stderr))
            await process.wait()


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(64 * 1024):
        pass

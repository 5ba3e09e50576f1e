"""A server as our own subprocess: messages over its standard input and output, one a line.

The SDK's transport is not used: it bounds no line, logs what cannot be read, gives the server our standard
error, and leaves alone what a server started and did not end.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from ratchet.domain.errors import Transient
from ratchet.llm.mcp_config import McpServer

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

MAX_MESSAGE: Final = 8 * 2**20
# A server that prints its log where messages belong is borne with for a while.
MAX_STRAY_LINES: Final = 1_000
GRACE_S: Final = 1.0
LAST_WORDS: Final = 20


class Ended(Transient):
    """The server's process ended."""


@asynccontextmanager
async def stdio(server: McpServer) -> AsyncIterator[TransportStreams]:
    """The running server. Raises OSError when it cannot be started, `Ended` in a group when it ends.

    At the end the process and everything in its group is gone.
    """
    process = await asyncio.create_subprocess_exec(
        *server.command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=dict(server.environment),
        start_new_session=True,
        limit=MAX_MESSAGE,
    )
    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    said: deque[str] = deque(maxlen=LAST_WORDS)
    try:
        with to_session, from_server, to_server, from_session:
            async with anyio.create_task_group() as group:
                group.start_soon(_overhear, process, said)
                group.start_soon(_read, process, to_session, said)
                group.start_soon(_write, process, from_session)
                yield from_server, to_server
                group.cancel_scope.cancel()
    finally:
        await _end(process)


async def _read(
    process: Process, to_session: MemoryObjectSendStream[SessionMessage | Exception], said: deque[str]
) -> None:
    assert process.stdout is not None
    stray = 0
    with to_session:
        while line := await _line(process.stdout):
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                stray += 1
                if stray > MAX_STRAY_LINES:
                    raise Ended("It writes other things than messages to its standard output.") from None
                continue
            await to_session.send(SessionMessage(message))
        # Before the session learns of the end: it would be over before the reason is known.
        raise Ended(await _epitaph(process, said))


async def _line(stdout: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end."""
    try:
        return await stdout.readline()
    except ValueError:
        raise Ended(f"It sent a message of more than {MAX_MESSAGE} bytes.") from None
    except ConnectionError:
        return b""


async def _write(process: Process, from_session: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    # A server that reads no more is seen by who waits for its answer, or by `_read`.
    with from_session, suppress(ConnectionError):
        async for outgoing in from_session:
            line = outgoing.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()


async def _overhear(process: Process, said: deque[str]) -> None:
    """Keeps the last of what the server writes to its standard error."""
    assert process.stderr is not None
    rest = ""
    while chunk := await process.stderr.read(16_384):
        *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
        rest = rest[-1_000:]
        said.extend(line[:1_000] for line in lines if line.strip())
    if rest.strip():
        said.append(rest)


async def _epitaph(process: Process, said: deque[str]) -> str:
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    status = "closed its standard output" if process.returncode is None else f"ended ({process.returncode})"
    return f"It {status}{f'; its last words: {said[-1].strip()}' if said else ''}"


async def _end(process: Process) -> None:
    """Ask, ask again, kill; whatever it started too."""
    try:
        with anyio.CancelScope(shield=True):
            if process.stdin is not None:
                process.stdin.close()
            if not await _gone(process):
                _signal(process, signal.SIGTERM)
                await _gone(process)
    finally:
        _signal(process, signal.SIGKILL)
    with anyio.CancelScope(shield=True):
        if not await _gone(process):
            # Something that left the group holds a pipe open.
            cast(Any, process)._transport.close()


async def _gone(process: Process) -> bool:
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        return False
    return True


def _signal(process: Process, number: signal.Signals) -> None:
    """To the whole group, which has the process's id; it may outlive the process itself."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

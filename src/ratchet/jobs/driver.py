"""pgqueuer's driver over three connections of psycopg: statements, notifications, locks.

Its own psycopg driver shares one connection between statements and LISTEN, and the one waits for the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, LiteralString, Self

import psycopg
import structlog
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback
from psycopg import AsyncConnection, AsyncCursor, AsyncRawCursor, sql
from psycopg.rows import DictRow, dict_row

from ratchet.jobs import sql as statements
from ratchet.jobs.names import CHANNEL, wake_params

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 10
STATEMENT_TIMEOUT_S: Final = 30.0
SLOW_CLAIM_S: Final = 0.02


class ConnectionLost(Exception):
    """A statement of the queue failed; a new session has to be made."""


@asynccontextmanager
async def connection(conninfo: str, role: str) -> AsyncIterator[AsyncConnection[DictRow]]:
    """An autocommit connection that notices a dead peer."""
    conn = await AsyncConnection[DictRow].connect(
        conninfo,
        autocommit=True,
        row_factory=dict_row,
        connect_timeout=CONNECT_TIMEOUT_S,
        prepare_threshold=0,
        application_name=f"ratchet jobs {role}",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    )
    async with conn:
        await conn.execute(statements.SESSION, prepare=False)
        yield conn


class Connections(Driver):
    """Implements pgqueuer's `Driver`. Made by `connect`."""

    def __init__(
        self,
        work: AsyncConnection[DictRow],
        listen: AsyncConnection[DictRow],
        locks: AsyncConnection[DictRow],
    ) -> None:
        self._work = work
        self._listen = listen
        self.locks = locks
        self._turn = asyncio.Lock()
        self._broken = asyncio.Event()
        self._claim_s = 0.0
        self._planned = time.monotonic()
        self._callbacks: list[NotifyCallback] = []
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()

    async def watch(self) -> None:
        """Hand notifications to their listeners until the connection breaks (psycopg.Error).

        Waits on the socket itself, because `notifies()` alone wakes up ten times a second.
        """
        while True:
            await _readable(self._listen.fileno())
            async for note in self._listen.notifies(timeout=0):
                for callback in self._callbacks:
                    callback(note.payload)

    async def breakage(self) -> None:
        """Raises ConnectionLost once a statement failed in a way that a later one will not survive."""
        await self._broken.wait()
        raise ConnectionLost("the queue's connection is broken")

    @asynccontextmanager
    async def _statement(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        try:
            async with self._turn, asyncio.timeout(STATEMENT_TIMEOUT_S):
                yield self._work
        except (psycopg.Error, OSError, TimeoutError) as error:
            if self._work.broken or not isinstance(error, psycopg.Error):
                self._broken.set()
            raise

    async def rows(self, query: LiteralString, params: Mapping[str, object]) -> list[DictRow]:
        async with self._statement() as conn:
            cursor = await conn.execute(query, params)
            return await cursor.fetchall() if cursor.description else []

    async def claim(self, params: Mapping[str, object]) -> list[DictRow]:
        """The next jobs, in one round trip, when no other worker is claiming."""
        async with self._statement() as conn:
            await self._replan(conn)
            async with conn.pipeline(), conn.transaction():
                await conn.execute(statements.CLAIM_TURN)
                began = time.monotonic()
                cursor: AsyncCursor[DictRow] = await conn.execute(statements.CLAIM, params)
            self._claim_s = time.monotonic() - began
            return await cursor.fetchall()

    async def _replan(self, conn: AsyncConnection[DictRow]) -> None:
        """At most once a second, after a slow claim."""
        now = time.monotonic()
        if self._claim_s > SLOW_CLAIM_S and now - self._planned > 1.0:
            self._planned = now
            await conn.execute(statements.FORGET_PLANS, prepare=False)

    async def wake(self) -> None:
        await self.rows(statements.WAKE, wake_params())

    # What pgqueuer calls. Its statements have `$1` placeholders.

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return (await self._raw(query, args))[0]

    async def execute(self, query: str, *args: object) -> str:
        return (await self._raw(query, args))[1]

    async def _raw(self, query: str, args: tuple[object, ...]) -> tuple[list[dict[str, Any]], str]:
        async with self._statement() as conn:
            cursor = AsyncRawCursor(conn, row_factory=dict_row)
            # pgqueuer composes its text from our fixed names alone; every value is bound.
            await cursor.execute(query, args or None)
            rows = await cursor.fetchall() if cursor.description else []
            return rows, cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        await self.rows(statements.WAKE, {"channel": channel, "event": payload})

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        if channel != CHANNEL:
            raise ValueError(f"the queue listens on {CHANNEL} only, not on {channel}")
        self._callbacks.append(callback)

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Two managers enter and leave one driver; its connections outlive both."""


@asynccontextmanager
async def connect(conninfo: str) -> AsyncIterator[Connections]:
    """Raises psycopg.OperationalError when PostgreSQL does not answer."""
    async with AsyncExitStack() as stack:
        work = await stack.enter_async_context(connection(conninfo, "work"))
        listen = await stack.enter_async_context(connection(conninfo, "listen"))
        locks = await stack.enter_async_context(connection(conninfo, "locks"))
        await listen.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
        yield Connections(work, listen, locks)


async def _readable(fileno: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(fileno, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fileno)

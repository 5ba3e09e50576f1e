"""One at a time per key, over all processes, even when a claim is lost.

The claim already gives a key's jobs out one by one. A worker that stalls longer than its heartbeat loses its
claim while its job still runs; these locks, held by its session, keep the next one waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import tuple_row

from ratchet.jobs import sql

PING_S: Final = 1.0
ANSWER_S: Final = 10.0


class LockLost(Exception):
    """The session that held the locks is gone."""


class KeyLocks:
    """Session locks on a connection of its own.

    PostgreSQL lets one session take a lock twice, so what is held is also remembered here.
    """

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn = conn
        self._held: set[int] = set()
        self._holding = asyncio.Event()
        self._released: list[int] = []
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[bool]:
        """False, at once, when another job has the key. Raises LockLost when the connection is broken."""
        key = _number(name)
        if not await self._take(key):
            yield False
            return
        try:
            yield True
        finally:
            await self._release(key)

    async def _take(self, key: int) -> bool:
        if key in self._held:
            return False
        self._held.add(key)
        self._holding.set()
        taken = False
        try:
            taken = await self._ask(sql.LOCK_KEY, {"key": key})
        finally:
            if not taken:
                self._forget(key)
        return taken

    async def _release(self, key: int) -> None:
        """Keys that are released while a statement is under way go together in the next one."""
        self._released.append(key)
        async with self._turn:
            keys, self._released = self._released, []
            try:
                if keys:
                    await self._ask(sql.UNLOCK_KEYS, {"keys": keys})
            except LockLost:
                pass  # a session that is gone holds no locks
            finally:
                self._forget(*keys)

    def _forget(self, *keys: int) -> None:
        self._held.difference_update(keys)
        if not self._held:
            self._holding.clear()

    async def _ask(self, query: LiteralString, params: dict[str, Any]) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                async with AsyncCursor(self._conn, row_factory=tuple_row) as cursor:
                    row = await (await cursor.execute(query, params)).fetchone()
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise LockLost("the connection that holds the serial keys is broken") from error
        return bool(row and row[0])

    async def watch(self) -> None:
        """Raises LockLost when the connection breaks while any key is held."""
        while True:
            await self._holding.wait()
            await self._ask(sql.LOCK_PING, {})
            await asyncio.sleep(PING_S)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)

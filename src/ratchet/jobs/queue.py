"""Putting jobs, and what an operator sees and does about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, tuple_row

from ratchet.jobs import names, sql
from ratchet.jobs.base import NewJob
from ratchet.jobs.errors import clean
from ratchet.jobs.headers import put_headers

Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]]
DAY_S = 86_400.0
STUCK_S = 120.0
SILENCE_S = 30.0
"""A worker that lives gives its jobs a sign of life, or ends one, more often."""


@dataclass(frozen=True, slots=True)
class KindStats:
    """One kind at one moment. `oldest_s`: how long the longest-due job has waited, in seconds."""

    kind: str
    queued: int
    running: int
    oldest_s: float
    dead: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Jobs of a kind wait and nobody works. `waits_s`: how long the first has been due, in seconds."""

    kind: str
    waits_s: float


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that failed for good. `payload` is its JSON; `traceback` is empty for a refusal."""

    id: int
    kind: str
    payload: bytes
    put_at: datetime
    died_at: datetime
    failures: int
    error_type: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that runs or waits. `since`: when it was taken up, or is to be. `message`: of its failure."""

    id: int
    kind: str
    payload: bytes
    running: bool
    put_at: datetime
    since: datetime
    failures: int
    message: str


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept, in seconds."""

    dead_s: float = 90 * DAY_S
    log_s: float = 1 * DAY_S
    statistics_s: float = 30 * DAY_S
    unknown_s: float = 7 * DAY_S


class Queue:
    """`connect` gives a connection for the length of a block, such as a pool's `connection`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def put(self, conn: AsyncConnection[Any], jobs: Sequence[NewJob]) -> int:
        """Put jobs inside the caller's open transaction: they exist when it commits.

        Returns how many are new. Raises RuntimeError outside a transaction.
        """
        if conn.autocommit and conn.info.transaction_status == TransactionStatus.IDLE:
            raise RuntimeError("Queue.put outside a transaction: open one, so that jobs and data are one")
        new = _first_of_each_unique(jobs)
        plain = [job for job in new if not job.rerun]
        rerun = [job for job in new if job.rerun]
        added = 0
        async with AsyncCursor(conn, row_factory=tuple_row) as cursor:
            if plain:
                await cursor.execute(sql.PUT, _columns(plain))
                added += cursor.rowcount
            if rerun:
                await cursor.execute(sql.PUT_RERUN, _columns(rerun))
                added += sum(inserted for (inserted,) in await cursor.fetchall())
        return added

    async def stats(self) -> list[KindStats]:
        """Per kind that has any job."""
        async with self._connect() as conn, AsyncCursor(conn, row_factory=class_row(KindStats)) as cursor:
            return await (await cursor.execute(sql.STATS)).fetchall()

    async def stuck(self, kinds: Sequence[str]) -> Stuck | None:
        """What has waited for minutes although no job runs and none ended; None when all goes its way."""
        given = {"kinds": list(kinds), "after_s": STUCK_S, "silence_s": SILENCE_S}
        async with self._connect() as conn, AsyncCursor(conn, row_factory=class_row(Stuck)) as cursor:
            return await (await cursor.execute(sql.STUCK, given)).fetchone()

    async def dead(self, limit: int = 100, before: int | None = None) -> list[DeadJob]:
        """The dead, last put first; those put before the job with the id `before`, if it is given."""
        given = {"limit": limit, "before": before}
        async with self._connect() as conn, AsyncCursor(conn, row_factory=class_row(DeadJob)) as cursor:
            return await (await cursor.execute(sql.DEAD, given)).fetchall()

    async def alive(self, limit: int = 50) -> list[LiveJob]:
        """Jobs that run, longest first, then jobs that wait, the urgent first; so many of each."""
        async with self._connect() as conn, AsyncCursor(conn, row_factory=class_row(LiveJob)) as cursor:
            return await (await cursor.execute(sql.ALIVE, {"limit": limit})).fetchall()

    async def cancel(self, ids: Sequence[int]) -> int:
        """Delete jobs that still wait; one that runs is left alone. Returns how many there were."""
        async with self._connect() as conn:
            return await _count(conn, sql.CANCEL, {"ids": list(ids)})

    async def retry_dead(self, ids: Sequence[int]) -> int:
        """Run dead jobs again, as if they had never failed. Returns how many there were."""
        async with self._connect() as conn, conn.transaction():
            count = await _count(conn, sql.RETRY_DEAD, {"ids": list(ids)})
            await _count(conn, sql.WAKE, names.wake_params())
            return count

    async def discard(self, ids: Sequence[int]) -> int:
        """Delete dead jobs. Returns how many there were."""
        async with self._connect() as conn:
            return await _count(conn, sql.DISCARD, {"ids": list(ids)})

    async def forget(self, conn: AsyncConnection[Any], kind: str, fields: Sequence[Mapping[str, Any]]) -> int:
        """Delete dead jobs of a kind whose payload holds one of the sets of fields. Returns how many."""
        return await _count(conn, sql.FORGET, {"kind": kind, "fields": [json.dumps(dict(f)) for f in fields]})

    async def prune(self, kinds: Sequence[str], keep: Keep | None = None) -> dict[str, int]:
        """Delete what is old, and bury long-due jobs of a kind that is not in `kinds`. Returns counts."""
        keep = keep or Keep()
        async with self._connect() as conn:
            return {
                "unknown": await _count(
                    conn, sql.BURY_UNKNOWN, {"older_than_s": keep.unknown_s, "kinds": list(kinds)}
                ),
                "dead": await _count(conn, sql.PRUNE_DEAD, {"older_than_s": keep.dead_s}),
                "log": await _count(conn, sql.PRUNE_LOG, {"older_than_s": keep.log_s}),
                "statistics": await _count(conn, sql.PRUNE_STATISTICS, {"older_than_s": keep.statistics_s}),
            }


async def _count(conn: AsyncConnection[Any], query: LiteralString, params: dict[str, Any]) -> int:
    return (await conn.execute(query, params)).rowcount


def _first_of_each_unique(jobs: Sequence[NewJob]) -> list[NewJob]:
    """PostgreSQL refuses to touch one row twice in one statement."""
    seen: set[str] = set()
    new = []
    for job in jobs:
        if job.unique is not None:
            if job.unique in seen:
                continue
            seen.add(job.unique)
        new.append(job)
    return new


def _columns(jobs: Sequence[NewJob]) -> dict[str, list[Any]]:
    return {
        "kinds": [new.job.kind for new in jobs],
        "payloads": [new.job.model_dump_json().encode() for new in jobs],
        "priorities": [int(new.priority) for new in jobs],
        "delays": [float(new.delay_s) for new in jobs],
        "uniques": [None if new.unique is None else clean(new.unique) for new in jobs],
        "headers": [put_headers(new) for new in jobs],
    }

"""Kinds of jobs for tests, and how to wait for what they do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from psycopg import AsyncConnection

from ratchet.jobs.base import Done, Job, JobContext, NewJob, Outcome, Periodic, Route
from ratchet.jobs.queue import Queue
from ratchet.jobs.worker import Worker
from ratchet.store.pool import Database

Run = Callable[[Any, JobContext], Awaitable[Outcome]]


class Note(Job):
    """A job with a number."""

    kind: ClassVar[str] = "note"
    n: int = 0


class Keyed(Job):
    """One at a time per key."""

    kind: ClassVar[str] = "keyed"
    key: str
    n: int = 0

    def serial_key(self) -> str:
        return self.key


class Ordered(Keyed):
    """Also in order when one has to be tried again."""

    kind: ClassVar[str] = "ordered"
    ordered: ClassVar[bool] = True


async def put(database: Database, *jobs: NewJob | Job) -> int:
    """In a transaction of its own."""
    new = [job if isinstance(job, NewJob) else NewJob(job) for job in jobs]
    async with database.transaction() as conn:
        return await Queue(database.connection).put(conn, new)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Returns when the condition holds. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.005)


async def until_row(conn: AsyncConnection[Any], query: Any, wanted: object, seconds: float = 20.0) -> None:
    """Returns when the one value that `query` gives is `wanted`."""
    deadline = time.monotonic() + seconds
    while (found := await value(conn, query)) != wanted:
        assert time.monotonic() < deadline, f"still {found}, not {wanted}"
        await asyncio.sleep(0.02)


async def value(conn: AsyncConnection[Any], query: Any) -> object:
    row = await (await conn.execute(query)).fetchone()
    return row[0] if row else None


COUNT = "select count(*) from jobs"
RUNNING = "select count(*) from jobs where status = 'picked'"
SPENT = "select coalesce(sum((headers->>'failures')::int), 0)::int from jobs"


@asynccontextmanager
async def working(
    conninfo: str, *routes: Route[Any], periodics: Sequence[Periodic] = (), **options: Any
) -> AsyncIterator[Worker]:
    """A worker for the length of the block."""
    worker = Worker(conninfo, routes, periodics, **options)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        try:
            yield worker
        finally:
            await worker.stop(grace_s=1.0)


class Recorder:
    """A route's `run` that remembers what it was given, and ends as `outcomes` say, then with Done."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.seen: list[tuple[Any, JobContext]] = []
        self._outcomes = list(outcomes)

    async def __call__(self, job: Any, context: JobContext) -> Outcome:
        self.seen.append((job, context))
        ending = self._outcomes.pop(0) if self._outcomes else Done()
        if isinstance(ending, Exception):
            raise ending
        return ending

    @property
    def numbers(self) -> list[int]:
        return [job.n for job, _ in self.seen]


class Gate:
    """A route's `run` that waits until it is opened."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []
        self.opened = asyncio.Event()

    async def __call__(self, job: Any, context: JobContext) -> Outcome:
        self.began.append(job.n)
        await self.opened.wait()
        self.ended.append(job.n)
        return Done()

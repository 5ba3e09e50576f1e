"""Periodics run by the clock, once over all workers."""

from __future__ import annotations

import asyncio
import time

from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.maintenance import maintenance
from ratchet.jobs.queue import Queue
from ratchet.store.pool import Database
from tests.integration.jobs.support import Note, Recorder, until, until_row, value, working

EVERY_SECOND = "* * * * * *"
IDLE = Route(Note, Recorder())


class Ticks:
    """Notes when it ran."""

    def __init__(self, error: Exception | None = None) -> None:
        self.at: list[float] = []
        self._error = error

    async def __call__(self) -> None:
        self.at.append(time.monotonic())
        if self._error:
            raise self._error


async def test_a_periodic_runs_once_each_time_whatever_the_number_of_workers(conninfo: str) -> None:
    ticks = Ticks()
    periodics = [Periodic("tick", EVERY_SECOND, ticks)]
    began = time.monotonic()
    async with (
        working(conninfo, IDLE, periodics=periodics),
        working(conninfo, IDLE, periodics=periodics),
        working(conninfo, IDLE, periodics=periodics),
    ):
        await until(lambda: len(ticks.at) >= 3)
    assert len(ticks.at) <= time.monotonic() - began + 1


async def test_missed_runs_do_not_pile_up(database: Database, conninfo: str) -> None:
    ticks = Ticks()
    periodic = Periodic("tick", "0 4 * * *", ticks)
    async with database.connection() as conn, working(conninfo, IDLE, periodics=[periodic]):
        await until_row(conn, "select count(*) from jobs_schedules", 1)
        await conn.execute("update jobs_schedules set next_run = now() - interval '9 days'")
    async with database.connection() as conn, working(conninfo, IDLE, periodics=[periodic]):
        await until(lambda: len(ticks.at) == 1)
        await until_row(conn, "select next_run > now() and status = 'queued' from jobs_schedules", True)
    assert len(ticks.at) == 1


async def test_a_periodic_that_fails_runs_again_next_time(conninfo: str) -> None:
    ticks = Ticks(ValueError("odd"))
    async with working(conninfo, IDLE, periodics=[Periodic("tick", EVERY_SECOND, ticks)]):
        await until(lambda: len(ticks.at) == 2)


async def test_a_periodic_that_hangs_does_not_hold_up_the_stop(conninfo: str) -> None:
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    async with working(conninfo, IDLE, periodics=[Periodic("hang", EVERY_SECOND, hang)]) as worker:
        await asyncio.wait_for(began.wait(), 10)
        stopping = time.monotonic()
        await worker.stop(grace_s=0.1)
        assert time.monotonic() - stopping < 3


async def test_a_changed_expression_replaces_the_old_one(database: Database, conninfo: str) -> None:
    async with database.connection() as conn:
        for cron in ("0 4 * * *", "0 5 * * *"):
            async with working(conninfo, IDLE, periodics=[Periodic("p", cron, Ticks())]):
                await until_row(conn, "select max(expression) from jobs_schedules", cron)
        assert await value(conn, "select count(*) from jobs_schedules") == 1


async def test_maintenance_prunes(database: Database, queue: Queue) -> None:
    await maintenance(queue, [IDLE]).run()

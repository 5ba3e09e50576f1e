"""Who runs first, and how many at a time."""

from __future__ import annotations

from ratchet.jobs.base import NewJob, Priority, Route
from ratchet.jobs.testing import drain
from ratchet.store.pool import Database
from tests.integration.jobs.support import RUNNING, Gate, Keyed, Note, Recorder, put, until, value, working


async def test_jobs_run_by_priority_then_in_the_order_put(database: Database, conninfo: str) -> None:
    run = Recorder()
    order = [Priority.BACKFILL, Priority.NORMAL, Priority.LIVE, Priority.DELIVERY, Priority.LIVE]
    await put(database, *(NewJob(Note(n=n), priority) for n, priority in enumerate(order)))
    await drain(conninfo, [Route(Note, run)])
    assert run.numbers == [3, 2, 4, 1, 0]


async def test_backfill_leaves_half_of_a_worker_to_others(database: Database, conninfo: str) -> None:
    backfill, live = Gate(), Recorder()
    await put(database, *(NewJob(Keyed(key=str(n), n=n), Priority.BACKFILL) for n in range(20)))
    async with working(conninfo, Route(Keyed, backfill), Route(Note, live), concurrency=8):
        await until(lambda: len(backfill.began) == 4)
        await put(database, NewJob(Note(), Priority.LIVE))
        await until(lambda: len(live.seen) == 1)
        assert len(backfill.began) == 4
        backfill.opened.set()
        await until(lambda: len(backfill.ended) == 20)


async def test_a_worker_runs_no_more_jobs_than_it_may(database: Database, conninfo: str) -> None:
    gate, marker = Gate(), Gate()
    await put(database, *(Note(n=n) for n in range(20)))
    async with working(conninfo, Route(Note, gate), Route(Keyed, marker), concurrency=6):
        await until(lambda: len(gate.began) == 6)
        async with database.connection() as conn:
            assert await value(conn, RUNNING) == 6
        gate.opened.set()
        await until(lambda: len(gate.ended) == 20)
    assert len(gate.began) == 20


async def test_the_limit_of_a_route_holds_over_all_workers(database: Database, conninfo: str) -> None:
    gate, marker = Gate(), Recorder()
    routes = (Route(Note, gate, concurrency=3), Route(Keyed, marker))
    await put(database, *(Note(n=n) for n in range(10)))
    async with working(conninfo, *routes), working(conninfo, *routes):
        await until(lambda: len(gate.began) == 3)
        await put(database, *(Keyed(key=str(n)) for n in range(8)))
        await until(lambda: len(marker.seen) == 8)
        assert len(gate.began) == 3
        gate.opened.set()
        await until(lambda: len(gate.ended) == 10)

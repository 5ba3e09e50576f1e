"""Jobs are part of the transaction that puts them."""

from __future__ import annotations

import asyncio

import pytest

from ratchet.jobs.base import NewJob, Route
from ratchet.jobs.queue import Queue
from ratchet.jobs.testing import drain
from ratchet.store.pool import Database
from tests.integration.jobs.support import COUNT, Gate, Keyed, Note, Recorder, put, until, value, working


async def test_a_job_exists_when_the_transaction_commits(database: Database, conninfo: str) -> None:
    run = Recorder()
    assert await put(database, Note(n=7)) == 1
    await drain(conninfo, [Route(Note, run)])
    assert run.numbers == [7]
    async with database.connection() as conn:
        assert await value(conn, COUNT) == 0


async def test_a_job_is_rolled_back_with_the_transaction(database: Database, queue: Queue) -> None:
    async def fail_after_putting() -> None:
        async with database.transaction() as conn:
            await queue.put(conn, [NewJob(Note())])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_putting()
    async with database.connection() as conn:
        assert await value(conn, COUNT) == 0


async def test_putting_outside_a_transaction_is_refused(database: Database, queue: Queue) -> None:
    async with database.connection() as conn:
        with pytest.raises(RuntimeError, match="outside a transaction"):
            await queue.put(conn, [NewJob(Note())])


async def test_many_jobs_of_one_put_run_in_the_order_given(database: Database, conninfo: str) -> None:
    run = Recorder()
    assert await put(database, *(Keyed(key="one", n=n) for n in range(30))) == 30
    await drain(conninfo, [Route(Keyed, run)])
    assert run.numbers == list(range(30))


async def test_putting_nothing_is_allowed(database: Database) -> None:
    assert await put(database) == 0


async def test_a_unique_job_is_put_once_while_it_waits(database: Database, conninfo: str) -> None:
    run = Recorder()
    twice = [NewJob(Note(n=1), unique="k"), NewJob(Note(n=2), unique="k")]
    assert await put(database, *twice, NewJob(Note(n=3), unique="other")) == 2
    assert await put(database, NewJob(Note(n=4), unique="k")) == 0
    await drain(conninfo, [Route(Note, run)])
    assert sorted(run.numbers) == [1, 3]
    assert await put(database, NewJob(Note(n=5), unique="k")) == 1


@pytest.mark.parametrize(("rerun", "expected"), [(False, [1]), (True, [1, 1])])
async def test_a_unique_job_put_while_it_runs(
    database: Database, conninfo: str, rerun: bool, expected: list[int]
) -> None:
    gate = Gate()
    await put(database, NewJob(Note(n=1), unique="k", rerun=rerun))
    async with working(conninfo, Route(Note, gate)):
        await until(lambda: gate.began == [1])
        for _ in range(3):
            assert await put(database, NewJob(Note(n=2), unique="k", rerun=rerun)) == 0
        gate.opened.set()
        await until(lambda: gate.ended == expected)
    await drain(conninfo, [Route(Note, gate)])
    assert gate.ended == expected


async def test_a_rerun_job_that_waits_starts_after_the_putting_transaction(
    database: Database, conninfo: str, queue: Queue
) -> None:
    """Otherwise it might not see the data for which it was put."""
    run, other = Recorder(), Recorder()
    again = NewJob(Note(n=1), unique="k", rerun=True)
    await put(database, again)
    async with database.transaction() as conn:
        assert await queue.put(conn, [again]) == 0
        await put(database, Keyed(key="any"))
        async with working(conninfo, Route(Note, run), Route(Keyed, other)):
            await until(lambda: other.numbers == [0])
    assert run.numbers == []
    await drain(conninfo, [Route(Note, run)])
    assert run.numbers == [1]


async def test_a_job_put_for_later_runs_at_its_time(database: Database, conninfo: str) -> None:
    run, loop = Recorder(), asyncio.get_running_loop()
    async with working(conninfo, Route(Note, run)) as worker:
        await until(lambda: worker.connected)
        began = loop.time()
        await put(database, NewJob(Note(), delay_s=1.0))
        await until(lambda: bool(run.seen))
        assert 0.9 < loop.time() - began < 2.5


async def test_keys_and_payloads_may_hold_any_text(database: Database, conninfo: str) -> None:
    run = Recorder()
    odd = "a\x00b\udc80'; drop table jobs --"
    await put(database, Keyed(key="☃'\"\\"), NewJob(Note(n=1), unique=odd))
    await drain(conninfo, [Route(Keyed, run), Route(Note, run)])
    assert len(run.seen) == 2

"""Jobs of one key run one at a time, in order, over all workers."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

from psycopg import AsyncConnection

from ratchet.jobs.base import Done, JobContext, NewJob, Outcome, Priority, Route, Snooze
from ratchet.jobs.locks import KeyLocks
from ratchet.jobs.repository import WINDOW
from ratchet.jobs.testing import drain
from ratchet.store.pool import Database
from tests.integration.jobs.support import (
    COUNT,
    Gate,
    Keyed,
    Ordered,
    Recorder,
    put,
    until,
    until_row,
    value,
    working,
)


class Witness:
    """Notes the order per key, and whether two of one key ever ran at a time."""

    def __init__(self) -> None:
        self.order: dict[str, list[int]] = defaultdict(list)
        self.running: set[str] = set()
        self.overlaps: list[str] = []
        self.most = 0

    async def __call__(self, job: Keyed, context: JobContext) -> Outcome:
        if job.key in self.running:
            self.overlaps.append(job.key)
        self.running.add(job.key)
        self.most = max(self.most, len(self.running))
        self.order[job.key].append(job.n)
        await asyncio.sleep(random.random() / 200)
        self.running.discard(job.key)
        return Done()


async def test_two_workers_never_run_one_key_twice_at_a_time_and_keep_its_order(
    database: Database, conninfo: str
) -> None:
    witness, chance = Witness(), random.Random(7)
    expected: dict[str, list[int]] = defaultdict(list)
    async with (
        working(conninfo, Route(Keyed, witness), concurrency=8),
        working(conninfo, Route(Keyed, witness), concurrency=8),
    ):
        for n in range(0, 300, 10):
            keys = [f"key{int(chance.paretovariate(0.7)) % 25}" for _ in range(10)]
            for i, key in enumerate(keys):
                expected[key].append(n + i)
            await put(database, *(Keyed(key=key, n=n + i) for i, key in enumerate(keys)))
        async with database.connection() as conn:
            await until_row(conn, COUNT, 0, seconds=60)
    assert witness.overlaps == []
    assert witness.order == expected
    assert witness.most > 1


async def test_a_busy_key_does_not_keep_other_keys_waiting(database: Database, conninfo: str) -> None:
    gate, others = Gate(), Recorder()
    await put(database, *(Keyed(key="busy", n=n) for n in range(50)))
    async with working(conninfo, Route(Keyed, gate), Route(Ordered, others), concurrency=2):
        await until(lambda: gate.began == [0])
        await put(database, *(Ordered(key=f"free{n}", n=n) for n in range(5)))
        await until(lambda: len(others.seen) == 5)
        assert gate.began == [0]
        gate.opened.set()
        await until(lambda: len(gate.ended) == 50)
    assert gate.ended == list(range(50))


async def test_higher_priority_goes_first_within_a_key(database: Database, conninfo: str) -> None:
    run = Recorder()
    await put(
        database, NewJob(Keyed(key="k", n=1), Priority.BACKFILL), NewJob(Keyed(key="k", n=2), Priority.LIVE)
    )
    await drain(conninfo, [Route(Keyed, run)])
    assert run.numbers == [2, 1]


async def test_a_job_that_has_to_wait_is_overtaken(database: Database, conninfo: str) -> None:
    run = Recorder(Snooze(0.3, "model is down"))
    await put(database, Keyed(key="k", n=1), Keyed(key="k", n=2))
    await drain(conninfo, [Route(Keyed, run)], later_s=5)
    assert run.numbers == [1, 2, 1]


async def test_an_ordered_job_that_has_to_wait_is_not_overtaken(database: Database, conninfo: str) -> None:
    run = Recorder(Snooze(0.3, "429"))
    await put(database, Ordered(key="k", n=1), Ordered(key="k", n=2))
    await drain(conninfo, [Route(Ordered, run)], later_s=5)
    assert run.numbers == [1, 1, 2]


async def test_many_jobs_of_one_key_do_not_hide_those_behind_them(database: Database, conninfo: str) -> None:
    run = Recorder(Snooze(3600, "429"))
    await put(database, *(Ordered(key="k", n=1) for n in range(WINDOW + 5)), Ordered(key="other", n=2))
    async with working(conninfo, Route(Ordered, run)):
        await until(lambda: len(run.seen) == 2)
    assert run.numbers == [1, 2]


async def test_a_job_for_later_holds_nothing_up(database: Database, conninfo: str) -> None:
    run = Recorder()
    await put(database, NewJob(Ordered(key="k", n=1), delay_s=3600), Ordered(key="k", n=2))
    await drain(conninfo, [Route(Ordered, run)])
    assert run.numbers == [2]


async def test_a_run_whose_claim_was_taken_over_still_keeps_its_key(
    database: Database, conninfo: str
) -> None:
    """As when a process stalls for longer than its heartbeat."""
    gate, other = Gate(), Recorder()
    async with working(conninfo, Route(Keyed, gate)):
        await put(database, Keyed(key="k", n=1))
        await until(lambda: gate.began == [1])
        async with database.connection() as conn, working(conninfo, Route(Keyed, other)):
            await conn.execute("update jobs set heartbeat = now() - interval '1 minute'")
            await until_row(conn, "select attempts > 0 from jobs", True)
            assert other.seen == []
            gate.opened.set()
            await until_row(conn, COUNT, 0)
    assert gate.ended


async def test_keys_are_exclusive_within_and_between_sessions(conninfo: str) -> None:
    async with (
        await AsyncConnection.connect(conninfo, autocommit=True) as one,
        await AsyncConnection.connect(conninfo, autocommit=True) as two,
    ):
        mine, theirs = KeyLocks(one), KeyLocks(two)
        async with mine.hold("a") as first, mine.hold("a") as again, theirs.hold("a") as other:
            assert (first, again, other) == (True, False, False)
            async with theirs.hold("b") as free:
                assert free
        async with theirs.hold("a") as freed:
            assert freed


async def test_jobs_of_a_key_that_died_do_not_hold_it(database: Database, conninfo: str) -> None:
    run = Recorder(ValueError("odd"))
    await put(database, Ordered(key="k", n=1), Ordered(key="k", n=2))
    await drain(conninfo, [Route(Ordered, run, max_failures=1)])
    assert run.numbers == [1, 2]
    async with database.connection() as conn:
        assert await value(conn, COUNT) == 1

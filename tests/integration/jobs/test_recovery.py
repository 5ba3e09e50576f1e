"""What happens to jobs when their worker, their connection or PostgreSQL goes away."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ratchet.jobs.base import Done, JobContext, Outcome, Route
from ratchet.jobs.queue import Queue
from ratchet.jobs.schema import install
from ratchet.jobs.testing import drain
from ratchet.jobs.worker import Worker
from ratchet.store.embedded import EmbeddedOptions, EmbeddedServer
from ratchet.store.pool import Database, open_database
from tests.integration.jobs.process import RUNS
from tests.integration.jobs.support import (
    COUNT,
    RUNNING,
    SPENT,
    Gate,
    Keyed,
    Note,
    Recorder,
    put,
    until,
    until_row,
    value,
    working,
)

ROOT = Path(__file__).resolve().parents[3]
CUT = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = %s"


@asynccontextmanager
async def process(conninfo: str, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process, killed at the end if it still lives."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.jobs.process", conninfo, name, cwd=ROOT
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_a_stopped_worker_lets_its_jobs_end(database: Database, conninfo: str) -> None:
    gate = Gate()
    worker = Worker(conninfo, [Route(Note, gate)])
    await put(database, Note(n=1))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await until(lambda: gate.began == [1])
        stopping = tasks.create_task(worker.stop(grace_s=20))
        await until(lambda: not worker.connected)
        await put(database, Note(n=2))
        gate.opened.set()
        await stopping
    assert gate.ended == [1]
    async with database.connection() as conn:
        assert await value(conn, COUNT) == 1
        assert await value(conn, RUNNING) == 0


async def test_a_job_cut_short_by_a_stop_runs_elsewhere_and_has_not_failed(
    database: Database, conninfo: str
) -> None:
    gate, second = Gate(), Recorder()
    await put(database, Note(n=1), Keyed(key="k", n=2))
    async with working(conninfo, Route(Note, gate), Route(Keyed, gate)) as worker:
        await until(lambda: sorted(gate.began) == [1, 2])
        await worker.stop(grace_s=0.05)
        async with database.connection() as conn:
            assert await value(conn, RUNNING) == 0
            assert await value(conn, COUNT) == 2
            assert await value(conn, SPENT) == 0
    await drain(conninfo, [Route(Note, second), Route(Keyed, second)])
    assert sorted(second.numbers) == [1, 2]
    assert gate.ended == []


async def test_a_cancelled_worker_loses_no_job(database: Database, conninfo: str) -> None:
    gate, second = Gate(), Recorder()
    await put(database, Note(n=1), Keyed(key="k", n=2))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await Worker(conninfo, [Route(Note, gate), Route(Keyed, gate)]).run()
    assert sorted(gate.began) == [1, 2]
    await drain(conninfo, [Route(Note, second), Route(Keyed, second)])
    assert sorted(second.numbers) == [1, 2]


async def test_the_jobs_of_a_killed_process_run_in_another_within_ten_seconds(
    database: Database, conninfo: str
) -> None:
    async with database.connection() as conn, process(conninfo, "first") as first:
        await conn.execute(RUNS)
        await put(database, Note(n=-1), Keyed(key="k", n=-2))
        await until_row(conn, "select count(*) from runs", 2)
        run = Recorder()
        async with working(conninfo, Route(Note, run), Route(Keyed, run)):
            first.kill()
            killed = time.monotonic()
            await until(lambda: sorted(run.numbers) == [-2, -1])
            took = time.monotonic() - killed
    assert took < 12  # at most heartbeat_s and one look, 9 s; the rest is for a busy machine
    assert [context.failures for _, context in run.seen] == [0, 0]


async def test_a_process_told_to_terminate_hands_its_jobs_back(database: Database, conninfo: str) -> None:
    async with database.connection() as conn, process(conninfo, "first") as first:
        await conn.execute(RUNS)
        await put(database, Note(n=-1), Keyed(key="k", n=-2))
        await until_row(conn, "select count(*) from runs", 2)
        first.terminate()
        assert await asyncio.wait_for(first.wait(), 10) == 0
        assert await value(conn, RUNNING) == 0
        assert await value(conn, COUNT) == 2


async def test_two_processes_share_the_work_and_run_nothing_twice(database: Database, conninfo: str) -> None:
    async with (
        database.connection() as conn,
        process(conninfo, "first"),
        process(conninfo, "second"),
    ):
        await conn.execute(RUNS)
        ready = "select count(*) >= 2 from pg_stat_activity where application_name = 'ratchet jobs work'"
        await until_row(conn, ready, True)
        await put(database, *(Note(n=n) for n in range(200)))
        await until_row(conn, COUNT, 0)
        assert await value(conn, "select count(*) from runs") == 200
        assert await value(conn, "select count(distinct worker) from runs") == 2


async def test_a_job_that_kills_its_process_again_and_again_is_dead(
    database: Database, conninfo: str, queue: Queue
) -> None:
    run = Recorder()
    await put(database, Note())
    async with database.connection() as conn:
        await conn.execute("update jobs set headers = '{\"lost\": 20}'")
    await drain(conninfo, [Route(Note, run)])
    assert run.seen == []
    assert [dead.error_type for dead in await queue.dead()] == ["WorkerLost"]


@pytest.mark.parametrize("role", ["work", "listen", "locks"])
async def test_a_worker_survives_the_loss_of_a_connection(
    database: Database, conninfo: str, role: str
) -> None:
    """What it runs begins anew, one at a time."""
    began: list[int] = []
    cancelled: list[int] = []
    opened = asyncio.Event()

    async def run(job: Keyed, context: JobContext) -> Outcome:
        began.append(job.n)
        try:
            await opened.wait()
        except asyncio.CancelledError:
            cancelled.append(job.n)
            raise
        return Done()

    await put(database, Keyed(key="k", n=1))
    async with database.connection() as conn, working(conninfo, Route(Keyed, run), heartbeat_s=2):
        await until(lambda: began == [1])
        await conn.execute(CUT, (f"ratchet jobs {role}",))
        await until(lambda: began == [1, 1])
        assert cancelled == [1]
        opened.set()
        await until_row(conn, COUNT, 0)
        assert await value(conn, SPENT) == 0


async def test_a_worker_survives_a_restart_of_postgresql() -> None:
    directory = Path(tempfile.mkdtemp(prefix="rj-"))
    gate, run = Gate(), Recorder()
    try:
        server = await EmbeddedServer.open(directory, EmbeddedOptions())
        await install(server.conninfo)
        async with open_database(server.conninfo) as database:
            await put(database, Keyed(key="k", n=1), *(Note(n=n) for n in range(2, 5)))
        async with working(server.conninfo, Route(Keyed, gate), Route(Note, run), heartbeat_s=2) as worker:
            await until(lambda: gate.began == [1] and len(run.seen) == 3)
            await server.close()
            await until(lambda: not worker.connected)
            server = await EmbeddedServer.open(directory, EmbeddedOptions())
            async with open_database(server.conninfo) as database, database.connection() as conn:
                await put(database, Note(n=9))
                await until(lambda: 9 in run.numbers and gate.began == [1, 1])
                gate.opened.set()
                await until_row(conn, COUNT, 0)
        await server.close()
    finally:
        shutil.rmtree(directory)


async def test_a_worker_waits_for_a_database_that_is_not_there_yet() -> None:
    async with working("host=/nowhere dbname=none connect_timeout=1", Route(Note, Recorder())) as worker:
        assert not worker.connected

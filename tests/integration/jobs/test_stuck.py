"""A queue that nobody works on is told from one that is full."""

from __future__ import annotations

import pytest

from ratchet.jobs.queue import Queue, Stuck
from ratchet.store.pool import Database
from tests.integration.jobs.support import Note, put

KINDS = ("note", "keyed")


async def sql(database: Database, statement: str) -> None:
    async with database.connection() as conn:
        await conn.execute(statement.encode())


async def waiting(database: Database, seconds: int) -> None:
    await put(database, Note())
    await sql(database, f"update jobs set execute_after = now() - interval '{seconds} seconds'")


async def test_jobs_that_wait_while_nobody_works_are_stuck(database: Database, queue: Queue) -> None:
    assert await queue.stuck(KINDS) is None
    await waiting(database, 60)
    assert await queue.stuck(KINDS) is None
    await waiting(database, 200)
    found = await queue.stuck(KINDS)
    assert isinstance(found, Stuck)
    assert found.kind == "note"
    assert found.waits_s == pytest.approx(200, abs=10)
    assert await queue.stuck(("keyed",)) is None


async def test_a_job_for_later_is_not_stuck(database: Database, queue: Queue) -> None:
    await waiting(database, -3600)
    assert await queue.stuck(KINDS) is None


@pytest.mark.parametrize(
    "sign",
    [
        "insert into jobs (entrypoint, payload, priority, status, heartbeat, queue_manager_id)"
        " values ('keyed', '', 10, 'picked', now() - interval '{age} seconds', gen_random_uuid())",
        "insert into jobs_log (job_id, status, entrypoint, priority, created)"
        " values (1, 'successful', 'keyed', 10, now() - interval '{age} seconds')",
    ],
    ids=["one runs", "one ended"],
)
async def test_while_somebody_works_it_is_only_full(database: Database, queue: Queue, sign: str) -> None:
    await waiting(database, 200)
    await sql(database, sign.format(age=300))
    assert await queue.stuck(KINDS) is not None
    await sql(database, sign.format(age=3))
    assert await queue.stuck(KINDS) is None

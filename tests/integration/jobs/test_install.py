"""The tables of the queue, made and found again."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from pgqueuer.domain.settings import db_settings

from ratchet.jobs.base import NewJob, Route
from ratchet.jobs.queue import Queue
from ratchet.jobs.schema import install
from ratchet.jobs.testing import drain
from tests.integration.jobs.support import Note, Recorder

TABLES = "select array_agg(tablename::text order by tablename) from pg_tables where schemaname = 'public'"
OURS = ["jobs", "jobs_log", "jobs_schedules", "jobs_statistics"]


async def test_any_number_of_processes_may_install_at_once(empty_conninfo: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(install(empty_conninfo))
    await install(empty_conninfo)
    with psycopg.connect(empty_conninfo) as conn:
        assert conn.execute(TABLES).fetchone() == (OURS,)


async def test_jobs_survive_an_upgrade_and_missing_parts_are_added(empty_conninfo: str) -> None:
    run = Recorder()
    await install(empty_conninfo)
    async with await psycopg.AsyncConnection.connect(empty_conninfo) as conn:
        await Queue(conn.transaction).put(conn, [NewJob(Note(n=1))])  # type: ignore[arg-type]  # `put` asks nobody for one
        await conn.execute("drop index jobs_ordered_waiting, jobs_ep_ea_idx")
        await conn.execute("alter table jobs drop column slot")
    await install(empty_conninfo)
    await drain(empty_conninfo, [Route(Note, run)])
    assert run.numbers == [1]


async def test_the_environment_of_pgqueuer_does_not_reach_us(
    empty_conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGQUEUER_PREFIX", "QUEUE_TABLE", "PGQUEUER_QUEUE_TABLE", "CHANNEL", "PGQUEUER_SCHEMA"):
        monkeypatch.setenv(name, "stray")
    monkeypatch.setenv("PGQUEUER_DURABILITY", "volatile")
    db_settings.cache_clear()
    run = Recorder()
    await install(empty_conninfo)
    with psycopg.connect(empty_conninfo) as conn:
        assert conn.execute(TABLES).fetchone() == (OURS,)
    async with await psycopg.AsyncConnection.connect(empty_conninfo) as connection:
        await Queue(connection.transaction).put(connection, [NewJob(Note(n=1))])  # type: ignore[arg-type]  # `put` asks nobody for one
    await drain(empty_conninfo, [Route(Note, run)])
    assert run.numbers == [1]

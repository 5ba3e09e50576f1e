"""Connections: transactions, time limits, and a server that goes away."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.store.pool import Database, check_vector, connection_kwargs, open_database, open_pool
from tests.acceptance.harness import eventually

OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"
)
COUNT_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


async def count(database: Database) -> int:
    async with database.connection() as connection:
        row = await (await connection.execute("SELECT count(*) FROM noted")).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_transaction_is_committed_when_its_block_ends(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE noted (n int)")
        await connection.execute("INSERT INTO noted VALUES (1)")
    assert await count(database) == 1


async def test_a_transaction_is_rolled_back_when_its_block_raises(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE noted (n int)")

    async def work() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO noted VALUES (1)")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await work()
    assert await count(database) == 0


async def test_every_connection_says_who_it_is_and_has_time_limits(database: Database) -> None:
    async with database.connection() as connection:
        row = await (
            await connection.execute(
                "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
                " current_setting('idle_in_transaction_session_timeout')"
            )
        ).fetchone()
    assert row == ("ratchet", "30s", "1min")


async def test_a_statement_that_takes_too_long_is_transient(conninfo: str) -> None:
    pool = await open_pool(conninfo, min_size=1, max_size=1, statement_timeout=0.05)
    database = Database(conninfo, pool)
    try:
        with pytest.raises(Transient, match="statement timeout"):
            async with database.connection() as connection:
                await connection.execute("SELECT pg_sleep(10)")
    finally:
        await pool.close()


async def test_connections_that_the_server_closed_while_idle_are_not_felt(database: Database) -> None:
    async with database.connection() as connection:
        name = connection.info.dbname
    async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as other:
        await other.execute(OTHERS, (name,))

        async def gone() -> bool:
            return await (await other.execute(COUNT_OTHERS, (name,))).fetchone() == (0,)

        await eventually(gone, what="the server has closed the idle connections")
    async with database.connection() as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_connection_that_breaks_in_use_is_transient_and_the_next_one_works(
    database: Database,
) -> None:
    async def work() -> None:
        async with database.transaction() as connection:
            name = connection.info.dbname
            async with await psycopg.AsyncConnection.connect(database.conninfo, autocommit=True) as other:
                await other.execute(OTHERS, (name,))
            await connection.execute("SELECT 1")

    with pytest.raises(Transient):
        await work()
    async with database.connection() as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_mistake_in_a_statement_stays_what_it_is(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with database.connection() as connection:
            await connection.execute("SELECT * FROM nowhere")


async def test_a_server_that_is_away_is_transient() -> None:
    with pytest.raises(Transient, match="did not answer"):
        await open_pool("postgresql://somebody:secret@127.0.0.1:9/name")


async def test_a_database_that_does_not_exist_is_named(database_server: str) -> None:
    with pytest.raises(Misconfigured, match=r'database "nowhere" does not exist.*RATCHET_DATABASE_URL'):
        await open_pool(make_conninfo(database_server, dbname="nowhere"))


async def test_a_url_that_is_none_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(Misconfigured, match="RATCHET_DATABASE_URL") as refusal:
        await open_pool("postgresql://me:pa ss%zz@host/name")
    assert "pa ss" not in str(refusal.value)


async def test_a_pool_is_closed_with_its_block(conninfo: str) -> None:
    async with open_database(conninfo, min_size=1, max_size=1) as database:
        pass
    with pytest.raises(Transient):
        async with database.connection():
            pass


def test_options_of_the_url_go_over_ours() -> None:
    kwargs = connection_kwargs("postgresql://h/d?options=-c%20statement_timeout%3D5&application_name=mine")
    assert kwargs["options"].endswith("-c statement_timeout=5")
    assert "application_name" not in kwargs


def test_a_server_without_pgvector_is_refused_with_the_package_to_install() -> None:
    with pytest.raises(Misconfigured, match="postgresql-16-pgvector"):
        check_vector(16, None)


def test_an_old_pgvector_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"0\.6\.2.*0\.7 or newer"):
        check_vector(16, "0.6.2")
    check_vector(16, "0.7.0")
    check_vector(16, "1.0.0")

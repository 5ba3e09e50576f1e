"""The queue's tables, created and upgraded."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
import structlog
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver

from ratchet.jobs import names, sql

log = structlog.get_logger(__name__)

LOCK: Final = "select pg_advisory_lock(hashtext('ratchet jobs install'), 0)"
INSTALL_TIMEOUT_S: Final = 120.0


async def install(conninfo: str) -> None:
    """Create the tables, or bring those of an older version up to date. Any number of processes may call it.

    Raises psycopg.Error when PostgreSQL refuses, TimeoutError when another installer does not end.
    """
    async with (
        asyncio.timeout(INSTALL_TIMEOUT_S),
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn,
    ):
        await conn.execute(LOCK)
        queries = names.queries(PsycopgDriver(conn))
        if not await queries.schema_is_installed():
            await queries.install()
            await queries.optimize_autovacuum()
        else:
            await queries.upgrade()
        for index in sql.INDEXES:
            await conn.execute(index)

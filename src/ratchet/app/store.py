"""The database: the configured one, started when it is ours, migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ratchet.jobs import schema as job_schema
from ratchet.jobs.queue import Queue
from ratchet.settings import Settings
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database


@dataclass(frozen=True, slots=True)
class Store:
    """A migrated database; `server` when it is the embedded one."""

    db: Database
    queue: Queue
    server: EmbeddedServer | None


@asynccontextmanager
async def open_server(settings: Settings) -> AsyncIterator[tuple[str, EmbeddedServer | None]]:
    """The conninfo of the configured database, started when it is ours; not migrated."""
    if not settings.database.embedded:
        yield settings.database.conninfo, None
        return
    async with EmbeddedServer.start(settings.data_dir / "postgres") as server:
        yield server.conninfo, server


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The configured database, started when it is ours, migrated. Raises Misconfigured, Transient."""
    async with open_server(settings) as (conninfo, server):
        await migrate(conninfo)
        await job_schema.install(conninfo)
        async with open_database(conninfo) as db:
            yield Store(db, Queue(db.connection), server)

"""The database: the configured one, started when it is ours, migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ratchet.app.patience import patiently
from ratchet.jobs import schema as job_schema
from ratchet.jobs.queue import Queue
from ratchet.settings import Settings
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database, translated_errors


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
        with translated_errors():
            await job_schema.install(conninfo)
        async with open_database(conninfo) as db:
            yield Store(db, Queue(db.connection), server)


@asynccontextmanager
async def open_store_patiently(settings: Settings) -> AsyncIterator[Store]:
    """As `open_store`; a server that is away is waited for, if it is not ours."""
    async with AsyncExitStack() as stack:

        async def opened() -> Store:
            return await stack.enter_async_context(open_store(settings))

        yield await (opened() if settings.database.embedded else patiently(opened, "database_away"))

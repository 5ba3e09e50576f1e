"""The database: the configured one, started when it is ours, migrated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The configured database, started when it is ours, migrated. Raises Misconfigured, Transient."""
    async with AsyncExitStack() as stack:
        server: EmbeddedServer | None = None
        conninfo = ""
        if settings.database.embedded:
            server = await stack.enter_async_context(EmbeddedServer.start(settings.data_dir / "postgres"))
            conninfo = server.conninfo
        else:
            conninfo = settings.database.conninfo
        await migrate(conninfo)
        await job_schema.install(conninfo)
        db = await stack.enter_async_context(open_database(conninfo))
        yield Store(db, Queue(db.connection), server)

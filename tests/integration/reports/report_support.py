"""What is asked of the database, counted and explained; and reports over what is recorded there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncCursor
from psycopg.rows import scalar_row

from ratchet.domain.messages import posted_at
from ratchet.domain.reports import ChannelRows
from ratchet.pipeline.dispatch import Dispatch
from ratchet.store.channel_report import ChannelReports
from ratchet.store.pool import Connection, Database
from tests.integration.pipeline.house import ME, House, Raw, at

DAY: Final = 86_400
# `house.at` counts from here; the end of the windows asked for.
UNTIL: Final = posted_at(at(14 * DAY))
NAME: Final = "update channels set kind = %s, name = %s where id = %s"


@dataclass(frozen=True)
class Watched(Database):
    """Remembers what was asked, with its parameters."""

    asked: list[tuple[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        asked = self.asked

        class Noting(AsyncCursor[Any]):
            async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
                asked.append((query.decode() if isinstance(query, bytes) else str(query), params))
                return await super().execute(query, params, **more)

        async with Database.connection(self) as conn:
            usual = conn.cursor_factory
            conn.cursor_factory = Noting
            try:
                yield conn
            finally:
                conn.cursor_factory = usual


def watched(database: Database) -> Watched:
    return Watched(database.conninfo, database.pool)


async def plans(database: Database, asked: list[tuple[str, Any]]) -> list[str]:
    """How each would be executed, if reading a table from end to end cost a fortune."""
    found = []
    async with database.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute("set enable_seqscan = off")
        for query, params in asked:
            await cur.execute(f"explain {query}".encode(), params)
            found.append("\n".join(await cur.fetchall()))
        await cur.execute("reset enable_seqscan")
    return found


async def recorded(house: House, *raws: Raw, kind: str = "public") -> None:
    """As live events, one after the other; their channels are called `ops-c1` and so on."""
    for raw in raws:
        await house.hear(raw)
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    await house.work_off(dispatch.run_message, "message")
    for channel in {raw["channel"] for raw in raws if "channel" in raw}:
        await house.rows(NAME, kind, f"ops-{channel}".lower(), channel)


async def rows_of(
    database: Database,
    channel: str = "C1",
    *,
    visible_from: str = "C1",
    days: float = 7,
    until: datetime = UNTIL,
) -> ChannelRows:
    return await ChannelReports(database).channel_rows(
        channel, visible_from=visible_from, since=until - timedelta(days=days), until=until
    )

"""What happens in a channel by the clock: one row a channel and kind, taken by one process when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row

from ratchet.domain.schedules import Schedule, next_time
from ratchet.store.pool import Database

OF_CHANNEL: Final = """
select channel_id, kind, cron, time_zone, due_at, last_run_at from schedules where channel_id = %(channel_id)s order by kind
"""
SET: Final = """
insert into schedules (channel_id, kind, cron, time_zone, due_at)
values (%(channel_id)s, %(kind)s, %(cron)s, %(time_zone)s, %(due_at)s)
on conflict (channel_id, kind) do update set cron = excluded.cron, time_zone = excluded.time_zone,
    due_at = excluded.due_at
where (schedules.cron, schedules.time_zone) is distinct from (excluded.cron, excluded.time_zone)
"""
REMOVE: Final = "delete from schedules where channel_id = %(channel_id)s and kind = %(kind)s"
# Locked, so that of two processes each row is taken by one.
DUE: Final = """
select channel_id, kind, cron, time_zone, due_at, last_run_at from schedules
where due_at <= %(now)s and kind = any(%(kinds)s) order by due_at limit %(limit)s for update skip locked
"""
TAKEN: Final = """
update schedules set due_at = %(next)s, last_run_at = %(now)s where channel_id = %(channel_id)s and kind = %(kind)s
"""
AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Schedules:
    """Reads and changes, each a transaction of its own."""

    db: Database

    async def of(self, channel_id: str) -> list[Schedule]:
        """Those of a channel, by kind."""
        async with self.db.connection() as conn, conn.cursor(row_factory=class_row(Schedule)) as cur:
            return await (await cur.execute(OF_CHANNEL, {"channel_id": channel_id})).fetchall()

    async def set(self, channel_id: str, kind: str, when: tuple[str, str], now: datetime) -> None:
        """`when`: cron and time zone. The next time stays when it is so already. Raises Refused."""
        async with self.db.transaction() as conn:
            await put(conn, channel_id, kind, when, now)

    async def remove(self, channel_id: str, kind: str) -> bool:
        """Whether there was one."""
        async with self.db.transaction() as conn:
            return await remove(conn, channel_id, kind)


async def put(
    conn: AsyncConnection[Any], channel_id: str, kind: str, when: tuple[str, str], now: datetime
) -> None:
    """See `Schedules.set`."""
    cron, time_zone = when
    values = {"channel_id": channel_id, "kind": kind, "cron": cron, "time_zone": time_zone}
    await conn.execute(SET, {**values, "due_at": next_time(cron, time_zone, now)})


async def remove(conn: AsyncConnection[Any], channel_id: str, kind: str) -> bool:
    """See `Schedules.remove`."""
    return bool((await conn.execute(REMOVE, {"channel_id": channel_id, "kind": kind})).rowcount)


async def take_due(conn: AsyncConnection[Any], kinds: list[str], now: datetime) -> list[Schedule]:
    """What is due, at most `AT_ONCE`, each moved on to its next time after now. For the caller's transaction."""
    async with conn.cursor(row_factory=class_row(Schedule)) as cur:
        due = await (await cur.execute(DUE, {"now": now, "kinds": kinds, "limit": AT_ONCE})).fetchall()
        for one in due:
            following = next_time(one.cron, one.time_zone, max(now, one.due_at.astimezone(UTC)))
            key = {"channel_id": one.channel_id, "kind": one.kind}
            await cur.execute(TAKEN, {**key, "next": following, "now": now})
    return due

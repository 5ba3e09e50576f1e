"""What is to be said, and whether it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from ratchet.domain.messages import MessageRef
from ratchet.store import answers
from ratchet.store.pool import Database

START_RUN: Final = """
insert into handler_runs (key, effects) values (%(key)s, %(effects)s) on conflict do nothing
"""
RAN: Final = "select exists (select from handler_runs where key = %(key)s)"
ADD: Final = """
insert into outbox (key, handler, channel_id, thread_ts, effect)
select * from unnest(%(keys)s::text[], %(handlers)s::text[], %(channels)s::text[], %(threads)s::text[],
                     %(effects)s::jsonb[])
on conflict (key) do nothing
"""
GET: Final = """
select key, handler, channel_id, thread_ts, effect, state, slack_ts, attempts, created_at from outbox where key = %(key)s
"""
BEGIN: Final = """
update outbox set state = 'sending', attempts = attempts + 1, updated_at = now() where key = %(key)s
"""
NOT_BEGUN: Final = """
update outbox set state = 'pending', error = %(error)s, updated_at = now()
where key = %(key)s and state = 'sending' and cardinality(slack_ts) = 0
"""
POSTED: Final = """
update outbox set slack_ts = %(slack_ts)s, updated_at = now() where key = %(key)s
"""
SENT: Final = """
update outbox set state = 'sent', effect = null, error = null, slack_ts = %(slack_ts)s, updated_at = now()
where key = %(key)s
"""
REFUSED: Final = """
update outbox set state = 'refused', effect = null, error = %(error)s, updated_at = now() where key = %(key)s
"""
# What waits to be said and quotes one of the messages, found by its permalink.
WITHDRAW: Final = """
with quoting as (
    delete from outbox o where state = 'pending' and exists (
        select from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
        where strpos(o.effect->>'markdown', '/archives/' || u.channel_id || '/p' || replace(u.ts, '.', '')) > 0)
    returning o.key
)
delete from handler_runs where key in (select regexp_replace(key, ':[0-9]+$', '') from quoting) returning key
"""
UNSENT: Final = "select count(*)::int from outbox where state in ('pending', 'sending')"
LAST_REPLY: Final = """
select slack_ts[1] from outbox
where channel_id = %(channel_id)s and thread_ts = %(thread_ts)s and handler = %(handler)s and state = 'sent'
order by created_at limit 1
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """`slack_ts` holds the ts of each part that is known to be visible, in order."""

    key: str
    handler: str
    channel_id: str
    thread_ts: str | None
    effect: dict[str, Any] | None
    state: str
    slack_ts: list[str]
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewRow:
    key: str
    handler: str
    channel_id: str
    thread_ts: str | None
    effect: dict[str, Any]


class Outbox:
    """Reads and the deliverer's own writes, each a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def ran(self, key: str) -> bool:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return bool(await (await cur.execute(RAN, {"key": key})).fetchone())

    async def get(self, key: str) -> OutboxRow | None:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(OutboxRow)) as cur:
            return await (await cur.execute(GET, {"key": key})).fetchone()

    async def begin(self, key: str) -> None:
        """From here on the post may be visible, whatever happens to us."""
        await self._run(BEGIN, {"key": key})

    async def not_begun(self, key: str, error: str) -> None:
        """Slack said no before anything was posted: the fate is known."""
        await self._run(NOT_BEGUN, {"key": key, "error": error})

    async def posted(self, key: str, slack_ts: Sequence[str]) -> None:
        await self._run(POSTED, {"key": key, "slack_ts": list(slack_ts)})

    async def sent(self, key: str, slack_ts: Sequence[str]) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(SENT, {"key": key, "slack_ts": list(slack_ts)})
            # After a crash, somebody may have reacted before we knew which message it was.
            await answers.recount(conn, [key])

    async def refused(self, key: str, error: str) -> None:
        await self._run(REFUSED, {"key": key, "error": error})

    async def unsent(self) -> int:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return int(await (await cur.execute(UNSENT)).fetchone() or 0)

    async def _run(self, statement: str, values: dict[str, Any]) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(statement.encode(), values)


async def start_run(conn: AsyncConnection[Any], key: str, effects: int) -> bool:
    """Claim a handler's run; False when another run of the same trigger stored its effects already."""
    return (await conn.execute(START_RUN, {"key": key, "effects": effects})).rowcount == 1


async def withdraw(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> list[str]:
    """Take back what is not said yet and quotes one of the messages; the keys of the runs to be made again."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(WITHDRAW, {"channels": [r.channel_id for r in refs], "ts": [r.ts for r in refs]})
        return await cur.fetchall()


async def add(conn: AsyncConnection[Any], rows: Sequence[NewRow]) -> None:
    await conn.execute(
        ADD,
        {
            "keys": [r.key for r in rows],
            "handlers": [r.handler for r in rows],
            "channels": [r.channel_id for r in rows],
            "threads": [r.thread_ts for r in rows],
            "effects": [Jsonb(r.effect) for r in rows],
        },
    )

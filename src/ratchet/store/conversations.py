"""Ratchet's own part in conversations, from what it posted."""

from __future__ import annotations

from typing import Final

from psycopg.rows import class_row, scalar_row

from ratchet.domain.conversations import LastAnswer
from ratchet.store.pool import Database

# The key of a post begins with the handler, and channel and ts of the message that it answers.
ANSWERING: Final = ("assistant", "follow_up", "unasked")
LAST_ANSWER: Final = """
select o.slack_ts[cardinality(o.slack_ts)] as ts, coalesce(m.attrs->'sender'->>'id', '') as asked_by
from outbox o
left join messages m on m.channel_id = o.channel_id and m.ts = split_part(o.key, ':', 3)
where o.channel_id = %(channel_id)s and o.thread_ts = %(thread_ts)s and o.handler = any(%(handlers)s)
  and o.slack_ts[cardinality(o.slack_ts)] < %(before)s
order by 1 desc limit 1
"""
# By the primary key: all runs of the handler in the channel lie side by side. Collations may order the colons
# as they like, so that the beginning is compared too.
SPOKE_UNASKED: Final = """
select count(*)::int from handler_runs
where key >= %(first)s and key <= %(last)s and starts_with(key, %(prefix)s) and effects > 0
"""
LAST_TS: Final = "9999999999.999999"


class Conversations:
    """Satisfies `ratchet.handlers.conversations.Conversations`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def last_answer(self, channel_id: str, thread_ts: str, before: str) -> LastAnswer | None:
        """See the Protocol."""
        values = {"channel_id": channel_id, "thread_ts": thread_ts, "before": before}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(LastAnswer)) as cur:
            await cur.execute(LAST_ANSWER, {**values, "handlers": list(ANSWERING)})
            return await cur.fetchone()

    async def spoke_unasked(self, channel_id: str, since: str) -> int:
        """See the Protocol."""
        prefix = f"unasked:{channel_id}:"
        values = {"prefix": prefix, "first": f"{prefix}{since}", "last": f"{prefix}{LAST_TS}"}
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return int(await (await cur.execute(SPOKE_UNASKED, values)).fetchone() or 0)

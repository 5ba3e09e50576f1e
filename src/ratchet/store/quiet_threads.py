"""What is known of a thread that may have gone quiet, from one index entry of its newest reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Database

STATE: Final = """
select coalesce((select max(r.ts) from messages r where r.channel_id = m.channel_id and r.parent_ts = m.ts), m.ts)
           as newest_ts,
       m.attrs->>'suggest_docs' as outcome
from messages m where m.channel_id = %(channel_id)s and m.ts = %(ts)s
"""


@dataclass(frozen=True, slots=True)
class QuietState:
    """`outcome`: what was decided about the thread before, for good."""

    newest_ts: str
    outcome: str | None


async def state(db: Database, root: MessageRef) -> QuietState | None:
    """None for a thread whose root is not recorded."""
    async with db.connection() as conn, conn.cursor(row_factory=class_row(QuietState)) as cur:
        await cur.execute(STATE, {"channel_id": root.channel_id, "ts": root.ts})
        return await cur.fetchone()

"""Deleting what is older than it need be."""

from __future__ import annotations

from typing import Final

from ratchet.store.pool import Database

OLD_MESSAGES: Final = "delete from messages where posted_at < now() - make_interval(days => %(days)s)"
# Slack redelivers for an hour at most; these are kept long enough to meet any history job too.
OLD_TOMBSTONES: Final = "delete from tombstones where deleted_at < now() - interval '90 days'"
OLD_PARKED: Final = "delete from parked_edits where parked_at < now() - interval '7 days'"
OLD_RUNS: Final = "delete from handler_runs where ran_at < now() - interval '90 days'"
OLD_SENT: Final = """
delete from outbox where created_at < now() - case when state in ('sent', 'refused')
    then interval '90 days' else interval '7 days' end
"""
ORPHANED_REACTIONS: Final = """
delete from reactions r where r.version < (extract(epoch from now()) - 7 * 86400)::bigint::text
  and not exists (select from messages m where m.channel_id = r.channel_id and m.ts = r.ts)
"""
STATEMENTS: Final = {
    "messages": OLD_MESSAGES,
    "tombstones": OLD_TOMBSTONES,
    "parked_edits": OLD_PARKED,
    "handler_runs": OLD_RUNS,
    "outbox": OLD_SENT,
    "reactions": ORPHANED_REACTIONS,
}


async def prune(db: Database, message_days: int) -> dict[str, int]:
    """Rows deleted by table."""
    counts: dict[str, int] = {}
    for table, statement in STATEMENTS.items():
        async with db.transaction() as conn:
            counts[table] = (await conn.execute(statement.encode(), {"days": message_days})).rowcount
    return counts

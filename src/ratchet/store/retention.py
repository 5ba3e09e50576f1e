"""Deleting what is older than it need be."""

from __future__ import annotations

from typing import Final

from ratchet.store import message_vectors, stops
from ratchet.store.pool import Database

# What a pinned runbook rests on stays as long as it is pinned.
OLD_MESSAGES: Final = """
delete from messages m where m.posted_at < now() - make_interval(days => %(days)s)
  and not exists (select from runbook_sources s join runbooks r on r.id = s.runbook_id
                  where s.channel_id = m.channel_id and s.ts = m.ts and r.pinned)
"""
RUNBOOKS_OF_OLD_MESSAGES: Final = """
delete from runbooks r where not r.pinned and exists (
    select from runbook_sources s where s.runbook_id = r.id
      and not exists (select from messages m where m.channel_id = s.channel_id and m.ts = s.ts))
"""
OLD_APPROVALS: Final = "delete from approvals where created_at < now() - interval '90 days'"
OLD_AUDIT: Final = "delete from audit where at < now() - interval '730 days'"
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
EMBEDDED_NO_MORE: Final = message_vectors.PRUNE
UNUSED_TEMPLATES: Final = "delete from learned_templates where last_used_at < now() - interval '90 days'"
# The model was away for so long that nobody wants to know any more.
OLD_UNDECIDED: Final = "delete from undecided_messages where waiting_since < now() - interval '7 days'"
OLD_ANSWERS: Final = "delete from answers where created_at < now() - interval '90 days'"
OLD_MODEL_CALLS: Final = "delete from llm_calls where at < now() - interval '90 days'"
STATEMENTS: Final = {
    "messages": OLD_MESSAGES,
    "runbooks": RUNBOOKS_OF_OLD_MESSAGES,
    "approvals": OLD_APPROVALS,
    "audit": OLD_AUDIT,
    "learned_templates": UNUSED_TEMPLATES,
    "undecided_messages": OLD_UNDECIDED,
    "tombstones": OLD_TOMBSTONES,
    "parked_edits": OLD_PARKED,
    "handler_runs": OLD_RUNS,
    "answers": OLD_ANSWERS,
    "outbox": OLD_SENT,
    "reactions": ORPHANED_REACTIONS,
    "llm_calls": OLD_MODEL_CALLS,
    "stops": stops.PRUNE,
    "messages_to_embed": EMBEDDED_NO_MORE,
}


async def prune(db: Database, message_days: int) -> dict[str, int]:
    """Rows deleted by table."""
    counts: dict[str, int] = {}
    for table, statement in STATEMENTS.items():
        async with db.transaction() as conn:
            counts[table] = (await conn.execute(statement.encode(), {"days": message_days})).rowcount
    return counts

"""What is kept of one person: found, and taken out."""

from __future__ import annotations

from typing import Final

from psycopg.rows import class_row, scalar_row

from ratchet.domain.messages import MessageRef
from ratchet.store.approvals import audit
from ratchet.store.pool import Connection, Database

FIND: Final = """
select id from people where id = %(who)s or lower(email) = lower(%(who)s) or lower(name) = lower(%(name)s) order by id
"""
# Read through once, by an operator's command: no index is kept for it.
WRITTEN: Final = """
select channel_id, ts from messages
where (attrs->'sender'->>'id') = %(person)s and (channel_id, ts) > (%(channel_id)s, %(ts)s)
order by channel_id, ts limit %(limit)s
"""
# A root with replies stays as an empty one; not who wrote it.
NAMELESS: Final = """
update messages set attrs = jsonb_set(attrs, '{sender}', '{"id": "", "name": "", "kind": "person"}')
where (attrs->'sender'->>'id') = %(person)s
"""
TRACES: Final = {
    "reactions": "delete from reactions where user_id = %(person)s",
    "votes": "delete from votes where user_id = %(person)s",
    "people": "delete from people where id = %(person)s",
}


async def find_people(db: Database, who: str) -> list[str]:
    """Ids of whoever has this id, e-mail address or name (with or without @); an id is taken as it is."""
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(FIND, {"who": who, "name": who.removeprefix("@")})
        return await cur.fetchall()


async def written_by(db: Database, person: str, after: MessageRef | None, limit: int) -> list[MessageRef]:
    """The next messages that the person wrote, in the order of their keys."""
    start = after or MessageRef("", "")
    values = {"person": person, "channel_id": start.channel_id, "ts": start.ts, "limit": limit}
    async with db.connection() as conn, conn.cursor(row_factory=class_row(MessageRef)) as cur:
        return await (await cur.execute(WRITTEN, values)).fetchall()


async def remove_traces(conn: Connection, person: str) -> dict[str, int]:
    """Rows that went, by table: reactions, votes, the name; and the name under emptied roots."""
    counts = {
        table: (await conn.execute(statement.encode(), {"person": person})).rowcount
        for table, statement in TRACES.items()
    }
    await conn.execute(NAMELESS, {"person": person})
    await audit(conn, "operator", "person_forgotten", person, dict(counts))
    return counts

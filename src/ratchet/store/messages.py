"""Messages: written in batches by the intake, read by thread, channel and reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.events import ReactionChanged
from ratchet.domain.messages import Message, MessageRef, Sender, posted_at
from ratchet.store import message_vectors
from ratchet.store.pool import Database
from ratchet.store.words import search_text

# %b: arrays go in binary; as text, each quote in them would be escaped, which costs more than the rest of an insert.
LOCK_CHANNELS: Final = """
select pg_advisory_xact_lock(hashtextextended('intake:' || id, 0))
from (select distinct id from unnest(%(ids)s::text[]) as u (id) order by id) ordered
"""
KNOWN: Final = """
select m.channel_id, m.ts, m.version, m.content_hash, m.parent_ts
from unnest(%(channels)b::text[], %(ts)b::text[]) as u (channel_id, ts)
join messages m on m.channel_id = u.channel_id and m.ts = u.ts
"""
BURIED: Final = """
select t.channel_id, t.ts from unnest(%(channels)b::text[], %(ts)b::text[]) as u (channel_id, ts)
join tombstones t on t.channel_id = u.channel_id and t.ts = u.ts
"""
PARKED: Final = """
select p.channel_id, p.ts, p.event from unnest(%(channels)b::text[], %(ts)b::text[]) as u (channel_id, ts)
join parked_edits p on p.channel_id = u.channel_id and p.ts = u.ts order by p.version
"""
UPSERT: Final = """
insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
select channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs,
       to_tsvector('english', words)
from unnest(%(channels)b::text[], %(ts)b::text[], %(parents)b::text[], %(posted)b::timestamptz[],
            %(versions)b::text[], %(texts)b::text[], %(hashes)b::bytea[], %(attrs)b::jsonb[], %(words)b::text[])
     as u (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, words)
on conflict (channel_id, ts) do update set
    parent_ts = coalesce(excluded.parent_ts, messages.parent_ts), version = excluded.version,
    text = excluded.text, content_hash = excluded.content_hash,
    -- Who wrote it and as what cannot change; the payload of an edit may say otherwise.
    attrs = messages.attrs || excluded.attrs
        || jsonb_build_object('sender', messages.attrs->'sender', 'subtype', messages.attrs->'subtype'),
    fts = excluded.fts
where messages.version < excluded.version
"""
DELETE: Final = """
delete from messages m using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where m.channel_id = u.channel_id and m.ts = u.ts
"""
DELETE_REACTIONS: Final = """
delete from reactions m using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where m.channel_id = u.channel_id and m.ts = u.ts
"""
DELETE_INCIDENT_EVENTS: Final = """
delete from incident_events m using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where m.channel_id = u.channel_id and m.ts = u.ts
"""
# What Ratchet itself posted and quotes one of the messages, found by its permalink.
UNQUOTE: Final = """
update messages m set text = '', fts = '', attrs = m.attrs || '{"payload": {}}'
where (m.attrs->'sender'->>'kind') = 'self' and exists (
    select from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
    where strpos(m.text, '/archives/' || u.channel_id || '/p' || replace(u.ts, '.', '')) > 0)
"""
UNPARK: Final = """
delete from parked_edits m using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where m.channel_id = u.channel_id and m.ts = u.ts
"""
BURY: Final = """
insert into tombstones (channel_id, ts)
select channel_id, ts from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
on conflict do nothing
"""
PARK: Final = """
insert into parked_edits (channel_id, ts, version, event)
select * from unnest(%(channels)s::text[], %(ts)s::text[], %(versions)s::text[], %(events)s::jsonb[])
on conflict do nothing
"""
REACT: Final = """
insert into reactions (channel_id, ts, reaction, user_id, present, version)
select distinct on (channel_id, ts, reaction, user_id) *
from unnest(%(channels)b::text[], %(ts)b::text[], %(reactions)b::text[], %(users)b::text[],
            %(present)b::bool[], %(versions)b::text[])
     as u (channel_id, ts, reaction, user_id, present, version)
-- Of a deleted message of which only the place is left, nothing is kept: also when the reaction comes late.
where not exists (select from messages m where m.channel_id = u.channel_id and m.ts = u.ts
                  and m.attrs#>>'{payload,subtype}' = 'tombstone')
order by channel_id, ts, reaction, user_id, version desc
on conflict (channel_id, ts, reaction, user_id) do update set present = excluded.present, version = excluded.version
where reactions.version < excluded.version
"""
ANNOTATE: Final = """
update messages set attrs = attrs || %(attrs)s::jsonb where channel_id = %(channel_id)s and ts = %(ts)s
"""
# One shape for every read, so that one function makes the value.
GET: Final = """
select channel_id, ts, parent_ts, version, text, attrs,
       (select coalesce(jsonb_object_agg(reaction, users), '{}') from (
            select reaction, jsonb_agg(user_id order by version) as users from reactions r
            where r.channel_id = m.channel_id and r.ts = m.ts and r.present group by reaction) g) as reactions
from messages m where channel_id = %(channel_id)s and ts = %(ts)s
"""
THREAD: Final = """
select channel_id, ts, parent_ts, version, text, attrs,
       (select coalesce(jsonb_object_agg(reaction, users), '{}') from (
            select reaction, jsonb_agg(user_id order by version) as users from reactions r
            where r.channel_id = m.channel_id and r.ts = m.ts and r.present group by reaction) g) as reactions
from (
    select * from messages where channel_id = %(channel_id)s and ts = %(ts)s
    union all
    (select * from messages where channel_id = %(channel_id)s and parent_ts = %(ts)s
     order by ts desc limit %(limit)s)
) m order by ts
"""
RECENT: Final = """
select channel_id, ts, parent_ts, version, text, attrs, '{}'::jsonb as reactions
from messages where channel_id = %(channel_id)s and ts < %(before)s order by ts desc limit %(limit)s
"""
MANY: Final = """
select m.channel_id, m.ts, m.parent_ts, m.version, m.text, m.attrs - 'payload' as attrs, '{}'::jsonb as reactions
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join messages m on m.channel_id = u.channel_id and m.ts = u.ts
"""
# What people wrote under many messages at once, for triage.
TRIAGE: Final = """
select m.channel_id, m.ts, m.parent_ts, m.version, m.text, m.attrs - 'payload' as attrs,
       (select coalesce(jsonb_object_agg(reaction, users), '{}') from (
            select reaction, jsonb_agg(user_id order by version) as users from reactions r
            where r.channel_id = m.channel_id and r.ts = m.ts and r.present group by reaction) g) as reactions
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
cross join lateral (
    select * from messages t where t.channel_id = u.channel_id and t.parent_ts = u.ts
    order by t.ts limit %(per_thread)s
) m
where m.attrs->'sender'->>'kind' = 'person'
order by m.channel_id, m.parent_ts, m.ts
"""
# One look into the index for each: as `exists`, it may become a join that reads the whole index.
TOUCHED: Final = """
select u.channel_id, u.ts from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where (select true from messages m where m.channel_id = u.channel_id and m.parent_ts = u.ts
         and (m.attrs->'sender'->>'kind') = 'person' limit 1)
"""
ROOTS_BETWEEN: Final = """
select ts from messages
where channel_id = %(channel_id)s and ts >= %(oldest)s and ts <= %(newest)s and parent_ts is null
"""
ACTIVE_THREADS: Final = """
select distinct parent_ts from messages
where channel_id = %(channel_id)s and ts >= %(since)s and parent_ts is not null
order by parent_ts desc limit %(limit)s
"""
REPLY_MARKS: Final = """
select parent_ts, count(*)::int, max(ts) from messages
where channel_id = %(channel_id)s and parent_ts = any(%(roots)s) group by parent_ts
"""
REPLIES_OF: Final = "select ts from messages where channel_id = %(channel_id)s and parent_ts = %(ts)s"
COUNT: Final = "select count(*) from messages where channel_id = %(channel_id)s"
NEWEST_TS: Final = "\uffff"


@dataclass(frozen=True, slots=True)
class Known:
    """What the intake must know of a stored message to judge a new event about it."""

    version: str
    content_hash: bytes
    parent_ts: str | None


@dataclass(frozen=True, slots=True)
class Row:
    channel_id: str
    ts: str
    parent_ts: str | None
    version: str
    text: str
    attrs: dict[str, Any]
    reactions: dict[str, list[str]]

    def message(self) -> Message:
        sender = self.attrs.get("sender", {})
        return Message(
            channel_id=self.channel_id,
            ts=self.ts,
            sender=Sender(
                sender.get("kind", "system"),
                sender.get("id", ""),
                sender.get("name", ""),
                sender.get("bot_id"),
            ),
            text=self.text,
            version=self.version,
            parent_ts=self.parent_ts,
            subtype=self.attrs.get("subtype"),
            edited=bool(self.attrs.get("edited")),
            payload=self.attrs.get("payload", {}),
            reactions={name: tuple(users) for name, users in self.reactions.items()},
        )


class Messages:
    """Reads of recorded messages."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, ref: MessageRef) -> Message | None:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(GET, {"channel_id": ref.channel_id, "ts": ref.ts})
            row = await cur.fetchone()
            return row.message() if row else None

    async def many(self, refs: Sequence[MessageRef]) -> dict[MessageRef, Message]:
        """Those of the messages that are recorded; payloads and reactions left out."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(MANY, _keys(refs))
            return {MessageRef(row.channel_id, row.ts): row.message() for row in await cur.fetchall()}

    async def thread(self, root: MessageRef, limit: int = 1000) -> list[Message]:
        """The root, if it is recorded, and the newest `limit` replies, oldest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(THREAD, {"channel_id": root.channel_id, "ts": root.ts, "limit": limit})
            return [row.message() for row in await cur.fetchall()]

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        """What people wrote under the messages, by thread, oldest first; payloads left out."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(TRIAGE, {**_keys(roots), "per_thread": per_thread})
            return [row.message() for row in await cur.fetchall()]

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        """Those of the messages under which a person wrote."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(TOUCHED, _keys(roots))
            return {MessageRef(*row) for row in await cur.fetchall()}

    async def recent(self, channel_id: str, limit: int, before: str | None = None) -> list[Message]:
        """The newest messages of a channel (replies included), newest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(
                RECENT, {"channel_id": channel_id, "before": before or NEWEST_TS, "limit": limit}
            )
            return [row.message() for row in await cur.fetchall()]

    async def roots_between(self, channel_id: str, oldest: str, newest: str) -> set[str]:
        """ts of the stored messages that are not replies, both ends included."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(ROOTS_BETWEEN, {"channel_id": channel_id, "oldest": oldest, "newest": newest})
            return set(await cur.fetchall())

    async def replies_of(self, root: MessageRef) -> set[str]:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(REPLIES_OF, {"channel_id": root.channel_id, "ts": root.ts})
            return set(await cur.fetchall())

    async def reply_marks(self, channel_id: str, roots: Sequence[str]) -> dict[str, tuple[int, str]]:
        """How many replies are stored under each root, and the newest one's ts; no key for none."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(REPLY_MARKS, {"channel_id": channel_id, "roots": list(roots)})
            return {root: (count, newest) for root, count, newest in await cur.fetchall()}

    async def active_threads(self, channel_id: str, since: str, limit: int) -> list[str]:
        """Root ts of the threads that were replied to since a ts, newest thread first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(ACTIVE_THREADS, {"channel_id": channel_id, "since": since, "limit": limit})
            return await cur.fetchall()

    async def count(self, channel_id: str) -> int:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(COUNT, {"channel_id": channel_id})
            return int(await cur.fetchone() or 0)


def _keys(refs: Sequence[MessageRef]) -> dict[str, list[str]]:
    return {"channels": [r.channel_id for r in refs], "ts": [r.ts for r in refs]}


async def lock_channels(conn: AsyncConnection[Any], channel_ids: Sequence[str]) -> None:
    """Until the transaction ends, no other intake judges events of these channels.

    Without it, a message and its edit recorded by two replicas at once would not see each other.
    """
    await conn.execute(LOCK_CHANNELS, {"ids": sorted(set(channel_ids))})


async def known(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> dict[MessageRef, Known]:
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(KNOWN, _keys(refs))
        return {MessageRef(c, ts): Known(v, h, p) for c, ts, v, h, p in await cur.fetchall()}


async def buried(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> set[MessageRef]:
    """Those of the messages that a person deleted."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(BURIED, _keys(refs))
        return {MessageRef(c, ts) for c, ts in await cur.fetchall()}


async def parked(
    conn: AsyncConnection[Any], refs: Sequence[MessageRef]
) -> dict[MessageRef, list[dict[str, Any]]]:
    """Edits waiting for their message, oldest first."""
    found: dict[MessageRef, list[dict[str, Any]]] = {}
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(PARKED, _keys(refs))
        for row in await cur.fetchall():
            found.setdefault(MessageRef(row["channel_id"], row["ts"]), []).append(row["event"])
    return found


def _attrs(message: Message) -> dict[str, Any]:
    sender = message.sender
    return {
        "sender": {"kind": sender.kind, "id": sender.id, "name": sender.name, "bot_id": sender.bot_id},
        "subtype": message.subtype,
        "edited": message.edited,
        "payload": message.payload,
    }


async def upsert(conn: AsyncConnection[Any], messages: Sequence[tuple[Message, bytes]]) -> None:
    """Store each message with its content hash, unless a newer version is stored already."""
    rows = [message for message, _ in messages]
    await conn.execute(
        UPSERT,
        {
            "channels": [m.channel_id for m in rows],
            "ts": [m.ts for m in rows],
            "parents": [m.parent_ts for m in rows],
            "posted": [posted_at(m.ts) for m in rows],
            "versions": [m.version for m in rows],
            "texts": [m.text for m in rows],
            "hashes": [digest for _, digest in messages],
            "attrs": [Jsonb(_attrs(m)) for m in rows],
            "words": [search_text(m.text) for m in rows],
        },
    )
    await message_vectors.changed(conn, rows)


async def delete(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> None:
    """Remove the messages and what was derived from them; their keys stay as tombstones."""
    keys = _keys(refs)
    await conn.execute(BURY, keys)
    await conn.execute(UNQUOTE, keys)
    await conn.execute(DELETE_REACTIONS, keys)
    await conn.execute(UNPARK, keys)
    await message_vectors.above_changed(conn, refs)
    await conn.execute(DELETE, keys)


async def empty(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> None:
    """Remove what was derived from messages of which only the place in their thread is left."""
    keys = _keys(refs)
    await conn.execute(UNQUOTE, keys)
    await conn.execute(DELETE_REACTIONS, keys)
    await conn.execute(DELETE_INCIDENT_EVENTS, keys)
    await message_vectors.forget(conn, refs)
    await message_vectors.above_changed(conn, refs)


async def park(
    conn: AsyncConnection[Any], edits: Sequence[tuple[MessageRef, str, Mapping[str, Any]]]
) -> None:
    """Keep edits `(message, version, event)` whose message has not arrived yet."""
    await conn.execute(
        PARK,
        {
            **_keys([ref for ref, _, _ in edits]),
            "versions": [version for _, version, _ in edits],
            "events": [Jsonb(event) for _, _, event in edits],
        },
    )


async def unpark(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> None:
    await conn.execute(UNPARK, _keys(refs))


async def react(conn: AsyncConnection[Any], changes: Sequence[ReactionChanged]) -> None:
    """Set or unset reactions; the newest event about one person's reaction wins, in any order of arrival."""
    await conn.execute(
        REACT,
        {
            "channels": [c.channel_id for c in changes],
            "ts": [c.ts for c in changes],
            "reactions": [c.reaction for c in changes],
            "users": [c.user_id for c in changes],
            "present": [c.added for c in changes],
            "versions": [c.version for c in changes],
        },
    )


async def annotate(conn: AsyncConnection[Any], ref: MessageRef, attrs: Mapping[str, Any]) -> None:
    await conn.execute(ANNOTATE, {"channel_id": ref.channel_id, "ts": ref.ts, "attrs": Jsonb(dict(attrs))})

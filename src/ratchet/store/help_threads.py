"""Threads in which people ask and answer, and the documents that stand nearest to what they wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, tuple_row

from ratchet.domain.gaps import Compared, HelpRows, HelpThread, Near, Page, ThreadMessage, Vector
from ratchet.domain.messages import MessageRef
from ratchet.store.channels import Channels
from ratchet.store.pool import Connection, Database

MAX_THREADS: Final = 500
MAX_REPLIES: Final = 30
MAX_CHARS: Final = 4_000
PAGE_CHARS: Final = 40_000
NEAR: Final = 3
# The index gives no more than ef_search rows; of a page the best part counts, and it may have several.
LIST: Final = 12

# None for `channel_ids`: every public channel. By the primary key, newest first.
CHANNELS: Final = """
select id, name from channels
where case when %(channel_ids)s::text[] is null then kind = 'public' else id = any(%(channel_ids)s) end
  and (kind = 'public' or id = %(visible_from)s)
order by id
"""
ROOTS: Final = """
select m.channel_id, m.ts, coalesce(m.attrs->'sender'->>'id', '') as author, left(m.text, %(chars)s) as text,
       (select coalesce(jsonb_object_agg(reaction, users), '{}') from (
            select reaction, jsonb_agg(user_id order by version) as users from reactions r
            where r.channel_id = m.channel_id and r.ts = m.ts and r.present group by reaction) g) as reactions
from unnest(%(channels)s::text[]) as u (channel_id)
cross join lateral (
    select * from messages m where m.channel_id = u.channel_id and m.ts >= %(since)s and m.ts < %(until)s
      and m.parent_ts is null and m.attrs->'sender'->>'kind' = 'person'
      and (m.attrs->>'subtype') is distinct from 'tombstone'
    order by m.ts desc limit %(limit)s
) m
order by m.ts desc limit %(limit)s
"""
REPLIES: Final = """
select m.channel_id, m.parent_ts, m.ts, coalesce(m.attrs->'sender'->>'id', '') as author,
       left(m.text, %(chars)s) as text,
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
VECTORS: Final = """
select v.channel_id, v.ts, v.embedding::text from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join message_vectors v on v.channel_id = u.channel_id and v.ts = u.ts
"""
WIDEN: Final = "select set_config('hnsw.ef_search', %(rows)s::text, true)"
NEAREST: Final = """
select u.channel_id, u.ts, n.source, n.path, n.heading, n.similarity
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join message_vectors v on v.channel_id = u.channel_id and v.ts = u.ts
cross join lateral (
    select c.source, c.path, c.heading, 1 - (c.embedding <=> v.embedding) as similarity from chunks c
    where c.embedding is not null order by c.embedding <=> v.embedding limit %(limit)s
) n
order by u.channel_id, u.ts, n.similarity desc
"""
PAGES: Final = """
select d.source, d.path, d.title, d.url, left(d.text, %(chars)s) as text
from unnest(%(sources)s::text[], %(paths)s::text[]) as u (source, path)
join documents d on d.source = u.source and d.path = u.path
"""
# A path alone names nothing: README.md is everywhere. Sources are few, and the key begins with them.
LINKED: Final = """
select d.source, d.path, d.title, d.url, left(d.text, %(chars)s) as text
from sources s join documents d on d.source = s.name and d.path = any(%(ends)s::text[])
where strpos(d.path, '/') > 0 or d.url = any(%(urls)s::text[])
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A message of a thread, as read."""

    channel_id: str
    ts: str
    author: str
    text: str
    reactions: dict[str, list[str]]
    parent_ts: str | None = None

    def message(self) -> ThreadMessage:
        return ThreadMessage(self.channel_id, self.ts, self.author, self.text, self.reactions)


class HelpThreads:
    """Satisfies `ratchet.tools.base.GapReader`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def help_rows(
        self,
        channel_ids: Sequence[str] | None,
        *,
        visible_from: str,
        since: datetime,
        until: datetime,
    ) -> HelpRows:
        """See the Protocol."""
        async with self._db.transaction() as conn:
            names = await _channels(conn, channel_ids, visible_from)
            values = {
                "channels": list(names),
                "since": f"{since.timestamp():.6f}",
                "until": f"{until.timestamp():.6f}",
                "limit": MAX_THREADS + 1,
                "chars": MAX_CHARS,
            }
            roots = await _rows(conn, ROOTS, values)
            threads = await _threads(conn, roots[:MAX_THREADS])
        people = {one.author for thread in threads for one in (thread.root, *thread.replies)}
        known = await Channels(self._db).names(people)
        return HelpRows(since, until, threads, names, known, cut=len(roots) > MAX_THREADS)

    async def help_thread(self, root: MessageRef) -> HelpThread | None:
        """One thread; None when its root is not recorded, or not by a person."""
        values = {
            "channels": [root.channel_id],
            "since": root.ts,
            "until": f"{root.ts}~",
            "limit": 1,
            "chars": MAX_CHARS,
        }
        async with self._db.transaction() as conn:
            threads = await _threads(conn, await _rows(conn, ROOTS, values))
        return next((thread for thread in threads if thread.root.ts == root.ts), None)

    async def compared(self, refs: Sequence[MessageRef], addresses: Sequence[str]) -> Compared:
        """See the Protocol."""
        keys = {"channels": [r.channel_id for r in refs], "ts": [r.ts for r in refs]}
        async with self._db.transaction() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(VECTORS, keys)
            vectors = {MessageRef(c, ts): _vector(text) for c, ts, text in await cur.fetchall()}
            await cur.execute(WIDEN, {"rows": str(LIST)})
            await cur.execute(NEAREST, {**keys, "limit": LIST})
            found = await cur.fetchall()
            pages = await _pages(conn, {(source, path) for _, _, source, path, _, _ in found})
            linked = await _linked(conn, addresses)
        return Compared(vectors, _near(found, pages), linked)


async def _channels(conn: Connection, channel_ids: Sequence[str] | None, visible_from: str) -> dict[str, str]:
    async with conn.cursor(row_factory=tuple_row) as cur:
        wanted = None if channel_ids is None else list(channel_ids)
        await cur.execute(CHANNELS, {"channel_ids": wanted, "visible_from": visible_from})
        return dict(await cur.fetchall())


async def _rows(conn: Connection, statement: str, values: Mapping[str, Any]) -> list[Row]:
    async with conn.cursor(row_factory=class_row(Row)) as cur:
        return await (await cur.execute(statement.encode(), values)).fetchall()


async def _threads(conn: Connection, roots: Sequence[Row]) -> list[HelpThread]:
    keys = {"channels": [row.channel_id for row in roots], "ts": [row.ts for row in roots]}
    replies: dict[tuple[str, str | None], list[ThreadMessage]] = defaultdict(list)
    for row in await _rows(conn, REPLIES, {**keys, "per_thread": MAX_REPLIES, "chars": MAX_CHARS}):
        replies[row.channel_id, row.parent_ts].append(row.message())
    return [HelpThread(row.message(), tuple(replies[row.channel_id, row.ts])) for row in roots]


async def _pages(conn: Connection, names: set[tuple[str, str]]) -> dict[tuple[str, str], Page]:
    ordered = sorted(names)
    values = {"sources": [s for s, _ in ordered], "paths": [p for _, p in ordered], "chars": PAGE_CHARS}
    async with conn.cursor(row_factory=class_row(Page)) as cur:
        found = await (await cur.execute(PAGES, values)).fetchall()
    return {(page.source, page.path): page for page in found}


async def _linked(conn: Connection, addresses: Sequence[str]) -> dict[str, Page]:
    """The documents that the addresses lead to, by address."""
    if not addresses:
        return {}
    ends = {address: _ends(address) for address in addresses}
    values = {
        "ends": sorted({end for found in ends.values() for end in found}),
        "urls": list(addresses),
        "chars": PAGE_CHARS,
    }
    async with conn.cursor(row_factory=class_row(Page)) as cur:
        pages = await (await cur.execute(LINKED, values)).fetchall()
    longest = sorted(pages, key=lambda page: len(page.path))
    return {address: page for page in longest for address in addresses if page.path in ends[address]}


def _ends(address: str) -> set[str]:
    """What may be the path of a document at the end of an address."""
    steps = address.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].split("/")
    return {"/".join(steps[start:]) for start in range(3, len(steps))}


def _near(found: Sequence[Any], pages: Mapping[tuple[str, str], Page]) -> dict[MessageRef, list[Near]]:
    near: dict[MessageRef, dict[str, Near]] = defaultdict(dict)
    for channel_id, ts, source, path, heading, similarity in found:
        page = pages.get((source, path))
        if page is not None:  # else it went away meanwhile
            near[MessageRef(channel_id, ts)].setdefault(page.id, Near(page, heading, similarity))
    return {ref: list(by_page.values())[:NEAR] for ref, by_page in near.items()}


def _vector(text: str) -> Vector:
    return tuple(map(float, text.strip("[]").split(",")))

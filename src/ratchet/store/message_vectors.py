"""Vectors of what people wrote: which messages get one, which wait for theirs, and as what they are embedded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from ratchet.domain.messages import Message, MessageRef
from ratchet.store.embeddings import Batch, Vector, vector_text
from ratchet.store.pool import Connection

WAIT: Final = """
insert into messages_to_embed (ts, channel_id)
select ts, channel_id from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
order by ts, channel_id
on conflict (ts, channel_id) do update set queued_at = excluded.queued_at
"""
# Of replies, what stands above them is embedded with them.
REPLIES: Final = """
with replies as (
    select m.channel_id, m.ts from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
    join messages m on m.channel_id = u.channel_id and m.parent_ts = u.ts
), forgotten as (
    delete from message_vectors v using replies r where v.channel_id = r.channel_id and v.ts = r.ts
    returning v.channel_id, v.ts
)
insert into messages_to_embed (ts, channel_id)
select ts, channel_id from forgotten order by ts, channel_id
on conflict (ts, channel_id) do update set queued_at = excluded.queued_at
"""
FORGET: Final = """
delete from message_vectors v using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where v.channel_id = u.channel_id and v.ts = u.ts
"""
WAITING: Final = """
select w.channel_id, w.ts, w.queued_at, m.posted_at, coalesce(m.attrs->'sender'->>'id', '') as author,
       coalesce(m.attrs->'sender'->>'kind', '') as kind, coalesce(left(m.text, %(most)s), '') as text,
       coalesce(left(r.text, %(most)s), '') as root, v.hash as known
from messages_to_embed w
left join messages m on m.channel_id = w.channel_id and m.ts = w.ts
left join messages r on r.channel_id = m.channel_id and r.ts = m.parent_ts
    and (r.attrs->'sender'->>'kind') is distinct from 'self'
left join message_vectors v on v.channel_id = w.channel_id and v.ts = w.ts
order by w.ts desc, w.channel_id desc limit %(limit)s
"""
ANY_WAITING: Final = "select exists (select from messages_to_embed)"
COUNT_WAITING: Final = "select count(*) from messages_to_embed"
# The table is empty when its column changes.
FORGET_VECTORS: Final = (
    "insert into messages_to_embed (ts, channel_id) select ts, channel_id from message_vectors on conflict do nothing",
    "truncate message_vectors",
    # With the signs go the keys and indexes that hold them.
    "alter table message_vectors drop column code",
    "alter table message_vectors drop column embedding, add column embedding halfvec({dimension}) not null",
    """
    alter table message_vectors add column code bit({dimension}) not null
        generated always as (binary_quantize(embedding)::bit({dimension})) stored
    """,
    "alter table message_vectors add primary key (channel_id, ts) include (author, code)",
    "create index message_vectors_author on message_vectors (author, ts) include (channel_id, code)",
    "create index message_vectors_code on message_vectors using hnsw (code bit_hamming_ops) with (ef_construction = 40)",
)
# A message that is deleted meanwhile either waits for this, and takes the vector with it, or is not seen.
KEEP: Final = """
with present as (
    select u.* from unnest(%(channels)s::text[], %(ts)s::text[], %(posted)s::timestamptz[], %(authors)s::text[],
                           %(hashes)s::bytea[], %(vectors)s::text[])
        as u (channel_id, ts, posted_at, author, hash, embedding)
    join messages m on m.channel_id = u.channel_id and m.ts = u.ts
    for key share of m
)
insert into message_vectors (channel_id, ts, posted_at, author, hash, embedding)
select channel_id, ts, posted_at, author, hash, embedding::halfvec from present
on conflict (channel_id, ts) do update set hash = excluded.hash, embedding = excluded.embedding
"""
SETTLE: Final = """
delete from messages_to_embed w
using unnest(%(channels)s::text[], %(ts)s::text[], %(queued)s::timestamptz[]) as u (channel_id, ts, queued_at)
where w.ts = u.ts and w.channel_id = u.channel_id and w.queued_at = u.queued_at
"""
PRUNE: Final = """
delete from messages_to_embed w
where not exists (select from messages m where m.channel_id = w.channel_id and m.ts = w.ts)
"""

# As much as the bundled model reads.
MAX_CHARS: Final = 2_000
# Of the message that a reply stands under: enough to know what it is about.
ROOT_CHARS: Final = 200
# Less says nothing by itself: "thanks!", "same here", "<@U1> :+1:".
MIN_WORDS: Final = 3
MIN_UNSPACED: Final = 8
_MARKUP: Final = re.compile(r"<[@#!][^>]*>|:[a-z0-9_+'-]+:")
_WORD: Final = re.compile(r"\w{2,}")
_UNSPACED: Final = re.compile(r"[぀-ヿ㐀-鿿가-힯]")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits. `known` is the hash of what was embedded of it before; `posted_at` None: it is gone."""

    channel_id: str
    ts: str
    queued_at: datetime
    posted_at: datetime | None
    author: str
    kind: str
    text: str
    root: str
    known: bytes | None

    @property
    def embedded_text(self) -> str:
        return embedded_text(self.text, self.root)

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.embedded_text.encode("utf-8", "replace")).digest()

    @property
    def wanted(self) -> bool:
        """Whether there is something to embed that was not embedded yet."""
        return self.posted_at is not None and worth(self.kind, self.text) and self.hash != self.known


def worth(kind: str, text: str) -> bool:
    """Whether a message of a sender of that kind is embedded.

    Programs repeat themselves: a thousand firings would stand before the one thread where somebody explains.
    """
    if kind != "person":
        return False
    said = _MARKUP.sub(" ", text[:MAX_CHARS])
    return len(_WORD.findall(said)) >= MIN_WORDS or len(_UNSPACED.findall(said)) >= MIN_UNSPACED


def embedded_text(text: str, root: str) -> str:
    """What is embedded for a message: with the beginning of the message that it stands under, if any."""
    above = " ".join(root[: 2 * ROOT_CHARS].split())[:ROOT_CHARS]
    return f"{above}\n{text[:MAX_CHARS]}" if above else text[:MAX_CHARS]


async def changed(conn: Connection, messages: Sequence[Message]) -> None:
    """The messages were stored, new or edited: those that are worth it wait, of others no vector stays."""
    worthy = {m.ref: worth(m.sender.kind, m.text) for m in messages}
    if wanted := [ref for ref, good in worthy.items() if good]:
        await conn.execute(WAIT, _keys(wanted))
    if other := [m.ref for m in messages if not worthy[m.ref] and m.sender.kind == "person"]:
        await conn.execute(FORGET, _keys(other))


async def above_changed(conn: Connection, roots: Sequence[MessageRef]) -> None:
    """The messages were edited or deleted: what stands under them is embedded anew."""
    await conn.execute(REPLIES, _keys(roots))


async def forget(conn: Connection, refs: Sequence[MessageRef]) -> None:
    """Of these nothing stays."""
    await conn.execute(FORGET, _keys(refs))


async def waiting(conn: Connection, limit: int) -> list[Waiting]:
    """The newest that wait."""
    async with conn.cursor(row_factory=class_row(Waiting)) as cur:
        return await (await cur.execute(WAITING, {"limit": limit, "most": MAX_CHARS})).fetchall()


async def any_waiting(conn: Connection) -> bool:
    row = await (await conn.execute(ANY_WAITING)).fetchone()
    return bool(row and row[0])


async def keep(conn: Connection, batch: Sequence[Waiting], vectors: Mapping[bytes, Vector]) -> None:
    """Store the vectors, by hash; what was in the batch waits no more."""
    rows = [row for row in batch if row.hash in vectors and row.posted_at is not None]
    values = {
        "channels": [row.channel_id for row in rows],
        "ts": [row.ts for row in rows],
        "posted": [row.posted_at for row in rows],
        "authors": [row.author for row in rows],
        "hashes": [row.hash for row in rows],
        "vectors": [vector_text(vectors[row.hash]) for row in rows],
    }
    gone = [MessageRef(row.channel_id, row.ts) for row in batch if not worth(row.kind, row.text)]
    if rows:
        await conn.execute(KEEP, values)
    if gone:
        await forget(conn, gone)
    await conn.execute(SETTLE, _settled(batch))


class MessageVectors:
    """Satisfies `ratchet.store.embeddings.Target`. A text that gets no vector is found by words."""

    count_waiting: Final = COUNT_WAITING
    forget: Final = FORGET_VECTORS

    async def batch(self, conn: Connection, limit: int) -> Batch | None:
        rows = await waiting(conn, limit)
        if not rows:
            return None
        texts = {row.hash: row.embedded_text for row in rows if row.wanted}

        async def kept(conn: Connection, vectors: Sequence[Vector | None]) -> int:
            made = zip(texts, vectors, strict=True)
            await keep(conn, rows, {key: vector for key, vector in made if vector is not None})
            return len(rows)

        return Batch(len(rows), list(texts.values()), kept)


def _settled(batch: Sequence[Waiting]) -> dict[str, list[object]]:
    return {
        "channels": [row.channel_id for row in batch],
        "ts": [row.ts for row in batch],
        "queued": [row.queued_at for row in batch],
    }


def _keys(refs: Sequence[MessageRef]) -> dict[str, list[str]]:
    return {"channels": [ref.channel_id for ref in refs], "ts": [ref.ts for ref in refs]}

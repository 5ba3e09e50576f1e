"""Vectors of the chunks of documents: what waits for one, and as what it is embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from ratchet.store.embeddings import Batch, Vector, vector_text
from ratchet.store.pool import Connection

# Chunks with one hash have one text.
WAITING: Final = """
select distinct on (c.hash) c.hash, d.title, c.heading, c.text
from chunks c join documents d on d.source = c.source and d.path = c.path
where c.embedding is null and not c.unembeddable order by c.hash limit %(limit)s
"""
COUNT_WAITING: Final = """
select count(distinct hash) from chunks where embedding is null and not unembeddable
"""
KEEP: Final = """
update chunks c set embedding = u.embedding::halfvec, unembeddable = u.embedding is null
from unnest(%(hashes)s::bytea[], %(vectors)s::text[]) as u (hash, embedding)
where c.hash = u.hash and c.embedding is null
"""
FORGET: Final = (
    "alter table chunks drop column embedding, drop column unembeddable,"
    " add column embedding halfvec({dimension}), add column unembeddable boolean not null default false",
    "create index chunks_embedding on chunks using hnsw (embedding halfvec_cosine_ops)",
    "create index chunks_waiting on chunks (hash) where embedding is null and not unembeddable",
    "create index chunks_without on chunks (source) where embedding is null",
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text to embed."""

    hash: bytes
    title: str
    heading: str
    text: str


def embedded_text(title: str, heading: str, text: str) -> str:
    """What is embedded for a chunk: it says of what it is a part."""
    return "\n".join(part for part in (title, heading, text) if part)


class ChunkVectors:
    """Satisfies `ratchet.store.embeddings.Target`."""

    count_waiting: Final = COUNT_WAITING
    forget: Final = FORGET

    async def batch(self, conn: Connection, limit: int) -> Batch | None:
        async with conn.cursor(row_factory=class_row(Waiting)) as cur:
            rows = await (await cur.execute(WAITING, {"limit": limit})).fetchall()
        if not rows:
            return None

        async def keep(conn: Connection, vectors: Sequence[Vector | None]) -> int:
            texts = [None if vector is None else vector_text(vector) for vector in vectors]
            values = {"hashes": [row.hash for row in rows], "vectors": texts}
            return (await conn.execute(KEEP, values)).rowcount

        return Batch(len(rows), [embedded_text(row.title, row.heading, row.text) for row in rows], keep)

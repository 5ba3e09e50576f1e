"""Embeddings: what the store needs of a model, which model is in use, what waits to be embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ratchet.store.pool import Connection, Database

SETTING: Final = "embedding"
DIMENSION: Final = 384  # of the column; another model needs a migration

# Row-locked, so that of two processes one changes the model and the other finds it changed.
KEEP_MODEL: Final = """
insert into settings (name, value) values ('embedding', %(value)s)
on conflict (name) do update set value = excluded.value, updated_at = now()
where settings.value is distinct from excluded.value
"""
FORGET_VECTORS: Final = (
    "update chunks set embedding = null where embedding is not null",
    "update alert_names set embedding = null where embedding is not null",
    "insert into messages_to_embed (ts, channel_id) select ts, channel_id from message_vectors on conflict do nothing",
    "truncate message_vectors",
)
# Chunks with one hash have one text.
WAITING: Final = """
select distinct on (c.hash) c.hash, d.title, c.heading, c.text
from chunks c join documents d on d.source = c.source and d.path = c.path
where c.embedding is null order by c.hash limit %(limit)s
"""
COUNT_WAITING: Final = """
select (select count(distinct hash) from chunks where embedding is null)
       + (select count(*) from alert_names where embedding is null and words <> '{}')
       + (select count(*) from messages_to_embed)
"""
KEEP: Final = """
update chunks c set embedding = u.embedding::halfvec
from unnest(%(hashes)s::bytea[], %(vectors)s::text[]) as u (hash, embedding)
where c.hash = u.hash and c.embedding is null
  and exists (select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s)
"""


class Embedder(Protocol):
    """A model that turns texts into unit vectors of `dimension` numbers. `model` names it and its version."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, in order. Raises Transient, TimeoutError, Misconfigured."""
        ...


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


def vector_text(vector: Sequence[float]) -> str:
    """As PostgreSQL reads a vector."""
    return f"[{','.join(format(number, '.5g') for number in vector)}]"


async def use_model(db: Database, model: str, dimension: int) -> bool:
    """Record the model; vectors of another are forgotten. Returns whether it was another."""
    async with db.transaction() as conn:
        cursor = await conn.execute(KEEP_MODEL, {"value": Jsonb({"model": model, "dimension": dimension})})
        if not cursor.rowcount:
            return False
        for statement in FORGET_VECTORS:
            await conn.execute(statement)
        return True


async def waiting(conn: Connection, limit: int) -> list[Waiting]:
    async with conn.cursor(row_factory=class_row(Waiting)) as cur:
        return await (await cur.execute(WAITING, {"limit": limit})).fetchall()


async def count_waiting(db: Database) -> int:
    async with db.connection() as conn:
        row = await (await conn.execute(COUNT_WAITING)).fetchone()
    return int(row[0]) if row else 0


async def keep(db: Database, model: str, vectors: Mapping[bytes, Sequence[float]]) -> int:
    """Store vectors by hash, unless the model was changed meanwhile. Returns how many chunks have one now."""
    values = {
        "hashes": list(vectors),
        "vectors": [vector_text(vector) for vector in vectors.values()],
        "model": model,
    }
    async with db.transaction() as conn:
        return (await conn.execute(KEEP, values)).rowcount

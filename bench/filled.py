"""A record of any size in minutes: rows by COPY, indexes afterwards. Vectors are drawn.

A million texts cannot be embedded here, so a message's vector says nothing about its text: what a search
reads is as much and as far apart as it would be, and what it finds means nothing.
"""

from __future__ import annotations

import json
import random
import struct
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bench.corpus import Corpus, history
from ratchet import alerts
from ratchet.domain.messages import Channel, posted_at
from ratchet.store.channels import Channels
from ratchet.store.embeddings import DIMENSION
from ratchet.store.message_vectors import worth
from ratchet.store.pool import Database
from ratchet.store.words import search_text

MODEL: Final = "drawn"
DAYS: Final = 700.0
PORTION: Final = 5_000
CLUSTERS: Final = 3_000
# Directions in which texts differ: much fewer than numbers in a vector, as with those of a real model.
INNER: Final = 64

STAGE: Final = """
create unlogged table staged (
    channel_id text, ts text, parent_ts text, posted_at timestamptz, text text, attrs jsonb, words text)
"""
FROM_STAGE: Final = """
insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
select channel_id, ts, parent_ts, posted_at, ts, text, '', attrs, to_tsvector('english', words) from staged
"""
COPY_STAGE: Final = "copy staged (channel_id, ts, parent_ts, posted_at, text, attrs, words) from stdin"
COPY_VECTORS: Final = """
copy message_vectors (channel_id, ts, posted_at, author, hash, embedding) from stdin (format binary)
"""
TABLES: Final = ("messages", "message_vectors")
CONSTRAINTS: Final = """
select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), contype::text from pg_constraint
where conrelid::regclass::text = any(%(tables)s) and contype in ('p', 'f')
"""
OTHER_INDEXES: Final = """
select i.indexname::text, i.indexdef from pg_indexes i
where i.tablename = any(%(tables)s)
  and not exists (select from pg_constraint c where c.conname = i.indexname)
"""
ROOMY: Final = (
    "set statement_timeout = 0",
    "set maintenance_work_mem = '2GB'",
    "set max_parallel_maintenance_workers = 2",
    "set synchronous_commit = off",
)


class Drawing(Protocol):
    """Where vectors of messages come from."""

    def draw(self, count: int, dice: Any) -> Any:
        """So many unit vectors, as rows; `dice` is a numpy generator."""
        ...


def stock(drawing: Drawing, count: int) -> Stock:
    """So many vectors, drawn beforehand."""
    return Stock(MODEL, DIMENSION, drawing.draw(count, np.random.default_rng()).tolist())


@dataclass
class Clusters:
    """Satisfies `ratchet.store.embeddings.Embedder`: drawn by the text, near a centre."""

    model: str = MODEL
    dimension: int = DIMENSION
    seed: int = 7
    basis: Any = field(init=False)
    centres: Any = field(init=False)

    def __post_init__(self) -> None:
        dice = np.random.default_rng(self.seed)
        self.basis = dice.normal(size=(INNER, DIMENSION)) / np.sqrt(INNER)
        self.centres = dice.normal(size=(CLUSTERS, INNER))

    def draw(self, count: int, dice: Any) -> Any:
        inner = self.centres[dice.integers(CLUSTERS, size=count)] + 0.8 * dice.normal(size=(count, INNER))
        vectors = inner @ self.basis + 0.1 * dice.normal(size=(count, DIMENSION))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        seeds = [random.Random(text).randrange(2**32) for text in texts]
        return [self.draw(1, np.random.default_rng(seed))[0].tolist() for seed in seeds]


@dataclass(frozen=True, slots=True)
class Stock:
    """An embedder that takes no time: whatever the text, the next of its vectors."""

    model: str
    dimension: int
    vectors: list[list[float]]

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self.vectors.pop() for _ in texts]


@dataclass(frozen=True, slots=True)
class Written:
    """One message as it is stored."""

    channel_id: str
    ts: str
    parent_ts: str | None
    text: str
    attrs: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.attrs["sender"]["kind"])


def written(corpus: Corpus, count: int) -> Iterator[Written]:
    for channel, payload in history(corpus, count, days=DAYS, until=time.time() - 3600):
        bot = "bot_id" in payload
        sender = {"kind": "bot" if bot else "person", "id": payload["bot_id"] if bot else payload["user"]}
        text = alerts.flatten(payload) if bot else payload["text"]
        attrs = {"sender": sender | {"name": "", "bot_id": payload.get("bot_id")}, "payload": payload}
        yield Written(channel, payload["ts"], payload.get("thread_ts"), text, attrs)


async def fill(db: Database, corpus: Corpus, count: int, drawing: Drawing) -> float:
    """`count` messages, those of people with vectors. Returns how many seconds the indexes took."""
    for channel in corpus.channel_ids:
        await Channels(db).upsert(Channel(channel, channel.lower()))
    async with db.connection() as conn:
        for statement in ROOMY:
            await conn.execute(statement)
        async with _without_indexes(conn) as began:
            await conn.execute(STAGE)
            await _copy(conn, corpus, count, drawing)
            await conn.execute(FROM_STAGE)
            await conn.execute("drop table staged")
            began.append(time.perf_counter())
        await conn.execute(
            "insert into settings (name, value) values ('embedding', %s)",
            [Jsonb({"model": MODEL, "dimension": DIMENSION})],
        )
        for command in ("vacuum (analyze) messages", "vacuum (analyze) message_vectors", "checkpoint"):
            await conn.execute(command)
        await conn.execute("reset all")
        return time.perf_counter() - began[0]


@asynccontextmanager
async def _without_indexes(conn: AsyncConnection[Any]) -> AsyncIterator[list[float]]:
    """Inside, the tables have neither keys nor indexes; afterwards they have them again."""
    tables = {"tables": list(TABLES)}
    constraints = await (await conn.execute(CONSTRAINTS, tables)).fetchall()
    indexes = await (await conn.execute(OTHER_INDEXES, tables)).fetchall()
    # Keys last, as others refer to them; and back first.
    keyed = sorted(constraints, key=lambda row: row[3] == "p")
    for table, name, _, kind in keyed:
        await conn.execute(f"alter table {table} drop constraint {name}{' cascade' * (kind == 'p')}".encode())
    for name, _ in indexes:
        await conn.execute(f"drop index {name}".encode())
    began: list[float] = []
    yield began
    for table, name, definition, _ in reversed(keyed):
        await conn.execute(f"alter table {table} add constraint {name} {definition}".encode())
    for _, definition in indexes:
        await conn.execute(definition.encode())


async def _copy(conn: AsyncConnection[Any], corpus: Corpus, count: int, drawing: Drawing) -> None:
    dice = np.random.default_rng(corpus.seed)
    portion: list[Written] = []
    for message in written(corpus, count):
        portion.append(message)
        if len(portion) == PORTION:
            await _store(conn, portion, drawing, dice)
            portion = []
    await _store(conn, portion, drawing, dice)


async def _store(conn: AsyncConnection[Any], portion: Sequence[Written], drawing: Drawing, dice: Any) -> None:
    async with conn.cursor() as cursor:
        async with cursor.copy(COPY_STAGE) as copy:
            for m in portion:
                attrs, words = json.dumps(m.attrs), search_text(m.text)
                row = (m.channel_id, m.ts, m.parent_ts, posted_at(m.ts), m.text, attrs, words)
                await copy.write_row(row)
        said = [m for m in portion if worth(m.kind, m.text)]
        async with cursor.copy(COPY_VECTORS) as copy:
            await copy.write(_binary(said, drawing.draw(len(said), dice)))


def _binary(said: Sequence[Written], vectors: Any) -> bytes:
    """As COPY reads it: https://www.postgresql.org/docs/current/sql-copy.html, Binary Format."""
    parts = [b"PGCOPY\n\xff\r\n\0", struct.pack(">ii", 0, 0)]
    for message, vector in zip(said, vectors.astype(">f2"), strict=True):
        micros = round((float(message.ts) - 946_684_800) * 1e6)  # since 2000
        values = (
            message.channel_id.encode(),
            message.ts.encode(),
            struct.pack(">q", micros),
            message.attrs["sender"]["id"].encode(),
            b"",
            struct.pack(">hh", DIMENSION, 0) + vector.tobytes(),
        )
        parts.append(struct.pack(">h", len(values)))
        for value in values:
            parts += (struct.pack(">i", len(value)), value)
    parts.append(struct.pack(">h", -1))
    return b"".join(parts)

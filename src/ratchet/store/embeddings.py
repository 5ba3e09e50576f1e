"""Embeddings: what the store needs of a model, which model is in use, and what every table with vectors offers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString, Protocol

import structlog
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ratchet.domain.errors import Misconfigured, RatchetError, Refused
from ratchet.store.pool import Connection, Database

log = structlog.get_logger(__name__)

SETTING: Final = "embedding"
DIMENSION: Final = 384  # of the columns in a new database; `use_model` makes them fit another
MAX_DIMENSION: Final = 4_000  # more has no index
QUESTION_S: Final = 5.0
MAX_QUESTION_CHARS: Final = 2_000

# Row-locked, so that of two processes one changes the model and the other finds it changed.
KEEP_MODEL: Final = """
insert into settings (name, value) values ('embedding', %(value)s)
on conflict (name) do update set value = excluded.value, updated_at = now()
where settings.value is distinct from excluded.value
"""
READ_MODEL: Final = """
select s.value->>'model' as model, coalesce((s.value->>'dimension')::int, 0) as dimension
from settings s where s.name = 'embedding'
"""
# Who changes the model waits until the vectors of this one are stored, and then forgets them too.
HOLD_MODEL: Final = """
select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s for share
"""
# Searches wait behind the change while it waits for its lock: better to come back than to hold them up.
PATIENCE: Final = "set local lock_timeout = '2s'"

Vector = Sequence[float]


class Embedder(Protocol):
    """A model that turns texts into unit vectors. `model` names it and its version.

    `dimension`: how many numbers a vector has; 0 while nobody knows, before the first vector.
    """

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector a text, in order. Raises Transient, TimeoutError, Misconfigured.

        Raises Refused when one of the texts is not embedded, and never will be.
        """
        ...


async def question_vector(embedder: Embedder | None, question: str) -> Vector | None:
    """None where there is nothing to embed, or nobody does in time: the words' list answers alone."""
    if embedder is None or not any(character.isalnum() for character in question):
        return None
    try:
        async with asyncio.timeout(QUESTION_S):
            return (await embedder.embed([question[:MAX_QUESTION_CHARS]]))[0]
    except Refused:
        return None  # what it is written in is not the model's
    except (RatchetError, TimeoutError) as error:
        log.warning("query_not_embedded", reason=str(error) or "no answer in time")
        return None


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that wait. `keep` stores their vectors, in order; None for a text that gets none.

    `size`: of what was taken, which may be more than the texts. `keep` returns how much waits no more.
    """

    size: int
    texts: Sequence[str]
    keep: Callable[[Connection, Sequence[Vector | None]], Awaitable[int]]


class Target(Protocol):
    """A table whose rows get vectors. The ordered list of them is `ratchet.store.vector_tables`."""

    @property
    def count_waiting(self) -> LiteralString:
        """A query for how many texts wait."""
        ...

    @property
    def forget(self) -> Sequence[LiteralString]:
        """Statements after which everything waits and the column is one of `{dimension}` numbers.

        The column is dropped and added: to rewrite the table would hold its lock for long.
        """
        ...

    async def batch(self, conn: Connection, limit: int) -> Batch | None:
        """None when nothing waits."""
        ...


@dataclass(frozen=True, slots=True)
class InUse:
    """The model that made the vectors."""

    model: str
    dimension: int


@dataclass(frozen=True, slots=True)
class EmbeddingStatus:
    """`in_use` None: nothing was embedded yet. `waiting`: texts that are found by words only until they are."""

    in_use: InUse | None
    waiting: int


def vector_text(vector: Vector) -> str:
    """As PostgreSQL reads a vector."""
    return f"[{','.join(format(number, '.5g') for number in vector)}]"


async def in_use(db: Database) -> InUse | None:
    async with db.connection() as conn, conn.cursor(row_factory=class_row(InUse)) as cur:
        return await (await cur.execute(READ_MODEL)).fetchone()


async def use_model(db: Database, model: str, dimension: int, targets: Sequence[Target]) -> bool:
    """Record the model; vectors of another are forgotten, and the columns fit. Returns whether it was another.

    Raises Misconfigured for a model with more numbers than an index holds, Transient when the tables are busy.
    """
    if dimension > MAX_DIMENSION:
        raise Misconfigured(
            f"The embedding model {model} gives {dimension} numbers; the index holds {MAX_DIMENSION} at most."
            " Set RATCHET_OPENAI_EMBEDDING_MODEL to a smaller one."
        )
    async with db.transaction() as conn:
        cursor = await conn.execute(KEEP_MODEL, {"value": Jsonb({"model": model, "dimension": dimension})})
        if not cursor.rowcount:
            return False
        await conn.execute(PATIENCE)
        for statement in (each for target in targets for each in target.forget):
            await conn.execute(sql.SQL(statement).format(dimension=sql.Literal(dimension)))
        return True


async def hold_model(conn: Connection, model: str) -> bool:
    """Whether the model is in use; then it stays so until the transaction ends. To be asked before any table."""
    return await (await conn.execute(HOLD_MODEL, {"model": model})).fetchone() is not None


async def status(db: Database, targets: Sequence[Target]) -> EmbeddingStatus:
    return EmbeddingStatus(await in_use(db), await count_waiting(db, targets))


async def count_waiting(db: Database, targets: Sequence[Target]) -> int:
    """How many texts have no vector yet."""
    total = 0
    async with db.connection() as conn:
        for target in targets:
            row: Any = await (await conn.execute(target.count_waiting)).fetchone()
            total += int(row[0])
    return total

"""Gives embeddings to what has none, in the background: words find it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ratchet.domain.errors import Misconfigured, Refused
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Periodic, Priority, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.work import EmbedJob
from ratchet.store import embeddings, message_vectors
from ratchet.store.embeddings import Embedder, Target, Vector
from ratchet.store.pool import Database
from ratchet.store.vector_tables import VECTOR_TABLES

log = structlog.get_logger(__name__)

BATCH: Final = 64
# Then the job makes room for others, and goes on.
RUN_S: Final = 120.0
# While another process has the say over the model.
YIELD_S: Final = 30.0
# Between two lines of the log that say how far it is.
TOLD_S: Final = 60.0
# Embedded when nobody knows yet how long a model's vectors are.
PROBE: Final = "how long is a vector"


def embed_job() -> NewJob:
    return NewJob(EmbedJob(), Priority.BACKFILL, unique="embed", rerun=True)


def embed_messages(db: Database, queue: Queue) -> Periodic:
    """Every minute, and not with every message: so that they are embedded many at a time."""

    async def run() -> None:
        async with db.transaction() as conn:
            if await message_vectors.any_waiting(conn):
                await queue.put(conn, [embed_job()])

    return Periodic("embed", "* * * * *", run)


async def start_embedding(db: Database, queue: Queue) -> None:
    """At every start: the model may be another than before."""
    async with db.transaction() as conn:
        await queue.put(conn, [embed_job()])


class AnotherModel(Misconfigured):
    """Another process embeds with another model."""


@dataclass(slots=True)
class Claim:
    """What this process did to the model in use: it changes it once, so that two processes do not fight.

    `told`: the model of another process that the log has spoken of.
    """

    made: str | None = None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """`embedder` None: nothing is embedded, and search is by words. `clock` gives seconds, from any start."""

    db: Database
    embedder: Embedder | None
    clock: Callable[[], float] = time.monotonic
    targets: Sequence[Target] = VECTOR_TABLES
    claim: Claim = field(default_factory=Claim)

    async def run(self, _: EmbedJob, __: JobContext) -> Outcome:
        if self.embedder is None:
            return Cancel("no embedding model")
        try:
            done = await self.work(self.embedder, self.clock() + RUN_S)
        except AnotherModel as error:
            return Snooze(YIELD_S, str(error))
        except Misconfigured as error:
            log.warning("not_embedded", reason=str(error))
            return Cancel(str(error))
        return Done() if done else Snooze(0.1, "more to embed")

    async def work(
        self, embedder: Embedder, until: float, progress: Callable[[int], None] | None = None
    ) -> bool:
        """Embed batch after batch; `progress` gets the size of each. Returns whether nothing is left.

        Raises AnotherModel when another process has changed the model since this one did.
        """
        await self.use(embedder)
        told = self.clock()
        for target in self.targets:
            while True:
                if self.clock() >= until:
                    return False
                size, kept = await self._batch(target, embedder)
                if not size:
                    break
                if not kept:
                    return False  # another process changed the model, or what was embedded went away
                if progress is not None:
                    progress(size)
                told = await self._tell(told)
        return True

    async def use(self, embedder: Embedder) -> None:
        """Make the model the one in use, at the first time; afterwards see that it still is.

        Raises AnotherModel, and what the model raises.
        """
        dimension = embedder.dimension or len((await embedder.embed([PROBE]))[0])
        key = f"{embedder.model} {dimension}"
        if self.claim.made != key:
            if await embeddings.use_model(self.db, embedder.model, dimension, self.targets):
                log.info("embedding_model", model=embedder.model, dimension=dimension)
            self.claim.made = key
            return
        used = await embeddings.in_use(self.db)
        if used is None or (used.model, used.dimension) == (embedder.model, dimension):
            return
        problem = (
            f"Another process embeds with {used.model}, this one is set to {embedder.model}."
            " It embeds nothing, and searches by words."
            " Give all processes the same RATCHET_OPENAI_EMBEDDING_MODEL."
        )
        if self.claim.told != used.model:
            self.claim.told = used.model
            log.warning("another_embedding_model", in_use=used.model, own=embedder.model, remedy=problem)
        raise AnotherModel(problem)

    async def _batch(self, target: Target, embedder: Embedder) -> tuple[int, int]:
        """Embed what waits first. Returns how much was taken, and how much of it waits no more."""
        async with self.db.connection() as conn:
            batch = await target.batch(conn, BATCH)
        if batch is None:
            return 0, 0
        vectors = await _vectors(embedder, batch.texts) if batch.texts else []
        async with self.db.transaction() as conn:
            if not await embeddings.hold_model(conn, embedder.model):
                return batch.size, 0
            return batch.size, await batch.keep(conn, vectors)

    async def _tell(self, told: float) -> float:
        """Say how far it is, once a minute. Returns when it was said last."""
        if self.clock() - told < TOLD_S:
            return told
        log.info("embedding", waiting=await embeddings.count_waiting(self.db, self.targets))
        return self.clock()


async def _vectors(embedder: Embedder, texts: Sequence[str]) -> list[Vector | None]:
    """One a text; None for one that is refused, which is found by halving."""
    try:
        return list(await embedder.embed(texts))
    except Refused as refused:
        if len(texts) == 1:
            log.warning("text_not_embedded", reason=str(refused))
            return [None]
    half = len(texts) // 2
    return [*await _vectors(embedder, texts[:half]), *await _vectors(embedder, texts[half:])]

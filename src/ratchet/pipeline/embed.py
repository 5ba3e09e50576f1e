"""Gives embeddings to what has none, in the background: words find it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.domain.errors import Misconfigured
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Periodic, Priority, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.work import EmbedJob
from ratchet.store import embeddings, message_vectors, similar
from ratchet.store.embeddings import Embedder
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

BATCH: Final = 64
# Then the job makes room for others, and goes on.
RUN_S: Final = 120.0


def embed_job() -> NewJob:
    return NewJob(EmbedJob(), Priority.BACKFILL, unique="embed", rerun=True)


def embed_messages(db: Database, queue: Queue) -> Periodic:
    """Every minute, and not with every message: so that they are embedded many at a time."""

    async def run() -> None:
        async with db.transaction() as conn:
            if await message_vectors.any_waiting(conn):
                await queue.put(conn, [embed_job()])

    return Periodic("embed", "* * * * *", run)


@dataclass(frozen=True, slots=True)
class Embed:
    """`embedder` None: nothing is embedded, and search is by words."""

    db: Database
    embedder: Embedder | None
    clock: Callable[[], float] = time.monotonic

    async def run(self, _: EmbedJob, __: JobContext) -> Outcome:
        if self.embedder is None:
            return Cancel("no embedding model")
        try:
            done = await self.work(self.embedder, self.clock() + RUN_S)
        except Misconfigured as error:
            log.warning("not_embedded", reason=str(error))
            return Cancel(str(error))
        return Done() if done else Snooze(0.1, "more to embed")

    async def work(
        self, embedder: Embedder, until: float, progress: Callable[[int], None] | None = None
    ) -> bool:
        """Embed batch after batch; `progress` gets the size of each. Returns whether nothing is left."""
        if embedder.dimension != embeddings.DIMENSION:
            raise Misconfigured(
                f"The embedding model {embedder.model} gives {embedder.dimension} numbers;"
                f" the database holds {embeddings.DIMENSION}."
            )
        if await embeddings.use_model(self.db, embedder.model, embedder.dimension):
            log.info("embedding_model", model=embedder.model, dimension=embedder.dimension)
        # The names first: they are few and short, and the next alert may ask for them.
        for embed_batch in (self._names, self._chunks, self._messages):
            while True:
                if self.clock() >= until:
                    return False
                size, kept = await embed_batch(embedder)
                if not size:
                    break
                if not kept:
                    return False  # another process changed the model, or what was embedded went away
                if progress is not None:
                    progress(size)
        return True

    async def _names(self, embedder: Embedder) -> tuple[int, int]:
        """Embed a batch of names of alerts. Returns how many, and how many were kept."""
        async with self.db.connection() as conn:
            batch = await similar.waiting(conn, BATCH)
        if not batch:
            return 0, 0
        vectors = await embedder.embed([similar.spoken(alert) for alert in batch])
        kept = await similar.keep(self.db, embedder.model, dict(zip(batch, vectors, strict=True)))
        return len(batch), kept

    async def _chunks(self, embedder: Embedder) -> tuple[int, int]:
        """Embed a batch of chunks. Returns how many texts, and how many chunks have one now."""
        async with self.db.connection() as conn:
            batch = await embeddings.waiting(conn, BATCH)
        if not batch:
            return 0, 0
        texts = [embeddings.embedded_text(row.title, row.heading, row.text) for row in batch]
        vectors = await embedder.embed(texts)
        by_hash = {row.hash: vector for row, vector in zip(batch, vectors, strict=True)}
        return len(batch), await embeddings.keep(self.db, embedder.model, by_hash)

    async def _messages(self, embedder: Embedder) -> tuple[int, int]:
        """Embed a batch of messages, the newest first. Returns how many, and whether they wait no more."""
        async with self.db.connection() as conn:
            batch = await message_vectors.waiting(conn, BATCH)
        if not batch:
            return 0, 0
        texts = {row.hash: row.embedded_text for row in batch if row.wanted}
        vectors = await embedder.embed(list(texts.values())) if texts else []
        by_hash = dict(zip(texts, vectors, strict=True))
        return len(batch), await message_vectors.keep(self.db, embedder.model, batch, by_hash)

"""Gives embeddings to chunks that have none, in the background: search finds them by words meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.domain.errors import Misconfigured
from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Priority, Snooze
from ratchet.pipeline.work import EmbedJob
from ratchet.store import embeddings
from ratchet.store.embeddings import Embedder
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

BATCH: Final = 64
# Then the job makes room for others, and goes on.
RUN_S: Final = 120.0


def embed_job() -> NewJob:
    return NewJob(EmbedJob(), Priority.BACKFILL, unique="embed", rerun=True)


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
        while self.clock() < until:
            async with self.db.connection() as conn:
                batch = await embeddings.waiting(conn, BATCH)
            if not batch:
                return True
            texts = [embeddings.embedded_text(row.title, row.heading, row.text) for row in batch]
            vectors = await embedder.embed(texts)
            kept = await embeddings.keep(
                self.db, embedder.model, {row.hash: v for row, v in zip(batch, vectors, strict=True)}
            )
            if not kept:
                return False  # another process changed the model, or the documents went away
            if progress is not None:
                progress(len(batch))
        return False

"""What `ratchet model check` and `ratchet docs` say about the embedding model."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ratchet.app import open_store
from ratchet.app.embedding import Embedding, open_embedding
from ratchet.domain.errors import RatchetError
from ratchet.settings import Settings
from ratchet.store import embeddings
from ratchet.store.embeddings import EmbeddingStatus, InUse
from ratchet.store.vector_tables import VECTOR_TABLES


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """The configured model, and what the database knows. `waiting` None: no database yet, or it is away.

    `dimension` 0 and `seconds` None when it does not work; `problem` says why.
    """

    model: str
    place: str
    ok: bool
    dimension: int
    seconds: float | None
    problem: str
    in_use: InUse | None
    waiting: int | None


async def check_embedding(settings: Settings) -> EmbeddingReport:
    """Embed one text, and look into the database."""
    async with open_embedding(settings, None) as embedding:
        dimension, seconds, problem = await _tried(embedding)
        status = await _status(settings)
    return EmbeddingReport(
        embedding.texts.model,
        embedding.place,
        not problem,
        dimension,
        seconds,
        problem,
        status.in_use if status else None,
        status.waiting if status else None,
    )


def said(report: EmbeddingReport) -> str:
    """In words, for a terminal."""
    where = f"Embedding model: {report.model}, {report.place}"
    if not report.ok:
        return f"{where}: does not work, search is by words. {report.problem}"
    line = f"{where}: works, {report.dimension} dimensions, {report.seconds:.2f} s"
    return f"{line}. {state(report.model, report.in_use, report.waiting)}".rstrip()


def state(model: str, in_use: InUse | None, waiting: int | None) -> str:
    """What the database holds, beside the configured model."""
    waits = "" if waiting is None else f"{waiting:,} texts wait to be embedded."
    if in_use is None or in_use.model == model:
        return waits
    return f"The stored vectors are of {in_use.model}; they are made anew when Ratchet runs. {waits}"


async def _tried(embedding: Embedding) -> tuple[int, float | None, str]:
    """Dimension, seconds, and what went wrong."""
    began = time.monotonic()
    try:
        (vector,) = await embedding.texts.embed(["ready"])
    except (RatchetError, TimeoutError) as error:
        return 0, None, str(error) or "It gave no vector in time."
    return len(vector), round(time.monotonic() - began, 3), ""


async def _status(settings: Settings) -> EmbeddingStatus | None:
    """None where there is no database yet: a check does not make one."""
    if settings.database.embedded and not (settings.data_dir / "postgres").exists():
        return None
    try:
        async with open_store(settings) as store:
            return await embeddings.status(store.db, VECTOR_TABLES)
    except RatchetError:
        return None

"""A directory of documents, what reads it, and an embedding model that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.rows import tuple_row

from ratchet.documents.directory import Directory
from ratchet.jobs.base import JobContext, Outcome
from ratchet.jobs.queue import Queue
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh, Refreshed
from ratchet.pipeline.work import EmbedJob
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents, SourceStatus
from ratchet.store.pool import Database

CONTEXT = JobContext(1, "test", 0)


@dataclass
class Counting:
    """Vectors from the letters of a text; remembers what it was asked for, call by call."""

    model: str = "letters"
    dimension: int = 384
    calls: list[list[str]] = field(default_factory=list)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.calls.append(list(texts))
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        digest = hashlib.sha256(text.encode()).digest() * (self.dimension // 32 + 1)
        return [byte / 255 for byte in digest[: self.dimension]]

    @property
    def texts(self) -> list[str]:
        return [text for call in self.calls for text in call]


@dataclass
class Library:
    """One source, `docs`, in `root`."""

    db: Database
    root: Path
    embedder: Counting = field(default_factory=Counting)

    @property
    def refresher(self) -> Refresh:
        return Refresh(self.db, Queue(self.db.connection), [Directory("docs", self.root)], lambda: 0.5)

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    async def refresh(self) -> Refreshed:
        return await self.refresher.refresh("docs")

    async def embed(self) -> Outcome:
        return await Embed(self.db, self.embedder).run(EmbedJob(), CONTEXT)

    @property
    def search(self) -> DocumentSearch:
        return DocumentSearch(self.db)

    async def status(self) -> SourceStatus:
        (found,) = await Documents(self.db).status()
        return found

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with self.db.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            return await (await cursor.execute(query.encode(), values)).fetchall()

"""`embed`: texts a second of the bundled model, and its share of a first indexing of pages."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.report import Report
from ratchet.documents.directory import Directory
from ratchet.jobs import schema
from ratchet.jobs.queue import Queue
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.embeddings import Embedder, Vector
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database

BATCHES: Final = (1, 8, 32, 64, 128)
SECTIONS: Final = 4
WORDS: Final = 120
TERMS: Final = [
    "alert",
    "restart",
    "service",
    "disk",
    "queue",
    "pod",
    "node",
    "cluster",
    "replica",
    "dashboard",
    "latency",
    "memory",
    "page",
    "runbook",
    "check",
    "the",
    "and",
    "when",
    "it",
    "is",
    "full",
    "slow",
    "again",
    "after",
    "deploy",
    "config",
    "region",
    "database",
    "backup",
    "certificate",
    "expires",
    "kubectl",
    "logs",
    "rollout",
    "scale",
    "limit",
    "quota",
    "token",
    "network",
    "timeout",
    "retry",
    "error",
    "rate",
    "owner",
    "team",
    "on-call",
    "escalate",
]


@dataclass(slots=True)
class Timed:
    """The same model, with the time that it took."""

    inner: Embedder
    seconds: float = 0.0
    texts: int = 0

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        began = time.perf_counter()
        vectors = await self.inner.embed(texts)
        self.seconds += time.perf_counter() - began
        self.texts += len(texts)
        return vectors


async def run(directory: Path, *, quick: bool) -> Report:
    pages = 40 if quick else 1_000
    report = Report("embed", f"the bundled model, and first indexing of {pages:,} pages")
    embedder = LocalEmbedder()
    try:
        await _speeds(report, embedder, quick=quick)
        _write(directory / "pages", pages)
        async with EmbeddedServer.start(directory / "postgres") as server:
            await migrate(server.conninfo)
            await schema.install(server.conninfo)
            async with open_database(server.conninfo) as db:
                await _indexing(report, db, embedder, directory / "pages")
    finally:
        embedder.close()
    return report


async def _speeds(report: Report, embedder: LocalEmbedder, *, quick: bool) -> None:
    """Chat messages and chunks, so many at a time."""
    chance = random.Random(5)
    await embedder.embed(["loads the model"])
    for name, words, count in (("messages", 15, 512), ("chunks", WORDS, 128)):
        texts = [_words(chance, words) for _ in range(count // 4 if quick else count)]
        for batch in BATCHES:
            began = time.perf_counter()
            for start in range(0, len(texts), batch):
                await embedder.embed(texts[start : start + batch])
            report.add(f"{name} · {batch} at a time", len(texts) / (time.perf_counter() - began), "/s")


async def _indexing(report: Report, db: Database, embedder: LocalEmbedder, pages: Path) -> None:
    timed = Timed(embedder)
    refresh = Refresh(db, Queue(db.connection), [Directory("pages", pages)])
    began = time.perf_counter()
    read = await refresh.refresh("pages")
    reading = time.perf_counter() - began
    await Embed(db, timed).work(timed, math.inf)
    total = time.perf_counter() - began
    report.add("first indexing · pages", read.read / total, "/s")
    report.add("first indexing · chunks", timed.texts, "")
    report.add("first indexing · whole", total, "s")
    report.add("first indexing · reading and words", reading, "s")
    report.add("first indexing · embedding", timed.seconds, "s")
    report.add("first indexing · storing vectors", total - reading - timed.seconds, "s")
    report.above("first indexing · share of embedding", 100 * timed.seconds / total, "%", 50)
    report.note("Pages are found by words as soon as they are read; vectors follow in the background.")


def _write(directory: Path, pages: int) -> None:
    chance = random.Random(7)
    directory.mkdir(parents=True)
    for page in range(pages):
        sections = [f"## Step {n}\n\n{_words(chance, WORDS)}." for n in range(SECTIONS)]
        text = "\n\n".join([f"# Page {page}", *sections])
        (directory / f"page-{page}.md").write_text(text + "\n", encoding="utf-8")


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(TERMS, k=count))

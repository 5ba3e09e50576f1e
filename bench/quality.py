"""`quality`: is the right document found? nDCG@10 on a labelled set beside plain BM25, and what it costs.

The labels know one or two right answers a question: compare the columns of one run, not against other days.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Final, TypeVar

from bench.report import Report
from ratchet.documents.base import File
from ratchet.documents.parse import document
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.embed import Embed
from ratchet.store import embeddings
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.embeddings import Embedder
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database
from ratchet.store.vector_tables import VECTOR_TABLES

SETS: Final = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "retrieval"
TOP: Final = 10
SOURCE: Final = "set"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is the alert's, "" where the set has none; `answers` are the ids of the right documents."""

    text: str
    name: str
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Documents by id, as title and text."""

    documents: dict[str, tuple[str, str]]
    questions: list[Question]


def load(name: str, *, documents: int | None = None, questions: int | None = None) -> Labelled:
    """A set; of a part of it, every n-th question, the documents that answer these, and every n-th other."""
    folder = SETS / name
    dev = "dev." if (folder / "queries.dev.jsonl").is_file() else ""
    answers: dict[str, set[str]] = defaultdict(set)
    for line in (folder / f"qrels.{dev}tsv").read_text("utf-8").splitlines()[1:]:
        question, text, _ = line.split("\t")
        answers[question].add(text)
    rows = [json.loads(line) for line in (folder / f"queries.{dev}jsonl").read_text("utf-8").splitlines()]
    asked = [
        Question(r["text"], r.get("alert", ""), frozenset(answers[r["id"]]))
        for r in rows
        if r["id"] in answers
    ]
    asked = _thinned(asked, questions)
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        corpus = {row["id"]: (row["title"], row["text"]) for row in map(json.loads, lines)}
    wanted = {text for question in asked for text in question.answers}
    others = _thinned(
        [key for key in corpus if key not in wanted], documents and max(0, documents - len(wanted))
    )
    kept = wanted | set(others)
    return Labelled({key: value for key, value in corpus.items() if key in kept}, asked)


def _thinned(found: list[T], count: int | None) -> list[T]:
    if count is None or len(found) <= count:
        return found
    return [found[at * len(found) // count] for at in range(count)]


def ndcg(found: Sequence[str], right: Iterable[str]) -> float:
    """Of the first ten, each right one worth the same."""
    wanted = set(right)
    gain = sum(1 / math.log2(rank + 2) for rank, key in enumerate(found[:TOP]) if key in wanted)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(TOP, len(wanted))))


class Bm25:
    """k1 .9, b .4, lower-case words."""

    def __init__(self, labelled: Labelled) -> None:
        self._postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._lengths: dict[str, int] = {}
        for key, (title, text) in labelled.documents.items():
            words = Counter(_words(f"{title}\n{text}"))
            self._lengths[key] = sum(words.values())
            for word, count in words.items():
                self._postings[word].append((key, count))
        self._average = mean(self._lengths.values())

    def top(self, question: str) -> list[str]:
        scores: dict[str, float] = defaultdict(float)
        for word in set(_words(question)):
            found = self._postings.get(word, [])
            idf = math.log1p((len(self._lengths) - len(found) + 0.5) / (len(found) + 0.5))
            for key, count in found:
                norm = 0.9 * (0.6 + 0.4 * self._lengths[key] / self._average)
                scores[key] += idf * count * 1.9 / (count + norm)
        return sorted(scores, key=lambda key: -scores[key])[:TOP]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


async def index(db: Database, labelled: Labelled) -> None:
    """Each document as a Markdown file of one source, as a team would have it."""
    documents = Documents(db)
    await documents.begin(SOURCE, "directory")
    for key, (title, text) in labelled.documents.items():
        whole = f"---\ntitle: {json.dumps(title)}\n---\n{text}"
        await documents.put(SOURCE, document(File(f"{key}.md", "1", whole)))
    await documents.analyze()


async def embed(db: Database, embedder: Embedder) -> None:
    await Embed(db, embedder).work(embedder, math.inf)


@dataclass(frozen=True, slots=True)
class Columns:
    """Mean nDCG@10. `step`: as a runbook asks, the document named for the alert first, then the search."""

    bm25: float
    words: float
    meaning: float
    hybrid: float
    step: float
    hybrid_ms: float


async def columns(
    db: Database, embedder: Embedder, bm25: Bm25, asked: Sequence[tuple[str, Question]]
) -> Columns:
    """For questions in the form in which they are asked."""
    hybrid, words = DocumentSearch(db, embedder), DocumentSearch(db)
    found: dict[str, list[float]] = defaultdict(list)
    for text, question in asked:
        right = question.answers
        found["bm25"].append(ndcg(bm25.top(text), right))
        found["words"].append(ndcg(await _paths(words, text), right))
        found["meaning"].append(ndcg(await _by_meaning(db, embedder, text), right))
        began = time.perf_counter()
        both = await _paths(hybrid, text)
        found["hybrid_ms"].append((time.perf_counter() - began) * 1e3)
        found["hybrid"].append(ndcg(both, right))
        named = await hybrid.naming(question.name)
        first = [named.path.removesuffix(".md")] if named else []
        found["step"].append(ndcg([*first, *(path for path in both if path not in first)], right))
    slow = median(found.pop("hybrid_ms"))
    return Columns(**{name: mean(values) for name, values in found.items()}, hybrid_ms=slow)


async def _paths(search: DocumentSearch, text: str) -> list[str]:
    return [hit.path.removesuffix(".md") for hit in await search.find(text, TOP)]


NEAREST: Final = """
select path from chunks where embedding is not null
group by path order by min(embedding <=> %(vector)s::halfvec) limit 10
"""


async def _by_meaning(db: Database, embedder: Embedder, text: str) -> list[str]:
    """The vectors alone, exact."""
    (vector,) = await embedder.embed([text])
    async with db.connection() as conn:
        rows = await (await conn.execute(NEAREST, {"vector": embeddings.vector_text(vector)})).fetchall()
    return [str(path).removesuffix(".md") for (path,) in rows]


@asynccontextmanager
async def library(directory: Path) -> AsyncIterator[Database]:
    async with EmbeddedServer.start(directory / "postgres") as server:
        await migrate(server.conninfo)
        async with open_database(server.conninfo) as db:
            yield db


async def run(directory: Path, *, quick: bool) -> Report:
    report = Report("quality", "documents found, mean nDCG@10" + (", a part of the set" if quick else ""))
    if not SETS.is_dir():
        report.note(f"skipped: needs the labelled sets in {SETS}")
        return report
    embedder = LocalEmbedder()
    try:
        async with library(directory) as db:
            await _alerts(report, db, embedder, quick=quick)
    finally:
        embedder.close()
    return report


async def _alerts(report: Report, db: Database, embedder: LocalEmbedder, *, quick: bool) -> None:
    labelled = load("alert2runbook", documents=120 if quick else None, questions=40 if quick else None)
    await index(db, labelled)
    chunks = await embeddings.count_waiting(db, VECTOR_TABLES)
    began, cpu = time.perf_counter(), time.process_time()
    await embed(db, embedder)
    report.add("embedding · CPU per chunk", (time.process_time() - cpu) / chunks * 1e3, "ms")
    report.add("embedding · chunks", chunks / (time.perf_counter() - began), "/s")
    bm25 = Bm25(labelled)
    for label, asked in (
        ("alert text", [(question.text, question) for question in labelled.questions]),
        ("alert name", [(question.name, question) for question in labelled.questions]),
    ):
        found = await columns(db, embedder, bm25, asked)
        report.add(f"{label} · BM25", found.bm25, "nDCG")
        report.add(f"{label} · by words", found.words, "nDCG")
        report.add(f"{label} · by meaning", found.meaning, "nDCG")
        if label == "alert text":
            report.above(f"{label} · hybrid", found.hybrid, "nDCG", 1.12 * found.bm25)
        else:
            report.add(f"{label} · hybrid", found.hybrid, "nDCG")
            report.above(f"{label} · named, then hybrid", found.step, "nDCG", 0.8)
        report.add(f"{label} · hybrid, median", found.hybrid_ms, "ms")
    report.note(
        f"{len(labelled.documents)} documents, {chunks} chunks, {len(labelled.questions)} questions;"
        " the alert's name is not in its text; BM25 has k1 .9, b .4"
    )

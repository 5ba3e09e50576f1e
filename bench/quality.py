"""`quality`: is the right thing found? nDCG@10 on labelled sets, beside BM25 and beside each half alone.

The labels know one or two right answers a question: compare the columns of one run, not against other days.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from bench.kept import Kept
from bench.report import OUT, Report
from ratchet.documents.directory import Directory
from ratchet.domain.messages import Channel, Message, Sender
from ratchet.jobs.queue import Queue
from ratchet.jobs.schema import install
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh
from ratchet.store import embeddings, messages
from ratchet.store.channels import Channels
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.embeddings import Embedder
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database, open_database
from ratchet.store.search import Search

SETS: Final = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "retrieval"
TOP: Final = 10
SOURCE: Final = "set"
CHANNEL: Final = "C0SET"
SPEAKER: Final = re.compile(r"^(U[0-9A-F]{9}): ", re.MULTILINE)
MAX_SAID: Final = 999
Ask = Callable[[str], Awaitable[list[str]]]

NEAREST_DOCUMENTS: Final = """
select path from chunks where embedding is not null
group by path order by min(embedding <=> %(vector)s::halfvec) limit 10
"""
DOCUMENTS_OF_ALL_TERMS: Final = """
select path from chunks, plainto_tsquery('english', %(query)s) q where fts @@ q
group by path order by max(ts_rank(fts, q)) desc limit 10
"""
NEAREST_THREADS: Final = """
select coalesce(m.parent_ts, m.ts) from message_vectors v join messages m using (channel_id, ts)
group by 1 order by min(v.embedding <=> %(vector)s::halfvec) limit 10
"""
THREADS_OF_ALL_TERMS: Final = """
select coalesce(m.parent_ts, m.ts) from messages m, plainto_tsquery('english', %(query)s) q where m.fts @@ q
group by 1 order by max(ts_rank(m.fts, q)) desc limit 10
"""
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
    """Each document as a Markdown file of a directory, which is read as a team's would be."""
    with TemporaryDirectory(prefix="ratchet-set-") as folder:
        _write(labelled, Path(folder))
        read = await Refresh(db, Queue(db.connection), [Directory(SOURCE, Path(folder))]).refresh(SOURCE)
    if read.problems or read.read != len(labelled.documents):
        raise RuntimeError(
            f"{read.read} of {len(labelled.documents)} documents were read: {read.problems[:3]}"
        )
    await Documents(db).analyze()


def _write(labelled: Labelled, folder: Path) -> None:
    for key, (title, text) in labelled.documents.items():
        file = folder / f"{key}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\ntitle: {json.dumps(title)}\n---\n{text}", "utf-8")


@dataclass(frozen=True, slots=True)
class Indexed:
    """A set in the database: how each way of searching lists the ids of what it finds, best first."""

    name: str
    labelled: Labelled
    words: Ask
    meaning: Ask
    all_terms: Ask
    hybrid: Ask


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean nDCG@10. `plain`: reciprocal ranks (k=1) of full text with all terms and of vectors."""

    bm25: float
    words: float
    meaning: float
    plain: float
    hybrid: float


async def documents(db: Database, embedder: Embedder, name: str, labelled: Labelled) -> Indexed:
    """The set as documents."""
    await index(db, labelled)
    await Embed(db, embedder).work(embedder, math.inf)
    hybrid, words = DocumentSearch(db, embedder), DocumentSearch(db)

    async def by_meaning(text: str) -> list[str]:
        (vector,) = await embedder.embed([text])
        return _ids(await _rows(db, NEAREST_DOCUMENTS, {"vector": embeddings.vector_text(vector)}))

    async def by_all_terms(text: str) -> list[str]:
        return _ids(await _rows(db, DOCUMENTS_OF_ALL_TERMS, {"query": text}))

    async def by_words(text: str) -> list[str]:
        return _ids((hit.path,) for hit in await words.find(text, TOP))

    async def by_both(text: str) -> list[str]:
        return _ids((hit.path,) for hit in await hybrid.find(text, TOP))

    return Indexed(name, labelled, by_words, by_meaning, by_all_terms, by_both)


async def threads(db: Database, embedder: Embedder, name: str, labelled: Labelled) -> Indexed:
    """The set as threads of messages; each was opened by its title and first message."""
    ids = await record(db, labelled)
    await Embed(db, embedder).work(embedder, math.inf)
    hybrid, words = Search(db, embedder), Search(db)
    await words.analyze()

    async def by_meaning(text: str) -> list[str]:
        (vector,) = await embedder.embed([text])
        rows = await _rows(db, NEAREST_THREADS, {"vector": embeddings.vector_text(vector)})
        return [ids[ts] for (ts,) in rows]

    async def by_all_terms(text: str) -> list[str]:
        return [ids[ts] for (ts,) in await _rows(db, THREADS_OF_ALL_TERMS, {"query": text})]

    async def by_words(text: str) -> list[str]:
        return [ids[hit.thread_ts] for hit in await words.messages(text, None, limit=TOP)]

    async def by_both(text: str) -> list[str]:
        return [ids[hit.thread_ts] for hit in await hybrid.messages(text, None, limit=TOP)]

    return Indexed(name, labelled, by_words, by_meaning, by_all_terms, by_both)


async def record(db: Database, labelled: Labelled) -> dict[str, str]:
    """Record threads; returns their ids by the ts of their roots."""
    await Channels(db).upsert(Channel(CHANNEL, "set"))
    ids: dict[str, str] = {}
    rows: list[tuple[Message, bytes]] = []
    for at, (key, (title, text)) in enumerate(labelled.documents.items()):
        root = f"{1_500_000_000 + 1000 * at}.000000"
        ids[root] = key
        for number, (author, said) in enumerate(said_in(text)):
            ts = f"{1_500_000_000 + 1000 * at + number}.000000"
            whole = said if number else f"{title}\n{said}"
            sender = Sender("person", author or "U0")
            rows.append((Message(CHANNEL, ts, sender, whole, ts, root if number else None), b""))
    for start in range(0, len(rows), 500):
        async with db.transaction() as conn:
            await messages.upsert(conn, rows[start : start + 500])
    return ids


def said_in(text: str) -> list[tuple[str, str]]:
    """Who said what in a thread of the set, in order."""
    before, *parts = SPEAKER.split(text)
    opening = [("", before.strip())] if before.strip() or not parts else []
    said = [(who, what.strip()) for who, what in zip(parts[::2], parts[1::2], strict=True)]
    return [*opening, *said][:MAX_SAID]


async def _rows(db: Database, query: str, values: dict[str, str]) -> list[Any]:
    async with db.connection() as conn:
        return await (await conn.execute(query.encode(), values)).fetchall()


def _ids(rows: Iterable[Sequence[str]]) -> list[str]:
    return [row[0].removesuffix(".md") for row in rows]


async def figures(indexed: Indexed) -> Figures:
    bm25 = Bm25(indexed.labelled)
    found: dict[str, list[float]] = defaultdict(list)
    for question in indexed.labelled.questions:
        text, right = question.text, question.answers
        meaning, all_terms = await indexed.meaning(text), await indexed.all_terms(text)
        found["bm25"].append(ndcg(bm25.top(text), right))
        found["words"].append(ndcg(await indexed.words(text), right))
        found["meaning"].append(ndcg(meaning, right))
        found["plain"].append(ndcg(reciprocal(1, all_terms, meaning), right))
        found["hybrid"].append(ndcg(await indexed.hybrid(text), right))
    return Figures(**{name: mean(values) for name, values in found.items()})


def reciprocal(k: int, *lists: Sequence[str]) -> list[str]:
    scores: dict[str, float] = defaultdict(float)
    for found in lists:
        for rank, key in enumerate(found, 1):
            scores[key] += 1 / (k + rank)
    return sorted(scores, key=lambda key: -scores[key])


@asynccontextmanager
async def library(directory: Path) -> AsyncIterator[Database]:
    async with EmbeddedServer.start(directory / "postgres") as server:
        await migrate(server.conninfo)
        await install(server.conninfo)
        async with open_database(server.conninfo) as db:
            yield db


async def run(directory: Path, *, quick: bool) -> Report:
    report = Report("quality", "what is found, mean nDCG@10" + (", parts of the sets" if quick else ""))
    if not SETS.is_dir():
        report.note(f"skipped: needs the labelled sets in {SETS}")
        return report
    with closing(LocalEmbedder()) as local, closing(Kept(local, OUT / "vectors.sqlite")) as embedder:
        found = []
        for name, make, rows, asked in PLAN:
            part = QUICK if quick else (rows, asked)
            labelled = load(name, documents=part[0], questions=part[1])
            async with library(directory / name) as db:
                found.append(await _tell(report, await make(db, embedder, name, labelled)))
                if name == "alert2runbook":
                    named = await by_name(db, embedder, labelled)
                    report.above(f"{name} · by the alert's name", named, "nDCG", 0.8)
    _averages(report, found)
    report.note("BM25 has k1 .9, b .4 and sees a thread or a document as one text")
    report.note("plain: reciprocal ranks, k = 1, of full text with all terms and of vectors")
    return report


async def _tell(report: Report, indexed: Indexed) -> Figures:
    found, labelled = await figures(indexed), indexed.labelled
    report.add(f"{indexed.name} · BM25", found.bm25, "nDCG")
    report.above(f"{indexed.name} · by words", found.words, "nDCG", 0.97 * found.bm25)
    report.add(f"{indexed.name} · by meaning", found.meaning, "nDCG")
    report.add(f"{indexed.name} · plain", found.plain, "nDCG")
    report.above(f"{indexed.name} · hybrid", found.hybrid, "nDCG", 0.98 * found.bm25)
    report.note(f"{indexed.name}: {len(labelled.documents)} rows, {len(labelled.questions)} questions")
    return found


def _averages(report: Report, found: Sequence[Figures]) -> None:
    hybrid = mean(one.hybrid for one in found)
    better = max(mean(one.words for one in found), mean(one.meaning for one in found))
    plain = mean(one.plain for one in found)
    report.above("mean · hybrid to the better half", hybrid / better, "×", 1.08)
    report.above("mean · hybrid to plain", hybrid / plain, "×", 1.20)


async def by_name(db: Database, embedder: Embedder, labelled: Labelled) -> float:
    """As a runbook asks: the document named for the alert first, then the search for its name."""
    search = DocumentSearch(db, embedder)
    found = []
    for question in labelled.questions:
        named = await search.naming(question.name)
        first = _ids([(named.path,)] if named else [])
        others = _ids((hit.path,) for hit in await search.find(question.name, TOP))
        found.append(ndcg([*first, *(path for path in others if path not in first)], question.answers))
    return mean(found)


# Name, as what, how many rows and questions of it (None: all): threads are many messages each.
PLAN: Final = (
    ("lean_q2thread", threads, 3_000, 320),
    ("alert2runbook", documents, None, None),
    ("aws_docs_small", documents, None, None),
)
QUICK: Final = (150, 40)

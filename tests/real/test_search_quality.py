"""Search against plain BM25 on labelled sets: figures are printed, and only sane bounds are asserted.

The labels know one or two right answers a question: compare columns, not against other days.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ratchet.domain.messages import Channel, Message, Sender
from ratchet.store import messages
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from ratchet.store.search import Search

SETS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "retrieval"
CHANNEL = "C0REAL"
TOP = 10

pytestmark = pytest.mark.skipif(not SETS.is_dir(), reason=f"needs the labelled sets in {SETS}")


@dataclass(frozen=True)
class Labelled:
    """Texts by id, questions by id, and the ids of the texts that answer each question."""

    texts: dict[str, str]
    questions: dict[str, str]
    answers: dict[str, set[str]]


def load(name: str, rows: int, queries: int) -> Labelled:
    """Every n-th question, and as many texts: those that answer them, and the first of the others."""
    folder = SETS / name
    questions = {}
    for line in (folder / "queries.dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        questions[row["id"]] = row["text"]
    answers: dict[str, set[str]] = defaultdict(set)
    for line in (folder / "qrels.dev.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        question, text, _ = line.split("\t")
        answers[question].add(text)
    asked = [question for question in questions if question in answers]
    asked = asked[:: max(1, len(asked) // queries)][:queries]
    wanted = {text for question in asked for text in answers[question]}
    texts: dict[str, str] = {}
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["id"] in wanted or len(texts) < rows - len(wanted):
                texts[row["id"]] = f"{row['title']}\n{row['text']}"
    return Labelled(texts, {q: questions[q] for q in asked}, answers)


def ndcg(found: Sequence[str], right: set[str]) -> float:
    gain = sum(1 / math.log2(rank + 2) for rank, text in enumerate(found[:TOP]) if text in right)
    return gain / sum(1 / math.log2(rank + 2) for rank in range(min(TOP, len(right))))


def recall(found: Sequence[str], right: set[str]) -> float:
    return len(set(found[:TOP]) & right) / len(right)


class Bm25:
    """k1 .9, b .4, lower-case words."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.lengths = {}
        for key, text in texts.items():
            words = Counter(re.findall(r"\w+", text.lower()))
            self.lengths[key] = sum(words.values())
            for word, count in words.items():
                self.postings[word].append((key, count))
        self.average = sum(self.lengths.values()) / len(self.lengths)

    def top(self, question: str) -> list[str]:
        scores: Counter[str] = Counter()
        rows = len(self.lengths)
        for word in set(re.findall(r"\w+", question.lower())):
            found = self.postings.get(word, [])
            idf = math.log1p((rows - len(found) + 0.5) / (len(found) + 0.5))
            for key, count in found:
                norm = 0.9 * (0.6 + 0.4 * self.lengths[key] / self.average)
                scores[key] += idf * count * 1.9 / (count + norm)  # type: ignore[assignment]  # typed for int
        return [key for key, _ in scores.most_common(TOP)]


async def record(database: Database, texts: dict[str, str]) -> dict[str, str]:
    """Each text as one message; returns the ids by ts."""
    await Channels(database).upsert(Channel(CHANNEL, "real"))
    by_ts = {f"{1_500_000_000 + 60 * n}.000100": key for n, key in enumerate(texts)}
    rows = [(Message(CHANNEL, ts, Sender("person", "U0"), texts[key], ts), b"") for ts, key in by_ts.items()]
    for start in range(0, len(rows), 500):
        async with database.transaction() as conn:
            await messages.upsert(conn, rows[start : start + 500])
    return by_ts


@pytest.mark.parametrize(
    ("name", "rows", "queries"), [("lean_q2thread", 3_000, 150), ("datatalks_faq", 947, 150)]
)
async def test_search_is_about_as_good_as_bm25(
    database: Database, name: str, rows: int, queries: int
) -> None:
    labelled = load(name, rows, queries)
    by_ts = await record(database, labelled.texts)
    search, bm25 = Search(database), Bm25(labelled.texts)
    await search.analyze()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for question, text in labelled.questions.items():
        right = labelled.answers[question]
        found = [by_ts[hit.ref.ts] for hit in await search.messages(text, None, limit=TOP)]
        ours.append((ndcg(found, right), recall(found, right)))
        found = bm25.top(text)
        theirs.append((ndcg(found, right), recall(found, right)))
    (our_ndcg, our_recall), (bm_ndcg, bm_recall) = mean(ours), mean(theirs)
    print(  # noqa: T201  the figures are what the test is for
        f"\n{name}: {len(by_ts)} rows, {len(ours)} questions:"
        f" nDCG@10 {our_ndcg:.3f} (BM25 {bm_ndcg:.3f}), recall@10 {our_recall:.3f} (BM25 {bm_recall:.3f})"
    )
    assert our_ndcg > 0.8 * bm_ndcg
    assert our_recall > 0.8 * bm_recall


def mean(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(a for a, _ in pairs) / len(pairs), sum(b for _, b in pairs) / len(pairs)

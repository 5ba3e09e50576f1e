"""What people really wrote, where the chat sets are present: invented messages get its phrases and vectors.

How common words are decides how long a full-text search takes, and how near vectors lie to each other what an
index of them finds. Neither can be invented well.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.quality import SETS, said_in
from ratchet.store.embeddings import Embedder

THREADS: Final = SETS / "lean_q2thread"
EVENTS: Final = SETS.parent / "chat" / "clojurians-events" / "messages_final.jsonl"
PHRASE_WORDS: Final = 8
MAX_PHRASES: Final = 60
# Of the phrases, so many are followed by a host, an id or a number that was never said before.
NEW_SHARE: Final = 0.1
EMBEDDED: Final = 8_000
# How far a drawn vector lies from a real one: cosines of about .9, as of messages that say nearly the same.
SPREAD: Final = 0.35
QUESTION_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Heard:
    """`phrases` of real messages; how many of them each message had; `questions` as people asked them."""

    phrases: Sequence[str]
    lengths: Sequence[int]
    questions: Sequence[str]

    def text(self, dice: random.Random, new: Callable[[], str]) -> str:
        """A message as long as a real one, of phrases of any; `new` gives a word that is rare."""
        found = []
        for _ in range(dice.choice(self.lengths)):
            found.append(dice.choice(self.phrases))
            if dice.random() < NEW_SHARE:
                found.append(new())
        return " ".join(found)


def heard() -> Heard | None:
    """None where the sets are absent."""
    if not (THREADS / "corpus.jsonl.gz").is_file() or not EVENTS.is_file():
        return None
    phrases: list[str] = []
    lengths = []
    for message in _messages():
        words = message.split()
        cut = [" ".join(words[at : at + PHRASE_WORDS]) for at in range(0, len(words), PHRASE_WORDS)]
        phrases += cut
        lengths.append(min(MAX_PHRASES, max(1, len(cut))))
    return Heard(phrases, lengths, _questions())


def _messages() -> Iterator[str]:
    with gzip.open(THREADS / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield from (what for _, what in said_in(json.loads(line)["text"]))
    with EVENTS.open(encoding="utf-8") as lines:
        yield from (json.loads(line)["text"] for line in lines)


def _questions() -> list[str]:
    """In turn a few words, as the title of a thread, and a whole question."""
    lines = (THREADS / "queries.dev.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"][:QUESTION_CHARS] if at % 2 else row["title"] for at, row in enumerate(rows)]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Vectors near those of real messages, in the directions in which real ones differ."""

    real: Any

    def draw(self, count: int, dice: Any) -> Any:
        """So many unit vectors; `dice` is a numpy generator."""
        near, one, other = (self.real[dice.integers(len(self.real), size=count)] for _ in range(3))
        vectors = near + SPREAD * (one - other)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def neighbours(embedder: Embedder) -> Neighbours:
    """Of a share of the real messages."""
    every = list(_messages())
    texts = [every[at * len(every) // EMBEDDED] for at in range(min(EMBEDDED, len(every)))]
    found: list[Any] = []
    for start in range(0, len(texts), 256):
        found += await embedder.embed([text[:1_000] or "-" for text in texts[start : start + 256]])
    return Neighbours(np.asarray(found, dtype=np.float32))

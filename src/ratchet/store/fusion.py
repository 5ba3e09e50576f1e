"""One order from two: what the words found and what the vectors found. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

K = TypeVar("K", bound=Hashable)

# Of reciprocal rank fusion: how much being first counts over being tenth.
RRF_K: Final = 10
# Of a blend by scores. By rank a page that is far the best in one list is worth little more than the next; with pages,
# unlike with what is said in a chat, that lost to the better list alone.
VECTORS_SHARE: Final = 0.4


def reciprocal_ranks(*lists: Mapping[K, float]) -> dict[K, float]:
    """Scores by key, best first. Each list maps keys to scores of its own scale; ties keep their order."""
    scores: dict[K, float] = {}
    for found in lists:
        for rank, name in enumerate(sorted(found, key=lambda name: -found[name]), 1):
            scores[name] = scores.get(name, 0.0) + 1.0 / (RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def blended(words: Mapping[K, float], vectors: Mapping[K, float]) -> dict[K, float]:
    """Scores by key, best first: each list's own from 0 to 1, the vectors' counting for `VECTORS_SHARE`."""
    scores: dict[K, float] = {}
    for found, share in ((words, 1 - VECTORS_SHARE), (vectors, VECTORS_SHARE)):
        least, most = min(found.values(), default=0.0), max(found.values(), default=0.0)
        for name, score in found.items():
            scaled = (score - least) / (most - least) if most > least else 1.0
            scores[name] = scores.get(name, 0.0) + share * scaled
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def best_of(scores: Mapping[tuple[str, str, int], float]) -> dict[tuple[str, str], float]:
    """The score of a document is that of its best chunk."""
    found: dict[tuple[str, str], float] = {}
    for (source, path, _), score in scores.items():
        found[source, path] = max(score, found.get((source, path), score))
    return found

"""One order from two: what the words found and what the vectors found. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

K = TypeVar("K", bound=Hashable)

# Of reciprocal rank fusion: how much being first counts over being tenth.
RRF_K: Final = 10


def reciprocal_ranks(*lists: Mapping[K, float]) -> dict[K, float]:
    """Scores by key, best first. Each list maps keys to scores of its own scale; ties keep their order."""
    scores: dict[K, float] = {}
    for found in lists:
        for rank, name in enumerate(sorted(found, key=lambda name: -found[name]), 1):
            scores[name] = scores.get(name, 0.0) + 1.0 / (RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def best_of(scores: Mapping[tuple[str, str, int], float]) -> dict[tuple[str, str], float]:
    """The score of a document is that of its best chunk."""
    found: dict[tuple[str, str], float] = {}
    for (source, path, _), score in scores.items():
        found[source, path] = max(score, found.get((source, path), score))
    return found

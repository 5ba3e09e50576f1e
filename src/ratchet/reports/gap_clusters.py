"""Which questions ask the same: groups by what they mean and by what answers them. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ratchet.domain.gaps import Vector
from ratchet.reports.actions import Action, same

# Means of the cosines of questions and of answers. Measured on the example workspace's help channel: those
# that ask the same have 0.55 and more, the next pair 0.54.
ALIKE: Final = 0.55
# Two answers that say to type the same thing.
SAME_COMMAND: Final = 0.15
# Without vectors, by words: the share of all words that both have, stretched to the same scale.
WORDS_FACTOR: Final = 1.6


@dataclass(frozen=True, slots=True)
class Item:
    """A question with its answer. `words` stand in for a vector that is missing."""

    question: Vector | None
    answer: Vector | None
    words: frozenset[str]
    did: frozenset[Action] = frozenset()


def clusters(items: Sequence[Item], alike: float = ALIKE) -> list[list[int]]:
    """Positions in groups: the most alike come together first, as long as groups are alike on average.

    Groups and what is in them stand in the order of the items.
    """
    known = likeness(items)
    groups: dict[int, list[int]] = {n: [n] for n in range(len(items))}
    where = list(range(len(items)))
    pairs = [(-known[a][b], a, b) for a in range(len(items)) for b in range(a) if known[a][b] >= alike]
    for _, a, b in sorted(pairs):
        first, second = sorted((where[a], where[b]))
        if first == second:
            continue
        cross = [known[one][two] for one in groups[first] for two in groups[second]]
        if sum(cross) / len(cross) >= alike:
            groups[first] = sorted(groups[first] + groups.pop(second))
            for one in groups[first]:
                where[one] = first
    return [groups[n] for n in sorted(groups)]


def likeness(items: Sequence[Item]) -> list[list[float]]:
    """How much each two have in common, from 0 to about 1."""
    asked = _cosines([item.question for item in items])
    said = _cosines([item.answer for item in items])
    return [
        [_pair(items[a], items[b], asked[a][b], said[a][b]) for b in range(len(items))]
        for a in range(len(items))
    ]


def _pair(one: Item, other: Item, asked: float | None, said: float | None) -> float:
    known = [cosine for cosine in (asked, said) if cosine is not None]
    alike = sum(known) / len(known) if known else WORDS_FACTOR * _shared(one.words, other.words)
    if any(same(did, also) for did in one.did for also in other.did):
        alike += SAME_COMMAND
    return alike


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _cosines(vectors: Sequence[Vector | None]) -> list[list[float | None]]:
    """Of unit vectors; None where one is missing."""
    import numpy as np  # noqa: PLC0415  # heavy

    places = [n for n, vector in enumerate(vectors) if vector is not None]
    table: list[list[float | None]] = [[None] * len(vectors) for _ in vectors]
    if places:
        matrix = np.array([vectors[n] for n in places], dtype=np.float32)
        for n, row in zip(places, (matrix @ matrix.T).tolist(), strict=True):
            for other, cosine in zip(places, row, strict=True):
                table[n][other] = cosine
    return table

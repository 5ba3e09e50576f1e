"""A question as weighted search terms: which of them select the messages to look at, which only rank. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Final

from ratchet.store.words import bigrams, identifiers, parts, storable

MAX_QUERY_CHARS: Final = 10_000
MAX_IDENTIFIERS: Final = 50
# Terms beyond these are the most common ones of a long text: they cost time and say little.
MAX_TERMS: Final = 32
MAX_LEXEME_CHARS: Final = 250
# An identifier in more than this share of the messages is a word of its own; its parts would only mislead.
RARE_SHARE: Final = 0.005
RARE_ROWS: Final = 10
# Of the terms too common to select alone, so many are tried in pairs.
PAIRED_TERMS: Final = 5
# Terms that alone fill less than this share of the budget leave room for pairs. Else pairs add nothing that would be
# found: to read how often common words occur takes longer the larger the table is.
FILLED_SHARE: Final = 0.25
# Words of one message go together more often than chance has it.
PAIR_CORRELATION: Final = 4.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """How common words are. `frequencies` are shares of `rows`; `times` are posted_at at equal steps, oldest first.

    `taken_at` is the caller's clock in seconds. A word that is not listed is rarer than every listed one.
    """

    rows: float
    frequencies: Mapping[str, float] = field(default_factory=dict)
    times: Sequence[datetime] = ()
    taken_at: float = 0.0
    floor: float = 0.0

    def matching(self, lexeme: str) -> float:
        """About how many rows hold the lexeme."""
        return self.rows * self.frequencies.get(lexeme, self.floor / 2)

    def idf(self, matching: float) -> float:
        """As in BM25, never negative."""
        return math.log1p((max(self.rows, matching) - matching + 0.5) / (matching + 0.5))

    def newest(self, share: float) -> datetime | None:
        """The time after which about that share of the rows was posted; None when unknown or all."""
        if not self.times or share >= 1:
            return None
        return self.times[int((1 - share) * (len(self.times) - 1))]


@dataclass(frozen=True, slots=True)
class Term:
    """`matching`: about how many rows hold the lexeme."""

    lexeme: str
    matching: float
    idf: float


@dataclass(frozen=True, slots=True)
class Selection:
    """`query` is a tsquery; `complete` when every term selects, so that a larger budget would find no more."""

    query: str
    since: datetime | None
    complete: bool


def texts_to_parse(query: str) -> list[str]:
    """For the text-search parser: the question, then each identifier whole and split, in turn."""
    text = storable(query[:MAX_QUERY_CHARS])
    wanted = list(dict.fromkeys(identifiers(text)))[:MAX_IDENTIFIERS]
    pairs = (form for word in wanted for form in (word, " ".join(parts(word))))
    return [" ".join((text, *bigrams(text))), *pairs]


def lexemes(parsed: Sequence[Sequence[str]], statistics: Statistics) -> list[str]:
    """What `texts_to_parse` came to, without the parts of identifiers that are common as they are."""
    found = dict.fromkeys(parsed[0] if parsed else ())
    for whole, split in zip(parsed[1::2], parsed[2::2], strict=True):
        if min(map(statistics.matching, whole), default=0.0) < _rare(statistics.rows):
            found |= dict.fromkeys(split)
    return [lexeme for lexeme in found if len(lexeme) <= MAX_LEXEME_CHARS]


def _rare(rows: float) -> float:
    return max(RARE_ROWS, rows * RARE_SHARE)


def terms(found: Iterable[str], statistics: Statistics) -> list[Term]:
    """The rarest of the lexemes, rarest first."""
    weighed = [Term(x, n := statistics.matching(x), statistics.idf(n)) for x in found]
    return sorted(weighed, key=lambda term: (term.matching, term.lexeme))[:MAX_TERMS]


def select(wanted: Sequence[Term], statistics: Statistics, budget: float) -> Selection:
    """The rarest terms that together match about `budget` rows, or few of these and pairs of common ones.

    Where even the rarest alone matches more, the newest messages that hold it.
    """
    chosen: list[str] = []
    left = budget
    for term in wanted:
        if term.matching > left:
            break
        left -= term.matching
        chosen.append(quoted(term.lexeme))
    common = wanted[len(chosen) :]
    if budget - left < FILLED_SHARE * budget:
        chosen += _pairs(common, statistics.rows, left)
    if chosen or not common:
        return Selection(" | ".join(chosen), None, not common)
    rarest = common[0]
    return Selection(quoted(rarest.lexeme), statistics.newest(budget / rarest.matching), False)


def _pairs(common: Sequence[Term], rows: float, budget: float) -> Iterator[str]:
    expected = (
        (a, b, min(a.matching, PAIR_CORRELATION * a.matching * b.matching / max(rows, 1)))
        for a, b in combinations(common[:PAIRED_TERMS], 2)
    )
    for a, b, matching in sorted(expected, key=lambda pair: pair[2]):
        if matching > budget:
            return
        budget -= matching
        yield f"({quoted(a.lexeme)} & {quoted(b.lexeme)})"


def quoted(lexeme: str) -> str:
    """As an operand of a tsquery, whatever characters it has."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"

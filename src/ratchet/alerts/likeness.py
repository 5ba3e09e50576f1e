"""How alike two alerts are by their names: would the fix of one help under the other? Pure.

A wrong fix costs more than a missing one. What a name says is put into common terms (`DiskSpaceLow` and
`NodeFilesystemAlmostOutOfSpace` → disk, full), and both must say the same. Embeddings only confirm that two
words are forms of one (compact, compactor). They are no judge of more: to them, Redis and Postgres, client
and server, read and write are nearly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import Final

from ratchet.alerts.likeness_terms import (
    ABOUT_STATUS,
    BEFORE_LIMIT,
    ENOUGH,
    IMPLIED,
    KUBERNETES,
    LEVELS,
    MEASURED,
    NUMBERED,
    OF_HOSTS,
    PERCENTAGES,
    RUNS_OUT,
    STATES,
    UNITS,
    VAGUE,
    VOCABULARY,
)

# From here on, one alert's fix is worth showing under the other.
SIMILAR: Final = 0.8
# Names that say the same have at least this; how near they are to each other makes the rest.
SAME: Final = 0.9
# The cosine at which two words that begin alike are forms of one.
FORMS: Final = 0.9
MAX_WORDS: Final = 40
# Before a number that says what is wrong, or which version: `#404`, `#5xx`, `#14`.
NUMBER: Final = "#"

Words = Sequence[str]
Terms = frozenset[str]


def likeness(a: Words, b: Words, cosine: float | None = None) -> float:
    """From 0 to 1, and the same both ways. `cosine`: of the names' embeddings, None when one has none.

    The words are those of the names, in order, lower case: kube, pod, crash, looping.
    """
    if "".join(a) == "".join(b) != "":
        return 1.0
    here, there = terms(_joined(a, b)), terms(_joined(b, a))
    if not _says_what(here) or not _says_what(there):
        return 0.0
    near = _overlap(set(a), set(b)) if cosine is None else max(0.0, min(cosine, 1.0))
    if here == there:
        return SAME + (1 - SAME) * near
    if cosine is not None and cosine >= FORMS and _forms(here - there, there - here):
        return SAME * near
    return _overlap(here, there) / 2


def similarity(a: Words, b: Words, cosine: float | None = None) -> float | None:
    """The likeness of names that are similar; None for others."""
    found = likeness(a, b, cosine)
    return found if found >= SIMILAR else None


def _overlap(a: Set[str], b: Set[str]) -> float:
    return len(a & b) / len(a | b)


def _forms(here: Terms, there: Terms) -> bool:
    """Whether each word that only one name has is a form of one of the other's. Common terms never are."""
    if len(here) != len(there) or _common(here | there):
        return False
    return all(_begin_alike(x, y) for x, y in zip(sorted(here), sorted(there), strict=True))


def _begin_alike(a: str, b: str) -> bool:
    size = min(len(a), len(b))
    return size >= 5 and abs(len(a) - len(b)) <= 3 and a[: size - 1] == b[: size - 1]


def wanted(words: Words) -> list[list[str]]:
    """What to look for among other names: a similar one has a word of every group, the rarest first.

    No groups: nothing is similar. A word that others write as two may be missed.
    """
    found = terms(tuple(words))
    if not _says_what(found):
        return []
    own = [way for term in sorted(found - _TERMS) for way in _ways_of(term)]
    told = found & _TERMS - LEVELS
    if any(term.startswith(NUMBER) for term in found):
        told -= {"error"}  # `High5xxRate` says it by the number
    common = sorted(told, key=lambda term: (term in STATES, term in MEASURED, term))
    groups = [[*own, *_pairs(words)] if own else [], *(_WAYS[term] for term in common)]
    return [[*group, "".join(words)] for group in groups if group]


def _pairs(words: Words) -> list[str]:
    """Neighbours as one word: Open, Search → opensearch."""
    return [a + b for a, b in pairwise(words[:MAX_WORDS])]


class Names:
    """Names of alerts, and which of them are similar.

    `words` takes a name apart; `vectors` are embeddings of unit length, as far as there are any.
    """

    def __init__(
        self,
        names: Iterable[str],
        words: Callable[[str], Words],
        vectors: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self._words = words
        self._vectors = vectors or {}
        self._having: dict[str, set[str]] = {}
        self._known: dict[str, Sequence[str]] = {}
        for name in names:
            for word in words(name):
                self._having.setdefault(word, set()).add(name)

    def like(self, name: str) -> Sequence[str]:
        """The others that are similar, best first."""
        if name not in self._known:
            scored = ((self._similarity(name, other), other) for other in self._candidates(name) - {name})
            best = sorted((-score, other) for score, other in scored if score is not None)
            self._known[name] = [other for _, other in best]
        return self._known[name]

    def _candidates(self, name: str) -> set[str]:
        groups = [
            set().union(*(self._having.get(word, ()) for word in group))
            for group in wanted(self._words(name))
        ]
        return set.intersection(*groups) if groups else set()

    def _similarity(self, a: str, b: str) -> float | None:
        x, y = self._vectors.get(a), self._vectors.get(b)
        cosine = None if x is None or y is None else sum(map(mul, x, y))
        return similarity(self._words(a), self._words(b), cosine)


@lru_cache(maxsize=20_000)
def terms(words: tuple[str, ...]) -> Terms:
    """What the name says is wrong with what, in common terms, and the words that are none."""
    found = set(_phrases(list(_numbers(tuple(map(_singular, words[:MAX_WORDS]))))))
    for term, implied in IMPLIED.items():
        if term in found:
            found.difference_update(implied)
    if found & KUBERNETES:
        found.discard("kube")
    if found - LEVELS - STATES - VAGUE - {"host"}:
        found -= VAGUE
    if found - LEVELS - STATES - VAGUE - OF_HOSTS - {"host"}:
        found.discard("host")
    return frozenset(_levelled(found))


def _levelled(found: set[str]) -> set[str]:
    """Too much of what is measured is the normal case; of what runs out, too much and too little are one."""
    levels = found & LEVELS
    if found & MEASURED:
        return found - levels | levels & {"low"}
    if found & RUNS_OUT and not found & STATES and not {"low", "used"} <= levels:
        return found - levels | {"full"}
    return found - {"used", "left"}


def _says_what(found: Terms) -> bool:
    """Of what something is wrong, and what."""
    return bool(found - LEVELS - STATES) and (len(found) > 1 or bool(found & ENOUGH))


def _common(found: Terms) -> Terms:
    """The terms, and the numbers: without what only this name says."""
    return frozenset(term for term in found if term in _TERMS or term.startswith(NUMBER))


def _joined(words: Words, other: Words) -> tuple[str, ...]:
    """As the other name writes it: under, replicated → underreplicated."""
    known, found, at = set(other) - set(words), [], 0
    while at < len(words):
        size = next((n for n in (3, 2) if "".join(words[at : at + n]) in known), 1)
        found.append("".join(words[at : at + size]))
        at += size
    return tuple(found)


def _numbers(words: tuple[str, ...]) -> Iterator[str]:
    """The words; of the numbers only those that say what is wrong or which version, marked."""
    at = 0
    while at < len(words):
        word, after = words[at], words[at + 1 : at + 2]
        if words[at : at + 3] == ("k", "8", "s"):
            yield "kube"
            at += 3
        elif word == "p" and after and after[0].isdecimal():  # a percentile
            at += 2
        elif not word.isdecimal():
            yield word
            at += 1
        else:
            end = next((n for n in range(at, len(words)) if not words[n].isdecimal()), len(words))
            yield from _number(words, at, end)
            at = end + 1 if words[end : end + 1] and words[end] in UNITS | {"xx"} else end


def _number(words: tuple[str, ...], at: int, end: int) -> Iterator[str]:
    """Nothing for an address, a limit or one of many; else the number; of a code, that it is an error."""
    before, after = words[at - 1] if at else "", words[end] if end < len(words) else ""
    if end - at > 3 or after in UNITS:
        return
    for number in words[at:end]:
        if after == "xx":
            yield from (f"{NUMBER}{number}xx", "error")
        elif _is_status(number) and ABOUT_STATUS & set(words):
            yield from (NUMBER + number, "error")
        elif before in BEFORE_LIMIT or (end == len(words) and number in PERCENTAGES):
            continue
        elif not _is_one_of_many(number, before):
            yield f"{NUMBER}{int(number)}"


def _is_status(number: str) -> bool:
    return len(number) == 3 and "1" <= number[0] <= "5"


def _is_one_of_many(number: str, before: str) -> bool:
    return number.startswith("0") or (before in NUMBERED and len(number) <= 3)


def _phrases(words: Sequence[str]) -> Iterator[str]:
    """The terms for the longest phrases, from the first word on; a word that is in none is its own term."""
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 0, -1):
            found = _PHRASES.get(tuple(words[at : at + size]))
            if found is not None:
                yield from found
                break
        else:
            size = 1
            yield words[at]
        at += size


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]


def _read(vocabulary: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in vocabulary.strip().splitlines():
        said, _, ways = line.partition(": ")
        for way in ways.split(", "):
            found[tuple(map(_singular, way.split()))] = () if said == "-" else tuple(said.split())
    return found


def _ways(phrases: Mapping[tuple[str, ...], tuple[str, ...]]) -> dict[str, list[str]]:
    """For each term words of which a name that says it has one: of every phrase one."""
    found: dict[str, set[str]] = {}
    for phrase, said in phrases.items():
        for term in said:
            # Better one that says it alone: there are no more names then that have it.
            telling = [word for word in phrase if term in phrases.get((word,), ())]
            found.setdefault(term, set()).update(_ways_of(max(telling or phrase, key=len)))
    return {term: sorted(ways) for term, ways in found.items()}


def _ways_of(term: str) -> list[str]:
    """Words of which a name that says the term has one: singular and plural; the digits of a number."""
    if term.startswith(NUMBER):
        return [term.removeprefix(NUMBER).removesuffix("xx")]
    return [term, f"{term}s", *([f"{term[:-1]}ies"] if term.endswith("y") else [])]


_PHRASES: Final = _read(VOCABULARY)
_LONGEST: Final = max(map(len, _PHRASES))
_TERMS: Final = frozenset(term for found in _PHRASES.values() for term in found) | LEVELS
_WAYS: Final = _ways(_PHRASES)

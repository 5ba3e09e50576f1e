"""Which document is for an alert, by its names: `HighErrorRate` ~ `checkout-high-error-rate.md`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from ratchet.domain.documents import Document
from ratchet.store.words import identifiers, parts

MAX_WORDS: Final = 14
MAX_HEADINGS: Final = 200
MAX_MENTIONS: Final = 1_000
MAX_KEY_CHARS: Final = 200
MIN_MENTION_CHARS: Final = 6
# An identifier that so many documents mention says little about which of them is meant.
MENTIONING: Final = 3
# Before the key of a whole title or file name of several words: an alert's name may hold it.
WHOLE: Final = "="
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[^\W_]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A document that may be for an alert: what its names are made of."""

    source: str
    path: str
    title: str
    headings: Sequence[str]
    alerts: Sequence[str]
    services: Sequence[str]


def words(name: str) -> list[str]:
    """`PostgresDisk-full 4h` → postgres, disk, full, 4, h."""
    found: list[str] = []
    for word in _WORD.findall(name):
        found += parts(word) if word.isascii() else [word.lower()]
    return found


def key(name: str) -> str:
    """A name without case, spaces and signs; "" for one without letters and digits."""
    return "".join(words(name))[:MAX_KEY_CHARS]


def keys_of(document: Document) -> list[str]:
    """Every key by which the document may be asked for: whole names, and stretches of at least two words."""
    names = [PurePosixPath(document.path).stem, document.title, *document.headings[:MAX_HEADINGS]]
    found = {key(name) for name in (*document.alerts, *names)}
    for name in names:
        found.update(_stretches(words(name)[:MAX_WORDS]))
    found.update(list(dict.fromkeys(_mentions(document.text)))[:MAX_MENTIONS])
    found.update(WHOLE + key(name) for name in names[:2] if len(words(name)) > 1)
    return sorted(found - {""})


def _stretches(found: Sequence[str]) -> Iterator[str]:
    for start in range(len(found)):
        for end in range(start + 2, len(found) + 1):
            yield "".join(found[start:end])[:MAX_KEY_CHARS]


def _mentions(text: str) -> Iterator[str]:
    for identifier in identifiers(text):
        if len(identifier) >= MIN_MENTION_CHARS and len(identifier) <= MAX_KEY_CHARS:
            yield key(identifier)


def wanted(alert: str, service: str | None) -> list[str]:
    """The keys to look up for an alert; none for a name without letters and digits."""
    a, s = key(alert), key(service or "")
    held = (WHOLE + stretch for stretch in _stretches(words(alert)[:MAX_WORDS]))
    return list(dict.fromkeys((a, s + a, a + s, *held))) if a else []


def best(alert: str, service: str | None, candidates: Iterable[Named]) -> tuple[Named, float] | None:
    """The document that is for the alert, and how surely: from 1, mentioned, over 2, its title is in the
    alert's name (`PatroniRegistryServiceErrors` ~ Patroni-registry service), to 7, it says so.

    One that says it is for other services is none. None too when many only mention the alert.
    """
    ranked = [(rank, named) for named in candidates if (rank := _rank(alert, service, named)) > 0]
    if not ranked:
        return None
    ranked.sort(key=lambda pair: (-pair[0], len(pair[1].path), pair[1].path))
    rank, named = ranked[0]
    if rank < 2 and sum(1 for other, _ in ranked if other == rank) > MENTIONING:
        return None
    return named, rank


def _rank(alert: str, service: str | None, named: Named) -> float:
    s = key(service or "")
    own = {key(name) for name in named.services}
    if s and own and s not in own:
        return 0.0
    explicit = key(alert) in {key(name) for name in named.alerts}
    rank = 6.0 if explicit else _rank_by_names(set(wanted(alert, service)), named)
    if s and s in own:
        return rank + 0.8
    return rank + 0.5 if s and s in key(f"{named.path} {named.title}") else rank


def _rank_by_names(keys: set[str], named: Named) -> float:
    names = (PurePosixPath(named.path).stem, named.title)
    if keys & {key(name) for name in names}:
        return 5.0
    if any(keys & set(_stretches(words(name)[:MAX_WORDS])) for name in names):
        return 4.0
    if keys & {key(heading) for heading in named.headings}:
        return 3.5
    if heading_for(keys, named.headings):
        return 3.0
    # The longer the title, the more it says.
    held = max((len(name) for name in map(key, names) if WHOLE + name in keys), default=0)
    return 2.0 + min(held, 90) / 100 if held else 1.0


def heading_for(keys: set[str], headings: Iterable[str]) -> str:
    """The first heading that holds one of the keys; "" for none."""
    for heading in headings:
        if key(heading) in keys or keys & set(_stretches(words(heading)[:MAX_WORDS])):
            return heading
    return ""

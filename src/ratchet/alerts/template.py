"""A text without what differs from one message to the next: the key under which a judgement can be kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_TEMPLATE: Final = 1000  # characters
MAX_READ: Final = 8000

# In this order: a time holds numbers, an address holds names and numbers.
_CHANGING: Final = (
    (re.compile(r"https?://[^\s<>|]+"), "<url>"),
    (re.compile(r"<@[UW][A-Z0-9]{1,30}(?:\|[^<>]{0,100})?>"), "<person>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"), "<mail>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?:\s?[AaPp][Mm])?\b"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<address>"),
    (re.compile(r"\b(?=[0-9a-fA-F]{0,40}\d)(?=[0-9a-fA-F]{0,40}[a-fA-F])[0-9a-fA-F]{8,64}\b"), "<id>"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:ns|[uµm]s|[smhdw]))+\b"), "<duration>"),
    (
        re.compile(r"\b\d+(?:\.\d+)?\s(?:second|minute|hour|day|week)s?\b", re.IGNORECASE),
        "<duration>",
    ),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text as written. `kind` says how a template shows what changes, "" for what stays."""

    words: str
    kind: str = ""

    @property
    def shown(self) -> str:
        return self.kind or self.words.casefold()


def template(text: str) -> str:
    """The text, lower case, with digits, ids, times, durations, addresses and people by kind.

    Two messages of one alert have the same template; so may two alerts whose names differ only in digits.
    """
    return "".join(part.shown for part in template_parts(text))[:MAX_TEMPLATE]


def template_parts(text: str) -> list[Part]:
    """The same in pieces, as far as the template reaches; each run of white space is one blank."""
    parts = [Part(" ".join(text[:MAX_READ].split()))]
    for pattern, kind in _CHANGING:
        parts = list(_split(parts, pattern, kind))
    return _within(parts, MAX_TEMPLATE)


def _split(parts: Iterable[Part], pattern: re.Pattern[str], kind: str) -> Iterator[Part]:
    for part in parts:
        if part.kind:
            yield part
            continue
        end = 0
        for found in pattern.finditer(part.words):
            if found.start() > end:
                yield Part(part.words[end : found.start()])
            yield Part(found[0], kind)
            end = found.end()
        if end < len(part.words):
            yield Part(part.words[end:])


def _within(parts: Iterable[Part], limit: int) -> list[Part]:
    """The leading parts of at most `limit` characters; what stays may be cut, what changes is kept whole."""
    kept: list[Part] = []
    for part in parts:
        if len(part.kind) > limit or limit <= 0:
            break
        kept.append(part if part.kind else Part(part.words[:limit]))
        limit -= len(kept[-1].shown)
    return kept

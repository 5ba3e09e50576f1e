"""The part of a text that shows why it was found. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Final

MAX_CHARS: Final = 300
MAX_SEARCHED_CHARS: Final = 40_000
_WORD: Final = re.compile(r"\w+")
_SPACE: Final = re.compile(r"\s+")
# A stem is shorter than its word by an ending: "crashlooping" is found as "crashloop".
_ENDING: Final = 5


def snippet(text: str, stems: Collection[str], limit: int = MAX_CHARS) -> str:
    """About `limit` characters of the text on one line, where the most of the stems are; … marks a cut."""
    flat = _SPACE.sub(" ", text[:MAX_SEARCHED_CHARS]).strip()
    if len(flat) <= limit:
        return flat
    start = max(0, _densest(flat, frozenset(stems), limit * 3 // 4) - limit // 8)
    end = min(len(flat), start + limit)
    start = _after_space(flat, start, end)
    end = _before_space(flat, start, end)
    return f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"


def _densest(text: str, stems: frozenset[str], width: int) -> int:
    """Where the stretch of `width` characters with the most different stems starts."""
    hits = [
        (word.start(), stem)
        for word in _WORD.finditer(text)
        if (stem := _stem_of(word.group().lower(), stems)) is not None
    ]
    inside: Counter[str] = Counter()
    best, at, first = 0, 0, 0
    for position, stem in hits:
        inside[stem] += 1
        while hits[first][0] < position - width:
            inside[hits[first][1]] -= 1
            first += 1
        distinct = len(+inside)
        if distinct > best:
            best, at = distinct, hits[first][0]
    return at


def _stem_of(word: str, stems: frozenset[str]) -> str | None:
    for length in range(len(word), max(0, len(word) - _ENDING) - 1, -1):
        if word[:length] in stems:
            return word[:length]
    return None


def _after_space(text: str, start: int, end: int) -> int:
    space = text.find(" ", start, end) if start else -1
    return space + 1 if 0 <= space < start + 20 else start


def _before_space(text: str, start: int, end: int) -> int:
    space = text.rfind(" ", start, end) if end < len(text) else -1
    return space if space > end - 20 else end

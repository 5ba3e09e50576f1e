"""The part of a text that shows why it was found. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Final

MAX_CHARS: Final = 300
MAX_SEARCHED_CHARS: Final = 20_000
_SPACE: Final = re.compile(r"\s+")


def snippet(text: str, stems: Collection[str], limit: int = MAX_CHARS) -> str:
    """About `limit` characters of the text on one line, where the most of the stems are; … marks a cut."""
    flat = _SPACE.sub(" ", text[:MAX_SEARCHED_CHARS]).strip()
    if len(flat) <= limit:
        return flat
    start = max(0, _densest(flat, stems, limit * 3 // 4) - limit // 8)
    end = min(len(flat), start + limit)
    start = _after_space(flat, start, end)
    end = _before_space(flat, start, end)
    return f"{'…' if start else ''}{flat[start:end]}{'…' if end < len(flat) else ''}"


def _densest(text: str, stems: Collection[str], width: int) -> int:
    """Where the stretch of `width` characters with the most different stems starts."""
    if not stems:
        return 0
    hits = [(found.start(), found.group(1)) for found in _pattern(stems).finditer(text.lower())]
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


def _pattern(stems: Collection[str]) -> re.Pattern[str]:
    """A stem is shorter than its word by an ending; the longest stem that fits is the word's."""
    return re.compile(rf"\b({'|'.join(map(re.escape, sorted(stems, key=len, reverse=True)))})\w{{0,5}}\b")


def _after_space(text: str, start: int, end: int) -> int:
    space = text.find(" ", start, end) if start else -1
    return space + 1 if 0 <= space < start + 20 else start


def _before_space(text: str, start: int, end: int) -> int:
    space = text.rfind(" ", start, end) if end < len(text) else -1
    return space if space > end - 20 else end

"""Markdown in parts that each stand alone: cut where a reader pauses, code fences whole. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

FENCE: Final = re.compile(r"([ \t]{0,12})(`{3,20}|~{3,20})([^`\n]{0,200})")
_ITEM: Final = re.compile(r"[ \t]*([-*+•]|\d{1,4}[.)])[ \t]|#{1,6} ")
_WHOLE: Final = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\([^()\s]{0,2000}\)|<[^<>\n]{1,2000}>|https?://\S{1,2000}"
    r"|:[a-z0-9_+'-]{1,100}:|&[a-z]{1,6};"
)
_FRAMING: Final = 160  # what closing and reopening a fence may add


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch `body` of the source, with what must stand around it to keep a code block whole."""

    body: str
    opening: str = ""
    closing: str = ""

    @property
    def text(self) -> str:
        return self.opening + self.body + self.closing


@dataclass(frozen=True, slots=True)
class _Fence:
    """An open code block."""

    indent: str
    marker: str
    language: str

    def closing(self, body: str) -> str:
        return f"{'' if body.endswith(chr(10)) else chr(10)}{self.indent}{self.marker}\n"

    @property
    def opening(self) -> str:
        return f"{self.indent}{self.marker}{self.language}\n"


def size(text: str) -> int:
    """Characters as Slack may count them: UTF-16 units, the larger of the two ways."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int) -> list[Part]:
    """Parts of at most `limit` characters (at least 400); their bodies, joined, are `text`."""
    parts: list[Part] = []
    fence: _Fence | None = None
    while text:
        opening = fence.opening if fence else ""
        end = _cut(text, limit - _FRAMING, fence)
        body, text = text[:end], text[end:]
        fence = _fence_after(body, fence)
        parts.append(Part(body, opening, fence.closing(body) if fence else ""))
    return parts


def fit(text: str, limit: int, fits: Callable[[str], bool]) -> Iterator[str]:
    """`text` in self-contained parts of at most `limit` characters that satisfy `fits`, as large as may be.

    `fits` must hold for every text of 400 characters or so; below that nothing is cut further.
    """
    for part in split(text, limit):
        if limit < 800 or fits(part.text):
            yield part.text
        else:
            yield from fit(part.text, limit // 2, fits)


def _fence_after(body: str, fence: _Fence | None) -> _Fence | None:
    """The code block that is open after `body`, when `fence` was open before it."""
    for line in body.split("\n"):
        fence = _next_fence(line, fence)
    return fence


def _next_fence(line: str, fence: _Fence | None) -> _Fence | None:
    match = FENCE.fullmatch(line)
    if match is None:
        return fence
    indent, marker, info = match.groups()
    if fence is None:
        return _Fence(indent, marker, (info.split() or [""])[0][:20])
    closes = marker[0] == fence.marker[0] and len(marker) >= len(fence.marker) and not info.strip()
    return None if closes else fence


def _cut(text: str, limit: int, fence: _Fence | None) -> int:
    """Where to end the first part: the latest of the best kind of place within `limit`."""
    window = _window(text, limit)
    if len(window) == len(text):
        return len(text)
    starts = _line_starts(window)
    inside = _inside(window, starts, fence)
    outside = [start for start in starts if start not in inside]
    by_kind = (
        [start for start in outside if window.startswith("\n", start - 2)],  # after a blank line
        [start for start in outside if _ITEM.match(text, start)],
        outside,
    )
    for places in by_kind:
        if places and places[-1] >= 0.4 * len(window):
            return places[-1]
    if outside and outside[-1] >= 0.1 * len(window):
        return outside[-1]
    if starts and starts[-1] >= 0.1 * len(window):
        return starts[-1]
    return _cut_line(text, len(window))


def _window(text: str, limit: int) -> str:
    """The longest start of `text` of at most `limit` characters by `size`."""
    window = text[:limit]
    excess = size(window) - limit
    while excess > 0:
        window = window[: len(window) - (excess + 1) // 2]
        excess = size(window) - limit
    return window


def _line_starts(window: str) -> list[int]:
    return [match.end() for match in re.finditer("\n", window)]


def _inside(window: str, starts: list[int], fence: _Fence | None) -> set[int]:
    """The line starts at which a code block is open."""
    inside = set()
    for begin, end in pairwise([0, *starts]):
        fence = _next_fence(window[begin : end - 1], fence)
        if fence:
            inside.add(end)
    return inside


def _cut_line(text: str, end: int) -> int:
    """A place in a line that is too long: at a space, else before a link or an emoji, else anywhere."""
    spans = [match.span() for match in _WHOLE.finditer(text, max(0, end - 2400), end + 2400)]
    begins = [begin for begin, _ in spans]

    def outside(place: int) -> int:
        at = bisect_right(begins, place) - 1
        return begins[at] if at >= 0 and begins[at] < place < spans[at][1] else place

    space = text.rfind(" ", end // 2, end)
    while space > 0:
        if outside(space + 1) == space + 1:
            return space + 1
        space = text.rfind(" ", end // 2, space)
    whole = outside(end)
    return whole if end // 4 <= whole < end else _before_cluster(text, end)


def _before_cluster(text: str, end: int) -> int:
    """`end` moved back so that it does not part an emoji or a letter from its marks."""
    place = end
    while place > max(end - 32, 1) and _joined(text, place):
        place -= 1
    return place if place > max(end - 32, 1) else end


def _joined(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place : place + 1]
    if before == "\u200d" or after in {"\u200d", "\ufe0f", "\ufe0e", "\u20e3"}:
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or (after and unicodedata.combining(after)):
        return True
    return _flag_letters_before(text, place) % 2 == 1 and "\U0001f1e6" <= after <= "\U0001f1ff"


def _flag_letters_before(text: str, place: int) -> int:
    count = 0
    while place > 0 and "\U0001f1e6" <= text[place - 1] <= "\U0001f1ff":
        count, place = count + 1, place - 1
    return count

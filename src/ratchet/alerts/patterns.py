"""An operator's regular expressions, in a form that cannot take forever.

Python's matcher backtracks, and one bad pattern would stop everything. Two fences: a subset of the syntax in
which no repeat stands inside a repeat (that is what makes time exponential), and a measurement, when the
pattern is read, against texts made from it to hurt it, which bounds the powers of the length that are left.
"""

from __future__ import annotations

import re
import string
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

FLAGS: Final = re.IGNORECASE
MAX_PATTERN: Final = 500  # characters
MAX_MATCHED: Final = 4000  # characters of a text that are looked at, line by line
MAX_LINE: Final = 500  # characters
MAX_REPEATS: Final = 10
MAX_WAYS: Final = 5000  # of going through alternatives and optional parts
MAX_COPIES: Final = 10
MAX_ATTACKS: Final = 60
LIMIT_S: Final = 0.03  # of processor time for one match of the longest line

_SHOWN: Final = string.ascii_letters + string.digits + string.punctuation + " \n\t" + "éЖ漢…\u00a0"
_COUNTED = re.compile(r"\{(\d{0,6})(,?)(\d{0,6})\}")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|0[0-7]{0,2}|.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_OPEN = re.compile(r"\((?:\?:|\?P<\w+>)?")


class BadPattern(ValueError):
    """A pattern that is none, or that might take too long; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One character of a set (`chars`), nothing ("") or a group (`branches`); `low` to `high` times."""

    chars: str = ""
    branches: tuple[tuple[_Item, ...], ...] = ()
    low: int = 1
    high: int | None = 1

    @property
    def repeats(self) -> bool:
        return self.high is None or self.high > 1


def compile_pattern(source: str, clock: Callable[[], float] = time.thread_time) -> re.Pattern[str]:
    """To be searched in one line (`lines_of`), whatever the case. Raises BadPattern."""
    if not source:
        raise BadPattern("the pattern is empty")
    if len(source) > MAX_PATTERN:
        raise BadPattern(f"the pattern has {len(source)} characters; at most {MAX_PATTERN} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(source, FLAGS)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise BadPattern(f"is no regular expression: {error}") from None
    branches = _Reader(source).read()
    _bounded(branches)
    _measured(compiled, branches, clock)
    return compiled


def lines_of(text: str) -> list[str]:
    """What a pattern is searched in: the lines that hold something, of bounded length."""
    return [line[:MAX_LINE] for line in text[:MAX_MATCHED].split("\n") if line and not line.isspace()]


@dataclass(slots=True)
class _Reader:
    """The pattern as items. `re` has accepted it, so only what we refuse is looked for."""

    source: str
    at: int = 0
    _sets: dict[str, str] = field(default_factory=dict)

    def read(self) -> tuple[tuple[_Item, ...], ...]:
        branches: list[tuple[_Item, ...]] = []
        items: list[_Item] = []
        while self.at < len(self.source) and self.source[self.at] != ")":
            if self.source[self.at] == "|":
                self.at += 1
                branches.append(tuple(items))
                items = []
            else:
                items.append(self._counted(self._one()))
        return (*branches, tuple(items))

    def _one(self) -> _Item:
        source, at = self.source, self.at
        if source[at] == "(":
            return self._group()
        if source[at] in "^$":
            self.at += 1
            return _Item()
        found = _CLASS.match(source, at) or _ESCAPE.match(source, at)
        text = found[0] if found else source[at]
        self.at += len(text)
        if text[0] == "\\" and text[1] in "AZbB":
            return _Item()
        if text[0] == "\\" and text[1] in "123456789":
            raise BadPattern(f"{text} refers back to a group; that can take too long")
        return _Item(self._set(text))

    def _group(self) -> _Item:
        found = _OPEN.match(self.source, self.at)
        assert found
        self.at = found.end()
        if self.source[self.at] == "?":
            shown = self.source[self.at - 1 : self.at + 2]
            raise BadPattern(f"{shown}…) is not allowed; groups are (…), (?:…) and (?P<name>…)")
        branches = self.read()
        self.at += 1
        return _Item(branches=branches)

    def _counted(self, item: _Item) -> _Item:
        low, high = 1, 1
        mark = self.source[self.at : self.at + 1]
        counted = _COUNTED.match(self.source, self.at)
        unbounded = False
        if mark and mark in "*+?":
            low, unbounded = int(mark == "+"), mark != "?"
            self.at += 1
        elif counted and counted[0] != "{}":
            low = int(counted[1] or 0)
            high = int(counted[3] or 0) if counted[2] else low
            unbounded = bool(counted[2]) and not counted[3]
            self.at = counted.end()
        else:
            return item
        if self.source[self.at : self.at + 1] in ("?", "+"):
            self.at += 1
        return self._repeated(item, low, None if unbounded else high)

    def _repeated(self, item: _Item, low: int, high: int | None) -> _Item:
        again = high is None or high > 1
        if item.branches and again and not (low == high and low <= MAX_COPIES):
            raise BadPattern(
                "repeats a group, which can take too long; repeat one character or class instead,"
                r" such as [\w ]+ for (?:\w+ )+"
            )
        return _Item(item.chars, item.branches, low, high)

    def _set(self, text: str) -> str:
        """The characters that it stands for, of those that a text is made from."""
        if text not in self._sets:
            one = re.compile(text, FLAGS)
            known = dict.fromkeys(_SHOWN + self.source + "\x00")
            self._sets[text] = "".join(char for char in known if one.fullmatch(char)) or "?"
        return self._sets[text]


def _bounded(branches: tuple[tuple[_Item, ...], ...]) -> None:
    repeats, ways = _counts(branches)
    if repeats > MAX_REPEATS:
        raise BadPattern(f"has {repeats} repeats; at most {MAX_REPEATS} keep it quick")
    if ways > MAX_WAYS:
        raise BadPattern("has too many alternatives and optional parts, one after another")


def _counts(branches: tuple[tuple[_Item, ...], ...]) -> tuple[int, int]:
    """Repeats, and ways through alternatives and optional parts."""
    repeats, total = 0, 0
    for branch in branches:
        ways = 1
        for item in branch:
            inner_repeats, inner_ways = _counts(item.branches) if item.branches else (0, 1)
            copies = item.high or 1
            repeats += inner_repeats * (copies if item.branches else 1) + (item.repeats and not item.branches)
            ways *= min(inner_ways ** (copies if item.branches else 1), MAX_WAYS + 1)
            ways *= 2 if (item.low, item.high) == (0, 1) else 1
            ways = min(ways, MAX_WAYS + 1)
        total += ways
    return repeats, total


def _measured(
    compiled: re.Pattern[str], branches: tuple[tuple[_Item, ...], ...], clock: Callable[[], float]
) -> None:
    """Each attack grows from one character on, so that a bad pattern is caught while it is still quick."""
    for start, pump in islice(dict.fromkeys(_attacks(branches)), MAX_ATTACKS):
        for size in _sizes():
            body = (start + pump * (size // len(pump) + 1))[:size]
            for text in (body, body[:-1] + "\x00"):
                # Twice, since a first run may have been interrupted by something else.
                if _took(compiled, text, clock) > LIMIT_S and _took(compiled, text, clock) > LIMIT_S:
                    raise BadPattern(
                        f"takes too long on a line of {size} characters such as {body[:24]!r}…;"
                        " begin it with ^, and put something between its repeats that they do not match"
                    )


def _took(compiled: re.Pattern[str], text: str, clock: Callable[[], float]) -> float:
    began = clock()
    compiled.search(text)
    return clock() - began


def _sizes() -> Iterator[int]:
    size = 1
    while size < MAX_LINE:
        yield size
        size = size + 1 if size < 24 else size * 3 // 2
    yield MAX_LINE


def _attacks(branches: tuple[tuple[_Item, ...], ...]) -> Iterator[tuple[str, str]]:
    """A beginning that the pattern accepts, and what is repeated after it."""
    for path in _paths(branches):
        sets = [item.chars for item in path if item.repeats]
        favourite = max(
            dict.fromkeys("".join(sets)), key=lambda char: sum(char in one for one in sets), default=""
        )
        wheres = [at for at, item in enumerate(path) if item.repeats]
        for at in wheres:
            start = _sample(path[:at], favourite)
            yield start, favourite if favourite in path[at].chars else path[at].chars[0]
            for common in sorted(set(path[at].chars) & set("".join(i.chars for i in path[at + 1 :])))[:2]:
                yield start, common
        for first in (0, *wheres):
            for last in (*wheres, len(path)):
                if pump := _sample(path[first:last], favourite):
                    yield _sample(path[:first], favourite), pump


def _paths(branches: tuple[tuple[_Item, ...], ...]) -> Iterator[tuple[_Item, ...]]:
    """The pattern without groups: each with another one of its alternatives."""
    widest = max(_widest(branches), 1)
    for choice in range(min(widest, 8)):
        yield tuple(_flat(branches, choice))


def _widest(branches: Sequence[Sequence[_Item]]) -> int:
    inner = (_widest(item.branches) for branch in branches for item in branch if item.branches)
    return max(len(branches), *inner, 1) if branches else 1


def _flat(branches: tuple[tuple[_Item, ...], ...], choice: int) -> Iterator[_Item]:
    for item in branches[choice % len(branches)]:
        if item.branches:
            for _ in range(max(item.low, 1)):
                yield from _flat(item.branches, choice)
        elif item.chars:
            yield item


def _sample(path: Sequence[_Item], favourite: str) -> str:
    one = (favourite if favourite and favourite in i.chars else i.chars[0] for i in path)
    return "".join(char * min(max(item.low, 1), 40) for item, char in zip(path, one, strict=True))

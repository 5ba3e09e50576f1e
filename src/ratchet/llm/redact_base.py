"""What the rules of redaction share: the marks that stand for what was taken out, and the form of a rule."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

# While rules run, one character of a private plane stands for each secret already taken out, so that no
# rule reads the words of a placeholder as text, and a second run finds what the first one left.
_FIRST: Final = 0x10F000
MARKS: Final[dict[str, str]] = {}
MARK: Final = "\U0010f000-\U0010f0ff"  # for use inside [ ]
_FOREIGN: Final = re.compile(f"[{MARK}\ud800-\udfff]")  # half a character cannot be encoded
_PLACEHOLDER: Final = re.compile(r"\[redacted: ([a-z0-9 ]{1,40})\]")

_RE2: Any = importlib.import_module("re2")  # it has no types of its own
PatternError: Final[type[Exception]] = _RE2.error

Judge = Callable[[re.Match[str]], bool]


def mark(kind: str) -> str:
    """The character that stands for a secret of this kind."""
    return MARKS.setdefault(kind, chr(_FIRST + len(MARKS)))


def to_marks(text: str) -> str:
    """Placeholders of an earlier run as marks. Only kinds that exist: a made-up placeholder is plain text."""
    if not text.isascii():
        text = _FOREIGN.sub("\ufffd", text)
    if "[redacted: " in text:
        text = _PLACEHOLDER.sub(lambda found: MARKS.get(found[1], found[0]), text)
    return text


def from_marks(text: str) -> str:
    if text.isascii() or not _FOREIGN.search(text):
        return text
    names = {ord(char): f"[redacted: {kind}]" for kind, char in MARKS.items()}
    return text.translate(names)


@dataclass(frozen=True, slots=True)
class Rule:
    """`apply` takes secrets out of a text that holds one of `words`, in lower case."""

    words: tuple[str, ...]
    apply: Callable[[str], str]


def linear_pattern(pattern: str) -> Any:
    """RE2's compiled pattern: no pattern takes more than linear time. Raises PatternError."""
    options = _RE2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    return _RE2.compile(pattern, options)


class Plan:
    """Rules in their order; a text is shown to those whose words it holds, and most texts hold none."""

    def __init__(self, rules: Iterable[Rule], gate: str = "") -> None:
        """`gate`: a pattern, RE2 syntax, of what such texts hold, where words cannot say it."""
        self._rules = tuple(rules)
        found: dict[str, list[int]] = {}
        for index, rule in enumerate(self._rules):
            for word in rule.words:
                found.setdefault(word, []).append(index)
        self._by_word = [(word, tuple(indices)) for word, indices in found.items()]
        self.gate: Final = gate or "(?i:" + "|".join(map(re.escape, found)) + ")"
        self._gate = linear_pattern(self.gate)

    def run(self, text: str) -> str:
        if self._gate.search(text) is None:
            return text
        lowered = text.lower()  # rules only take out: what is not in it now will not be in it later
        concerned = {index for word, indices in self._by_word if word in lowered for index in indices}
        for index in sorted(concerned):
            text = self._rules[index].apply(text)
        return text


Span = tuple[int, int, str]


def pattern_rule(kind: str, words: str, pattern: str, judge: Judge | None = None) -> Rule:
    """Replaces the group `s` of each match, or all of it. `words` are separated by spaces."""
    compiled = re.compile(pattern, re.ASCII)
    char = mark(kind)
    group = "s" if "s" in compiled.groupindex else 0

    def spans(text: str) -> Iterator[Span]:
        at = 0
        while found := compiled.search(text, at):
            start, end = found.span(group)
            if judge is None or judge(found):
                yield start, end, char
                at = found.end()
            else:  # a value that is none may hold another name and value
                at = max(start, found.start() + 1) if group else found.end()

    return Rule(tuple(words.lower().split()) or ("",), lambda text: replaced(text, spans(text)))


def replaced(text: str, spans: Iterator[Span]) -> str:
    """`spans`: start, end and mark of what goes, in order and apart from each other."""
    pieces, at = [], 0
    for start, end, char in spans:
        if start >= at:
            pieces += [text[at:start], char]
            at = end
    return "".join([*pieces, text[at:]]) if pieces else text

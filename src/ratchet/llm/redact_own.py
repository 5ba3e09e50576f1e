"""The operator's own patterns, run by RE2: no pattern, however written, takes more than linear time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ratchet.domain.errors import Misconfigured
from ratchet.llm.redact_base import MARKS, PatternError, Rule, linear_pattern, mark

MAX_PATTERNS: Final = 200
MAX_CHARS: Final = 1_000  # of one pattern
KIND: Final = "own pattern"
_OWN: Final = mark(KIND)
_PROBE: Final = "The quick brown fox jumps over 13 lazy dogs."


def read_patterns(path: Path) -> list[Rule]:
    """One expression a line, RE2 syntax; `#` begins a comment. Raises Misconfigured with every error."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The patterns in {path} cannot be read: {error}") from None
    numbered = [
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and line.strip()[0] != "#"
    ]
    problems, rules = [], []
    if len(numbered) > MAX_PATTERNS:
        problems.append(f"{path.name}: {len(numbered)} patterns; at most {MAX_PATTERNS} are taken.")
    for number, pattern in numbered[:MAX_PATTERNS]:
        found = _compiled(pattern)
        if isinstance(found, str):
            problems.append(f"{path.name}, line {number}: {found}")
        else:
            rules.append(_rule(found))
    if problems:
        raise Misconfigured("\n".join(problems))
    return rules


def _compiled(pattern: str) -> Any:
    """RE2's compiled pattern, or what is wrong with it, in words."""
    if len(pattern) > MAX_CHARS:
        return f"longer than {MAX_CHARS} characters"
    try:
        compiled = linear_pattern(pattern)
    except PatternError as error:
        # RE2's words, without the piece of the pattern that they quote.
        reason = (
            error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else "not a pattern"
        )
        return f"{reason.partition(': ')[0]}. RE2 syntax is taken: no look-around, no back-references"
    if compiled.search("") is not None:
        return "it matches the empty text, so it would match everywhere"
    if compiled.groups > 1:
        return "more than one group; the one group is what is replaced, write (?:…) for the others"
    if (found := compiled.search(_PROBE)) is not None and len(found[0]) >= len(_PROBE) // 2:
        return "it matches most of an ordinary sentence"
    return compiled


def _rule(compiled: Any) -> Rule:
    group = 1 if compiled.groups else 0
    marks = frozenset(MARKS.values())

    def instead(found: Any) -> str:
        secret = found[group]
        if not secret or set(secret) <= marks:
            return str(found[0])
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        whole = str(found[0])
        return whole[:start] + _OWN + whole[end:]

    return Rule(("",), lambda text: str(compiled.sub(instead, text)))

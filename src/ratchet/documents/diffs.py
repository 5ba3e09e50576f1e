"""Changes as people read them: unified diffs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff
from typing import Final

CONTEXT: Final = 3
NO_END: Final = "\\ No newline at end of file"


def diff(path: str, old: str | None, new: str) -> str:
    """A unified diff as git writes it; `old` None for a new file. "" when nothing changes."""
    before, after = _lines(old or ""), _lines(new)
    names = ("/dev/null" if old is None else f"a/{path}", f"b/{path}")
    found = unified_diff(before, after, *names, n=CONTEXT)
    return "\n".join(_shown(line) for line in found)


def changed_lines(text: str) -> tuple[str, ...]:
    """What a diff takes away and adds, wherever it stands: equal for the same change to another version."""
    return tuple(_body(text))


def _body(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")):
            yield line


def fenced(text: str) -> str:
    """The diff as a Markdown code block that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}"


def _lines(text: str) -> list[str]:
    """Only `\\n` ends a line, as git has it."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + (
        [text.rsplit("\n", 1)[-1]] if not text.endswith("\n") and text else []
    )


def _shown(line: str) -> str:
    return line[:-1] if line.endswith("\n") else f"{line}\n{NO_END}"

"""File patterns as people write them: `*` and `?` within a folder, `**/` over folders. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|.", re.DOTALL)
_MEANING: Final = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path with `/` fits one of the patterns."""
    compiled = [re.compile(_translated(pattern), re.DOTALL) for pattern in patterns]
    return lambda path: any(pattern.fullmatch(path) for pattern in compiled)


def _translated(pattern: str) -> str:
    return "".join(_MEANING.get(token) or re.escape(token) for token in _TOKEN.findall(pattern))

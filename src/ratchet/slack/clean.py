"""JSON from outside, in a form that PostgreSQL's text and jsonb take: no NUL, no lone surrogate, no NaN."""

from __future__ import annotations

import math
import re
from typing import Any, Final

MAX_DEPTH: Final = 100  # far deeper than any Slack payload, far shallower than any parser's stack

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Malformed(Exception):
    """Not what Slack sends. `reason` is a static label."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean_text(text: str) -> str:
    """`text` without NUL; surrogate pairs joined, lone surrogates as U+FFFD."""
    if _UNSTORABLE.search(text) is None:
        return text
    return text.replace("\x00", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value that can be stored. Raises `Malformed`: not JSON, or nested too deeply."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        raise Malformed("malformed: nested too deeply")
    if isinstance(value, dict):
        return {_key(key): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, depth + 1) for item in value]
    raise Malformed("malformed: not JSON")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Malformed("malformed: not JSON")
    return clean_text(key)

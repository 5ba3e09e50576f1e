"""Text from Slack, documents and tools, marked as data, so that a model does not take it for instruction."""

from __future__ import annotations

import re
from typing import Final

TAG: Final = "data"
# Any spelling that a model could read as our delimiter, so that content can neither close nor open one.
_DELIMITER: Final = re.compile(r"<(\s{0,8}/?\s{0,8}(?:data|question)\b)", re.IGNORECASE)
_WRAPPED: Final = re.compile(r'<data source="[^"]*">\n(.*?)\n</data>', re.DOTALL)


def neutralised(text: str) -> str:
    """The text with everything that looks like one of our delimiters broken."""
    return _DELIMITER.sub(r"‹\1", text)


def wrap(source: str, text: str) -> str:
    """The text between delimiters that name its source (a word of ours, never content)."""
    return f'<{TAG} source="{source}">\n{neutralised(text)}\n</{TAG}>'


def unwrap(text: str) -> list[str]:
    """The contents of every wrapped part, in order."""
    return _WRAPPED.findall(text)


def cut(text: str, limit: int) -> str:
    """At most about `limit` characters: head and tail, and a word about what is missing between them."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[… {len(text) - head - tail} characters left out …]\n{text[-tail:]}"

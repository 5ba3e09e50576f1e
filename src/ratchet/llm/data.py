"""Text from Slack, documents and tools, marked as data, so that a model does not take it for instruction."""

from __future__ import annotations

import re
from typing import Final

TAG: Final = "data"
# What is not seen may stand between any two letters: soft hyphens, joiners, direction marks, tags.
UNSEEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff"
)
_GAP: Final = rf"[\s{UNSEEN}]{{0,16}}"
_OPENS: Final = r"(?:[<\uff1c\ufe64]|&lt;?|&#0{0,4}60;?|&#x0{0,4}3c;?|\\u003c|%3c)"
_SLASH: Final = r"[/\\\uff0f\u2044\u2215]{0,2}"
# Letters that look like ours, from other alphabets and of full width; small, since case is ignored.
_ALIKE: Final = {
    "a": "a\u0430\u03b1\uff41",
    "d": "d\u0501\uff44",
    "e": "e\u0435\uff45",
    "i": "i\u0456\uff49",
    "n": "n\uff4e",
    "o": "o\u043e\u03bf\uff4f",
    "q": "q\u051b\uff51",
    "s": "s\u0455\uff53",
    "t": "t\u0442\uff54",
    "u": "u\uff55",
}


def _spelt(word: str) -> str:
    return rf"[{UNSEEN}]{{0,4}}".join(f"[{_ALIKE[letter]}]" for letter in word)


# Any spelling that a model could read as our delimiter, so that content can neither close nor open one.
_DELIMITER: Final = re.compile(
    rf"{_OPENS}(?={_GAP}{_SLASH}{_GAP}(?:{_spelt('data')}|{_spelt('question')})(?!\w))", re.IGNORECASE
)
_WRAPPED: Final = re.compile(r'<data source="[^"]*">\n(.*?)\n</data>', re.DOTALL)


def neutralised(text: str) -> str:
    """The text with everything that looks like one of our delimiters broken."""
    return _DELIMITER.sub("‹", text)


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

"""A text without what differs from one message to the next: the key under which a judgement can be kept."""

from __future__ import annotations

import re
from typing import Final

MAX_TEMPLATE: Final = 1000  # characters
MAX_READ: Final = 8000

# In this order: a time holds numbers, an address holds names and numbers.
_CHANGING: Final = (
    (re.compile(r"https?://[^\s<>|]+"), "<url>"),
    (re.compile(r"<@[UW][A-Z0-9]{1,30}(?:\|[^<>]{0,100})?>"), "<person>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"), "<mail>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?:\s?[AaPp][Mm])?\b"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<address>"),
    (re.compile(r"\b(?=[0-9a-fA-F]{0,40}\d)(?=[0-9a-fA-F]{0,40}[a-fA-F])[0-9a-fA-F]{8,64}\b"), "<id>"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:ns|[uµm]s|[smhdw]))+\b"), "<duration>"),
    (
        re.compile(r"\b\d+(?:\.\d+)?\s(?:second|minute|hour|day|week)s?\b", re.IGNORECASE),
        "<duration>",
    ),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
)


def template(text: str) -> str:
    """The text, lower case, with digits, ids, times, durations, addresses and people by kind.

    Two messages of one alert have the same template; so may two alerts whose names differ only in digits.
    """
    text = text[:MAX_READ]
    for pattern, kind in _CHANGING:
        text = pattern.sub(kind, text)
    return " ".join(text.casefold().split())[:MAX_TEMPLATE]

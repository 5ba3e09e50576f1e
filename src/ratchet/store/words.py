"""Words for the full-text index: identifiers are indexed whole and split. Pure."""

from __future__ import annotations

import re
from typing import Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_\-./:][A-Za-z0-9]+)+|[A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*")
_HUMP: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
MAX_INDEXED_CHARS: Final = 40_000


def split_identifiers(text: str) -> list[str]:
    """`KubePodCrashLooping` → kube pod crash looping; `checkout-api` → checkout api; `ERR_42` → err 42."""
    return [
        hump.lower() for found in _IDENTIFIER.finditer(text) for hump in _HUMP.findall(found.group()) if hump
    ]


def search_text(text: str) -> str:
    """What is indexed for a text: itself and the parts of its identifiers."""
    clipped = text[:MAX_INDEXED_CHARS]
    return " ".join((clipped, *split_identifiers(clipped)))

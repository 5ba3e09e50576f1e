"""Words for the full-text index: identifiers and scripts without spaces are indexed whole and split. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Every character belongs to one run, so that the time grows with the length and not with its square.
_RUN: Final = re.compile(r"[A-Za-z0-9]+(?:[_\-./:][A-Za-z0-9]+)*")
_SEPARATOR: Final = re.compile(r"[_\-./:]")
_BEND: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]{2}")
_HUMP: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Han, kana and hangul: the text-search parser takes a whole run of them for one word.
_UNSPACED: Final = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯豈-﫿]+")
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
MAX_INDEXED_CHARS: Final = 40_000


def identifiers(text: str) -> Iterator[str]:
    """`KubePodCrashLooping`, `checkout-api`, `ERR_42`: words that are made of several."""
    for word in _RUN.findall(text):
        if word.isalpha() and (word.islower() or word[1:].islower()):
            continue  # nearly every word; quicker than the searches below
        if word[0].isalpha() and (_SEPARATOR.search(word) or _BEND.search(word)):
            yield word


def parts(identifier: str) -> list[str]:
    """`KubePodCrashLooping` → kube, pod, crash, looping; `checkout-api` → checkout, api; `ERR_42` → err, 42."""
    return [hump.lower() for hump in _HUMP.findall(identifier)]


def split_identifiers(text: str) -> list[str]:
    """The parts of every identifier in the text, in order."""
    return [part for identifier in identifiers(text) for part in parts(identifier)]


def bigrams(text: str) -> list[str]:
    """`再起動` → 再起, 起動: how text without spaces is found by a part of it."""
    return [run[at : at + 2] for run in _UNSPACED.findall(text) for at in range(max(1, len(run) - 1))]


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL and lone surrogates become spaces."""
    return _UNSTORABLE.sub(" ", text)


def search_text(text: str) -> str:
    """What is indexed for a text: itself, the parts of its identifiers, its bigrams."""
    clipped = storable(text[:MAX_INDEXED_CHARS])
    return " ".join((clipped, *split_identifiers(clipped), *bigrams(clipped)))

"""A sitemap or an index of sitemaps, as sitemaps.org describes them; entities are refused. Pure."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat  # entity declarations are refused below

MAX_ENTRIES: Final = 50_000
MAX_UNPACKED: Final = 50_000_000
_TEXT: Final = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Entry:
    """An address; `modified` as the sitemap says, "" for not at all."""

    address: str
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Pages, and further sitemaps."""

    pages: tuple[Entry, ...] = ()
    sitemaps: tuple[Entry, ...] = ()


def unpacked(data: bytes) -> bytes:
    """As it is, or from gzip. Raises ValueError for what is broken or too large."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    stream = zlib.decompressobj(31)
    try:
        found = stream.decompress(data, MAX_UNPACKED)
    except zlib.error:
        raise ValueError("it is no gzip file") from None
    if stream.unconsumed_tail:
        raise ValueError(f"it is larger than {MAX_UNPACKED // 1_000_000} MB")
    return found


def parse(data: bytes) -> Sitemap:
    """Raises ValueError for what is no sitemap."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _plain(data)
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML (line {error.lineno})") from None
    return Sitemap(tuple(reader.found["url"]), tuple(reader.found["sitemap"]))


def _plain(data: bytes) -> Sitemap:
    """One address a line."""
    lines = data.decode("utf-8", "replace").splitlines()
    found = [Entry(line.strip()) for line in lines if _TEXT.fullmatch(line.strip())]
    if not found:
        raise ValueError("it is no sitemap")
    return Sitemap(tuple(found[:MAX_ENTRIES]))


class _Reader:
    """Keeps `loc` and `lastmod` of every `url` and `sitemap`."""

    def __init__(self) -> None:
        self.found: dict[str, list[Entry]] = {"url": [], "sitemap": []}
        self._path: list[str] = []
        self._values: dict[str, str] = {}

    def start(self, name: str, _: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        if self._path[-1] in self.found:
            self._values = {}

    def end(self, _: str) -> None:
        name = self._path.pop()
        entries = self.found.get(name)
        address = self._values.get("loc", "").strip()
        if entries is not None and address and len(entries) < MAX_ENTRIES:
            entries.append(Entry(address, self._values.get("lastmod", "").strip()[:40]))

    def text(self, data: str) -> None:
        # Only their own: images and videos of a page have addresses too.
        if len(self._path) > 1 and self._path[-1] in ("loc", "lastmod") and self._path[-2] in self.found:
            self._values[self._path[-1]] = (self._values.get(self._path[-1], "") + data)[:2_000]

    def entity(self, *_: object) -> None:
        raise ValueError("it declares entities, which are not read")

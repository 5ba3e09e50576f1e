"""A file's text as a document: title, chunks, and what it says it is for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from ratchet.documents.base import File
from ratchet.documents.chunks import chunk
from ratchet.documents.markdown import Section, parse
from ratchet.domain.documents import Document

MARKDOWN: Final = frozenset({".md", ".markdown", ".mdx"})
# A file of one of these names is about its folder.
FOLDER_NAMES: Final = frozenset({"readme", "index", "_index"})
MAX_HEADINGS: Final = 300
MAX_TITLE_CHARS: Final = 120
MAX_NAMES: Final = 50
_SEPARATORS: Final = re.compile(r"[-_\s]+")


def document(file: File, url: str = "") -> Document:
    """Markdown by its headings, other text by its paragraphs. Any text is a document."""
    if PurePosixPath(file.path).suffix.lower() not in MARKDOWN:
        return _plain(file, url)
    parsed = parse(file.text)
    title = parsed.title or title_from(file.path)
    headings = dict.fromkeys(section.headings[-1] for section in parsed.sections if section.headings)
    return Document(
        path=file.path,
        blob=file.blob,
        title=title,
        text=file.text,
        chunks=tuple(chunk(title, parsed.sections)),
        headings=tuple(headings)[:MAX_HEADINGS],
        alerts=_names(parsed.front, ("alert", "alerts", "alertname")),
        services=_names(parsed.front, ("service", "services")),
        url=url,
    )


def _plain(file: File, url: str) -> Document:
    first = next((line.strip() for line in file.text.splitlines() if line.strip()), "")
    title = first if 0 < len(first) <= MAX_TITLE_CHARS else title_from(file.path)
    chunks = tuple(chunk(title, [Section((), file.text.replace("\r\n", "\n"))]))
    return Document(file.path, file.blob, title, file.text, chunks, url=url)


def title_from(path: str) -> str:
    """`runbooks/checkout-high-error-rate.md` → checkout high error rate; `redis/README.md` → redis."""
    pure = PurePosixPath(path)
    name = pure.parent.name if pure.stem.lower() in FOLDER_NAMES and pure.parent.name else pure.stem
    return _SEPARATORS.sub(" ", name).strip() or name


def _names(front: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """One name or a list of them."""
    found: list[str] = []
    for key in keys:
        value = front.get(key)
        values = value if isinstance(value, list) else [value]
        found += [v.strip()[:MAX_TITLE_CHARS] for v in values[:MAX_NAMES] if isinstance(v, str) and v.strip()]
    return tuple(dict.fromkeys(found))[:MAX_NAMES]

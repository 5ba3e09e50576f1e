"""A file's text as a document: title, chunks, and what it says it is for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from ratchet.documents import markdown, mdx
from ratchet.documents.base import File
from ratchet.documents.chunks import chunk
from ratchet.documents.markdown import Parsed, Section
from ratchet.domain.documents import Document

MARKDOWN: Final = frozenset({".md", ".markdown", ".mdx"})
RST: Final = frozenset({".rst", ".rest"})
HTML: Final = frozenset({".html", ".htm", ".xhtml"})
# A file of one of these names is about its folder.
FOLDER_NAMES: Final = frozenset({"readme", "index", "_index"})
MAX_HEADINGS: Final = 300
MAX_TITLE_CHARS: Final = 120
MAX_NAMES: Final = 50
_SEPARATORS: Final = re.compile(r"[-_\s]+")


def document(file: File, url: str = "") -> Document:
    """Markdown, reStructuredText and HTML by headings, other text by paragraphs. Any text is a document."""
    parsed = _parsed(file)
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


def _parsed(file: File) -> Parsed:
    suffix = PurePosixPath(file.path).suffix.lower()
    if file.markdown or suffix in MARKDOWN:
        return markdown.parse(mdx.plain(file.text) if suffix == ".mdx" else file.text)
    if suffix in HTML:
        from ratchet.documents import webpage  # noqa: PLC0415  # its libraries are large

        page = webpage.page(file.text)
        parsed = markdown.parse(page.markdown)
        return replace(parsed, title=page.title or parsed.title, front={})
    found = None
    if suffix in RST:
        from ratchet.documents import rst  # noqa: PLC0415  # docutils is large

        found = rst.parse(file.text)
    return found or _plain(file.text)


def _plain(text: str) -> Parsed:
    """A first line that is short is the title."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = first if len(first) <= MAX_TITLE_CHARS else ""
    return Parsed(title, (Section((), text.replace("\r\n", "\n")),))


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

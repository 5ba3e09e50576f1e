"""Documents and what a search in them finds, as every room sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document. `heading` is the path of headings to it without the title, joined by ` › `.

    `text` is as it stands in the source.
    """

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One file, or one page, in one version.

    `blob` is a hash of its content; `path` is relative to its source. `alerts` and `services` are those that
    its front matter says it is for. `url` is "" where nobody can open it.
    """

    path: str
    blob: str
    title: str
    text: str
    chunks: tuple[Chunk, ...]
    headings: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """The chunk of a document that fits; `text` is all of it. `score` compares within one search only."""

    heading: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A whole document as it was read last. `id`, `source`, `path`, `url`: as of `DocumentHit`."""

    id: str
    source: str
    path: str
    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentHit:
    """A whole document that was found, with its best passages, best first; there is at least one.

    `id` names the document: `BASE/blob/REVISION/PATH` where a source has such addresses, else `SOURCE/PATH`.
    `heading` is the first passage's. `url` is "" where nobody can open it.
    """

    id: str
    source: str
    path: str
    title: str
    heading: str
    url: str
    passages: tuple[Passage, ...]
    score: float

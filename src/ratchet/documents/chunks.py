"""A document as chunks: by heading, each with its heading path, about 500 tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ratchet.documents.markdown import Section
from ratchet.domain.documents import Chunk

# A token is about four characters of English; of code and of identifiers, fewer.
TARGET_CHARS: Final = 1_600
MAX_CHARS: Final = 2_400
# Shorter sections join the next one below the same title: one line alone says too little to be found by.
SMALL_CHARS: Final = 240


def chunk(title: str, sections: Iterable[Section]) -> list[Chunk]:
    """The document's chunks in order; empty sections leave their heading only in others' paths."""
    found: list[Chunk] = []
    waiting: Chunk | None = None
    for section in sections:
        for piece in _pieces(section.body):
            here = Chunk(_path(title, section.headings), piece)
            if waiting is not None:
                here = _joined(waiting, here, section.headings)
            waiting = here if len(here.text) < SMALL_CHARS else None
            if waiting is None:
                found.append(here)
    if waiting is not None:
        _append(found, waiting)
    return found


def _path(title: str, headings: tuple[str, ...]) -> str:
    """The first heading often repeats the title."""
    same = headings and headings[0].casefold() == title.casefold()
    return " › ".join(headings[1:] if same else headings)


def _joined(small: Chunk, following: Chunk, headings: tuple[str, ...]) -> Chunk:
    """The following section's heading goes into the text, since the chunk has the first one's path."""
    if small.heading == following.heading or not small.heading:
        name = f"## {headings[-1]}\n\n" if headings and small.heading != following.heading else ""
        return Chunk(following.heading or small.heading, f"{small.text}\n\n{name}{following.text}")
    return Chunk(small.heading, f"{small.text}\n\n## {headings[-1]}\n\n{following.text}")


def _append(found: list[Chunk], rest: Chunk) -> None:
    """A small end joins the chunk before it."""
    if found and len(found[-1].text) + len(rest.text) <= MAX_CHARS:
        before = found.pop()
        name = f"## {rest.heading.split(' › ')[-1]}\n\n" if rest.heading != before.heading else ""
        rest = Chunk(before.heading, f"{before.text}\n\n{name}{rest.text}")
    found.append(rest)


def _pieces(body: str) -> Iterator[str]:
    """The body whole, or where it is long by paragraphs; a longer one by lines; a longer line as it comes."""
    body = body.strip()
    if len(body) <= MAX_CHARS:
        if body:
            yield body
        return
    piece = ""
    for part in _parts(body):
        if piece and len(piece) + len(part) > TARGET_CHARS:
            if piece.strip():
                yield piece.strip()
            piece = ""
        piece += part
    if piece.strip():
        yield piece.strip()


def _parts(body: str) -> Iterator[str]:
    """Paragraphs, lines and stretches of at most TARGET_CHARS, which together are the body."""
    for paragraph in body.split("\n\n"):
        if len(paragraph) <= TARGET_CHARS:
            yield f"{paragraph}\n\n"
            continue
        for line in paragraph.split("\n"):
            for start in range(0, max(1, len(line)), TARGET_CHARS):
                yield line[start : start + TARGET_CHARS]
            yield "\n"
        yield "\n"

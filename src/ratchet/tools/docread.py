"""The tool `docread`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ratchet.documents.markdown import Heading, outline
from ratchet.domain.errors import Refused
from ratchet.tools.base import DocumentReader

LINES: Final = 150
MAX_LINES: Final = 400
TEXT_CHARS: Final = 20_000
HEADINGS: Final = 60


@dataclass(frozen=True, slots=True)
class DocumentText:
    """Lines of a document, word for word. `lines`: how many it has; lines count from 1."""

    id: str
    title: str
    permalink: str
    first_line: int
    last_line: int
    lines: int
    headings: tuple[str, ...]
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DocReadTool:
    reader: DocumentReader

    async def docread(
        self,
        document: Annotated[str, Field(min_length=1, max_length=1000)],
        heading: Annotated[str | None, Field(max_length=300)] = None,
        first_line: Annotated[int, Field(ge=1)] = 1,
        lines: Annotated[int, Field(ge=1, le=MAX_LINES)] = LINES,
    ) -> DocumentText:
        """Read a document, or a part of it, word for word.

        Args:
            document: The `id` of a document, as `docsearch` gave it.
            heading: Only what stands below this heading.
            first_line: Without a heading: the line to begin with.
            lines: How many lines at most.
        """
        found = await self.reader.read(document)
        if found is None:
            raise Refused(f"There is no document {document!r}. Take the `id` that `docsearch` gave.")
        headings = outline(found.text)
        whole = found.text.splitlines()
        first, last = 1, len(whole)
        if heading:
            first, last = _below(headings, heading, len(whole))
        elif first_line > max(1, len(whole)):
            raise Refused(f"The document ends with line {len(whole)}.")
        else:
            first = first_line
        shown, cut = _bounded(whole[first - 1 : last], lines)
        end = first + len(shown) - 1
        note = f"It goes on: read on with first_line={end + 1}." if end < last else ""
        return DocumentText(
            found.id,
            found.title,
            found.url,
            first,
            end,
            len(whole),
            tuple(f"{'#' * one.level} {one.name}" for one in headings[:HEADINGS]),
            "\n".join(shown),
            note or ("A very long line is cut." if cut else ""),
        )


def _below(headings: Sequence[Heading], wanted: str, lines: int) -> tuple[int, int]:
    """First and last line of the section. Raises `Refused`, naming the headings that there are."""
    name = " ".join(wanted.rsplit(" › ", maxsplit=1)[-1].lstrip("# ").casefold().split())
    for number, heading in enumerate(headings):
        if heading.name.casefold() == name:
            after = (one.line - 1 for one in headings[number + 1 :] if one.level <= heading.level)
            return heading.line, next(after, lines)
    there = "; ".join(one.name for one in headings[:HEADINGS]) or "none"
    raise Refused(f"There is no heading {wanted!r}. There are: {there}.")


def _bounded(lines: Sequence[str], most: int) -> tuple[list[str], bool]:
    """As many of the lines as fit; at least one, which may be cut."""
    shown: list[str] = []
    room = TEXT_CHARS
    for line in lines[:most]:
        room -= len(line) + 1
        if room < 0 and shown:
            break
        shown.append(line[:TEXT_CHARS])
    return shown, bool(shown) and len(lines[0]) > TEXT_CHARS

"""The tool `docsearch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ratchet.domain.documents import DocumentHit
from ratchet.llm.data import cut
from ratchet.tools.base import DocumentReader

PASSAGE_CHARS: Final = 900


@dataclass(frozen=True, slots=True)
class FoundPassage:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document as the model sees it. `id` is what `docread` takes; `permalink` is "" where it has none."""

    id: str
    title: str
    heading: str
    permalink: str
    passages: tuple[FoundPassage, ...]


@dataclass(frozen=True, slots=True)
class DocumentsResult:
    documents: tuple[FoundDocument, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class DocSearchTool:
    reader: DocumentReader

    async def docsearch(
        self,
        query: Annotated[str, Field(min_length=1, max_length=400)],
        limit: Annotated[int, Field(ge=1, le=8)] = 4,
    ) -> DocumentsResult:
        """Search the team's written documentation: how-tos, runbooks. Use it first for how to do things.

        Args:
            query: What the page would be about, in words that it would contain.
            limit: How many documents, best first.
        """
        hits = await self.reader.find(query, limit)
        found = tuple(found_document(hit) for hit in hits)
        return DocumentsResult(found, "" if found else "No document fits. Try other or fewer words, once.")


def found_document(hit: DocumentHit, limit: int = PASSAGE_CHARS) -> FoundDocument:
    """The document for the model, each passage cut to about `limit` characters."""
    passages = tuple(FoundPassage(one.heading, cut(one.text, limit)) for one in hit.passages)
    return FoundDocument(hit.id, hit.title, hit.heading, hit.url, passages)

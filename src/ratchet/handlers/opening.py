"""What is looked up for a model that cannot look anything up itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from ratchet.domain.messages import Message
from ratchet.handlers.base import Permalinks, RecordReader
from ratchet.tools.asking import Asking
from ratchet.tools.base import DocumentReader, FoundMessage, channel_names, found
from ratchet.tools.docsearch import FoundDocument, found_document

# Small models as a rule: few messages, and short ones.
SHOWN: Final = 5
PAGES: Final = 2
TEXT_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that fits the question, and the best of what people answered under it."""

    message: FoundMessage
    answer: FoundMessage | None


@dataclass(frozen=True, slots=True)
class Opening:
    """`answer` finds what people answered under a message, as far as the channel of `asking` may see it."""

    reader: RecordReader
    links: Permalinks
    asking: Asking
    query: str
    answer: Callable[[Message, str], Awaitable[Message | None]]
    documents: DocumentReader | None = None

    async def search_results(self) -> list[Quote | FoundDocument]:
        """The top documents and messages, best first, without those of the thread in which it is asked."""
        seen_from = self.asking.message.channel_id
        hits = await self.reader.search_messages(self.query, visible_from=seen_from, limit=SHOWN * 2)
        others = [hit for hit in self.asking.others(hits) if not self.asking.beside(hit)][:SHOWN]
        name = await channel_names(self.reader, {hit.channel_id for hit in others}, seen_from)

        def shown(message: Message) -> FoundMessage:
            return found(message, self.links, name(message.channel_id), TEXT_CHARS)

        answers = [await self.answer(hit, seen_from) for hit in others]
        pairs = zip(others, answers, strict=True)
        pages = await self.documents.find(self.query, PAGES) if self.documents else []
        documents = [found_document(page, TEXT_CHARS) for page in pages]
        return [*documents, *(Quote(shown(hit), shown(answer) if answer else None) for hit, answer in pairs)]

"""The tool `search_messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ratchet.tools.asking import Asking
from ratchet.tools.base import FoundMessage, ToolDeps, channel_names, found, the_channel

TEXT_CHARS: Final = 700
# So many more are looked for as may be questions to Ratchet, which answer nothing.
MORE: Final = 10


@dataclass(frozen=True, slots=True)
class SearchResult:
    messages: tuple[FoundMessage, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SearchMessagesTool:
    deps: ToolDeps
    asked_in: str
    asking: Asking | None = None

    async def search_messages(
        self,
        query: Annotated[str, Field(min_length=1, max_length=400)],
        channel: str | None = None,
        limit: Annotated[int, Field(ge=1, le=15)] = 6,
    ) -> SearchResult:
        """Search the recorded Slack messages. Use it first for what happened or what helped.

        Args:
            query: Names, error texts and words that the message would contain, not a sentence.
            channel: Name or id of one channel; leave out to search all that may be seen.
            limit: How many messages, best first.
        """
        reader = self.deps.reader
        within = (await the_channel(reader, channel, self.asked_in)).id if channel else None
        hits = await reader.search_messages(
            query, visible_from=self.asked_in, channel_id=within, limit=limit + MORE
        )
        messages = (self.asking.others(hits) if self.asking else hits)[:limit]
        name = await channel_names(reader, {m.channel_id for m in messages}, self.asked_in)
        results = tuple(found(m, self.deps.links, name(m.channel_id), TEXT_CHARS) for m in messages)
        return SearchResult(results, "" if results else "Nothing was found. Try other or fewer words, once.")

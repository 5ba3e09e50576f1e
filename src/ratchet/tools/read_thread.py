"""The tool `read_thread`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from ratchet.domain.errors import Refused
from ratchet.tools.base import FoundMessage, ToolDeps, channel_names, found, reference

MESSAGES: Final = 30
TEXT_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class ThreadResult:
    messages: tuple[FoundMessage, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReadThreadTool:
    deps: ToolDeps
    asked_in: str

    async def read_thread(
        self, message_id: Annotated[str, Field(min_length=1, max_length=300)]
    ) -> ThreadResult:
        """Read the whole thread around a message: the alert or question, and what people answered.

        Args:
            message_id: The `id` or the permalink of any message of the thread, as another tool gave it.
        """
        ref = reference(message_id)
        messages = await self.deps.reader.read_thread(
            ref.channel_id, ref.ts, visible_from=self.asked_in, limit=MESSAGES
        )
        if not messages:
            raise Refused(f"There is no message {ref} that may be read from here.")
        name = await channel_names(self.deps.reader, [ref.channel_id], self.asked_in)
        results = tuple(found(m, self.deps.links, name(ref.channel_id), TEXT_CHARS) for m in messages)
        full = len(results) >= MESSAGES
        return ThreadResult(results, "Only the first and the newest messages are shown." if full else "")

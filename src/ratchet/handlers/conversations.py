"""What is known of Ratchet's own part in conversations, as a Protocol."""

from __future__ import annotations

from typing import Protocol

from ratchet.domain.conversations import LastAnswer


class Conversations(Protocol):
    async def last_answer(self, channel_id: str, thread_ts: str, before: str) -> LastAnswer | None:
        """The newest answer of the assistant in a thread before a ts; None without one."""
        ...

    async def spoke_unasked(self, channel_id: str, since: str) -> int:
        """How many questions that were asked after a ts it answered unasked."""
        ...

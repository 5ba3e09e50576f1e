"""What people see while an answer is made."""

from __future__ import annotations

from typing import Final, Protocol

WORKING: Final = "is looking through the record…"


class Progress(Protocol):
    """Idempotent, lossy and never needed: it raises nothing, and does not take long."""

    async def status(self, channel_id: str, thread_ts: str, text: str) -> None:
        """The line under a thread, after Ratchet's name; "" clears it, and so does a reply in the thread."""
        ...

    async def title(self, channel_id: str, thread_ts: str, text: str) -> None:
        """What a conversation in direct messages is called."""
        ...

    async def working(self, channel_id: str, thread_ts: str, *, on: bool) -> None:
        """Whether people may press Slack's stop button under a thread. Slack does not end it by itself."""
        ...


class NoProgress:
    """Shows nothing."""

    async def status(self, channel_id: str, thread_ts: str, text: str) -> None:
        """See `Progress`."""

    async def title(self, channel_id: str, thread_ts: str, text: str) -> None:
        """See `Progress`."""

    async def working(self, channel_id: str, thread_ts: str, *, on: bool) -> None:
        """See `Progress`."""

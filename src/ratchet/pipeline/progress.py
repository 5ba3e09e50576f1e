"""Slack's status line and titles, as far as Slack takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.domain.errors import RatchetError
from ratchet.slack.web import SlackWeb

log = structlog.get_logger(__name__)

WAIT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class SlackProgress:
    """Satisfies `ratchet.handlers.progress.Progress`. `muted`: nothing is shown where people talk."""

    slack: SlackWeb
    muted: bool = False

    async def status(self, channel_id: str, thread_ts: str, text: str) -> None:
        """See the Protocol."""
        if not self.muted:
            await _attempt("status", self.slack.set_status(channel_id, thread_ts, text))

    async def title(self, channel_id: str, thread_ts: str, text: str) -> None:
        """See the Protocol."""
        if not self.muted:
            await _attempt("title", self.slack.set_title(channel_id, thread_ts, text))

    async def working(self, channel_id: str, thread_ts: str, *, on: bool) -> None:
        """See the Protocol."""
        if not self.muted:
            await _attempt("session", self.slack.set_session(channel_id, thread_ts, on=on))

    async def prompts(self, channel_id: str, thread_ts: str | None, prompts: dict[str, str]) -> None:
        """What is offered at the beginning of a conversation: message by title."""
        if not self.muted:
            await _attempt("prompts", self.slack.set_prompts(channel_id, thread_ts, prompts))


async def _attempt(what: str, call: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            await call
    except (RatchetError, TimeoutError) as error:
        log.info("progress_not_shown", what=what, reason=str(error) or "no answer in time")

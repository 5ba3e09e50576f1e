"""Mode draft: what would be answered is shown to a person elsewhere first, who posts or discards it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from ratchet.domain.effects import AskApproval, Effect, OwnEffect, Reply
from ratchet.domain.messages import Channel
from ratchet.domain.review import review_problem
from ratchet.handlers.base import Handler, Permalinks, Trigger
from ratchet.handlers.citations import unpinged
from ratchet.handlers.mentions import question
from ratchet.handlers.quotes import plain
from ratchet.llm.data import cut
from ratchet.llm.redact import Redactor, redact

log = structlog.get_logger(__name__)

ASKED_CHARS: Final = 300


class Directory(Protocol):
    """Channels with their settings, and what people are called."""

    async def get(self, channel_id: str) -> Channel | None: ...

    async def names(self, user_ids: Collection[str]) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Review:
    """Turns answers into drafts, where the channel is in mode draft."""

    directory: Directory
    links: Permalinks
    redactor: Redactor = redact

    async def instead(
        self, trigger: Trigger, answer: Callable[[], Awaitable[Sequence[Effect]]]
    ) -> Sequence[Effect]:
        """What `answer` comes to, or the drafts of it. It is not made where nobody could review it."""
        channel = trigger.channel
        if channel.mode != "draft":
            return await answer()
        review = await self.directory.get(channel.manners.review_channel or "")
        if review is None or (problem := review_problem(channel, review)):
            log.warning(
                "draft_not_shown", channel=channel.id, reason=problem if review else "no such channel"
            )
            return []
        title = await self._title(trigger)
        drafts = [self._draft(trigger, effect, review.id, title) for effect in await answer()]
        return [draft for draft in drafts if draft is not None]

    def drafted(self, inner: Handler) -> Drafted:
        """The handler, with drafts of what it answers where the channel wants them."""
        return Drafted(inner, self)

    async def _title(self, trigger: Trigger) -> str:
        message, channel = trigger.message, trigger.channel
        names = await self.directory.names([message.sender.id])
        who = plain(message.sender.name or names.get(message.sender.id) or "a colleague")
        link = self.links(message.channel_id, message.ts, message.parent_ts)
        return f"[{who}'s question]({link}) in #{channel.name or 'a channel'}"

    def _draft(self, trigger: Trigger, effect: Effect, where: str, title: str) -> Effect | None:
        """Nothing but an answer, or a question that must be decided before there is one, is shown."""
        if isinstance(effect, OwnEffect):
            return effect
        if isinstance(effect, AskApproval):
            text = f"To answer {title}:\n{effect.markdown}"
            return replace(effect, channel_id=where, thread_ts="", markdown=text)
        if not isinstance(effect, Reply) or not effect.feedback:
            return None
        message = trigger.message
        asked = unpinged(self.redactor(question(message.text, trigger.me_user_id)), {})
        quote = "\n".join(f"> {line}" for line in cut(asked, ASKED_CHARS).splitlines())
        return AskApproval(
            where,
            "",
            # The first line is what is kept once it is decided.
            f"**Draft** of an answer to {title}\n{quote}\n\n{effect.markdown}",
            (effect,),
            message.sender.id,
            (message.channel_id, message.ts),
            effect.footer,
            draft=True,
        )


@dataclass(frozen=True, slots=True)
class Drafted:
    """A handler that answers requests, such as for a runbook."""

    inner: Handler
    review: Review

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def timeout_s(self) -> float:
        return self.inner.timeout_s

    def wants(self, trigger: Trigger) -> bool:
        return self.inner.wants(trigger)

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        return await self.review.instead(trigger, lambda: self.inner.handle(trigger))

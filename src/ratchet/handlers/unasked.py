"""Mode auto: a question to everybody is answered unasked, with evidence and a source, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

import structlog

from ratchet.domain.documents import DocumentHit
from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.messages import Message
from ratchet.handlers.assistant import Assistant, text_of
from ratchet.handlers.base import Trigger
from ratchet.handlers.citations import cites
from ratchet.handlers.conversations import Conversations
from ratchet.handlers.drafts import Review
from ratchet.handlers.hand_over import hand_over
from ratchet.handlers.mentions import mentions, question
from ratchet.handlers.pages import quoted_page
from ratchet.handlers.questions import abstains, is_question
from ratchet.llm.turn import Turn, TurnResult, TurnRunner
from ratchet.tools.base import link_to

log = structlog.get_logger(__name__)

MODULE: Final = "unasked"
MODES: Final = frozenset({"auto", "draft"})
KINDS: Final = frozenset({"public", "private"})
# What else a plain message may be, in Slack's words.
SUBTYPES: Final = frozenset({None, "file_share"})
HOUR: Final = timedelta(hours=1)
# What the model writes when it would only be guessing.
NO_ANSWER: Final = "NO_ANSWER"


# As near must a page come to a question, as a cosine; measured, see docs/help-channels.md.
SURE: Final = 0.6


class Evidence(Protocol):
    async def nearest(self, text: str) -> DocumentHit | None:
        """The passage of a document that means most the same as a text; its score is the cosine."""
        ...


@dataclass(frozen=True, slots=True)
class Unprompted:
    """A model that is told that nobody asked, and that waits for nobody."""

    runner: TurnRunner

    @property
    def model(self) -> str:
        return self.runner.model

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See `TurnRunner.run_turn`."""
        instructions = f"{turn.instructions}\n\n{text_of('unasked')}"
        return await self.runner.run_turn(replace(turn, instructions=instructions, may_wait=False))


@dataclass(frozen=True, slots=True)
class Unasked:
    """Answers at most `per_hour` questions in a channel, none that is older than `fresh`.

    Without a model it quotes the page that means the same as the question, if there is one: quotes for the
    words of a question are for who asks for them. What has no answer may be handed over to its owners.
    """

    assistant: Assistant
    review: Review
    conversations: Conversations
    per_hour: int = 6
    fresh: timedelta = timedelta(minutes=10)
    name: str = MODULE
    evidence: Evidence | None = None

    @property
    def timeout_s(self) -> float:
        return self.assistant.timeout_s

    def wants(self, trigger: Trigger) -> bool:
        message, channel = trigger.message, trigger.channel
        return (
            channel.mode in MODES
            and channel.kind in KINDS
            and channel.speaks
            and not channel.archived
            and not channel.manners.quiet_at(trigger.at)
            and message.sender.kind == "person"
            and message.parent_ts is None
            and message.subtype in SUBTYPES
            and not trigger.edited
            and not mentions(message.text, trigger.me_user_id)
            and is_question(message.text)
        )

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        if not await self._may(trigger.message):
            return []
        return await self.review.instead(trigger, lambda: self._said(trigger))

    async def _said(self, trigger: Trigger) -> Sequence[Effect]:
        """The answer, else the offer to call the owners where there are any, else nothing."""
        effects: Sequence[Effect] = await self._answer(trigger)
        # While it was made, somebody may have answered.
        if not await self._alone(trigger.message):
            return []
        group = trigger.channel.manners.owner_group
        return effects or ([hand_over(trigger.message, group)] if group else [])

    async def _answer(self, trigger: Trigger) -> list[Reply]:
        """By the model, else from a page when no model could be asked."""
        if self.assistant.runner is None:
            return await self._by_page(trigger)
        runner = Unprompted(self.assistant.runner)
        effects = await replace(self.assistant, runner=runner, name=self.name, desk=None).handle(trigger)
        replies = [effect for effect in effects if isinstance(effect, Reply)]
        if not any(map(by_model, replies)):
            return await self._by_page(trigger)
        own = link_to(trigger.message, self.assistant.links)
        return [reply for reply in replies if evident(reply, own)]

    async def _by_page(self, trigger: Trigger) -> list[Reply]:
        asked = question(trigger.message.text, trigger.me_user_id)
        hit = await self.evidence.nearest(asked) if self.evidence else None
        if hit is None or hit.score < SURE:
            return []
        message, said = trigger.message, self.assistant.redactor(quoted_page(hit, asked))
        return [Reply(message.channel_id, message.thread_ts, said, Footer(self.name), feedback=True)]

    async def _may(self, message: Message) -> bool:
        age = self.assistant.clock() - message.posted_at
        if age > self.fresh or not await self._alone(message):
            return False
        since = f"{(message.posted_at - HOUR).timestamp():.6f}"
        spoken = await self.conversations.spoke_unasked(message.channel_id, since)
        if spoken >= self.per_hour:
            log.info("unasked_enough", channel=message.channel_id, spoken=spoken)
        return spoken < self.per_hour

    async def _alone(self, message: Message) -> bool:
        """Whether nobody has said anything to it yet."""
        thread = await self.assistant.reader.read_thread(
            message.channel_id, message.ts, visible_from=message.channel_id, limit=2
        )
        return all(other.ts == message.ts for other in thread)


def evident(reply: Reply, own: str) -> bool:
    """Whether an answer is worth saying to people who did not ask for it: a model's, sure, with a source.

    `own`: the address of the question, which proves nothing.
    """
    sure = NO_ANSWER not in reply.markdown and not abstains(reply.markdown)
    return by_model(reply) and sure and cites(reply.markdown, but=own)


def by_model(reply: Reply) -> bool:
    return reply.footer is not None and reply.footer.model is not None

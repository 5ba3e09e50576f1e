"""Mode auto: a question to everybody is answered unasked, with evidence and a source, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from ratchet.domain.effects import Effect, Reply
from ratchet.domain.messages import Message
from ratchet.handlers.assistant import Assistant, text_of
from ratchet.handlers.base import Trigger
from ratchet.handlers.citations import cites
from ratchet.handlers.conversations import Conversations
from ratchet.handlers.drafts import Review
from ratchet.handlers.mentions import mentions
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

    Silent without a model: quotes for the words of a question are for who asks for them.
    """

    assistant: Assistant
    review: Review
    conversations: Conversations
    per_hour: int = 6
    fresh: timedelta = timedelta(minutes=10)
    name: str = MODULE

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
        if self.assistant.runner is None or not await self._may(trigger.message):
            return []
        return await self.review.instead(trigger, lambda: self._answer(trigger, Unprompted(self.runner)))

    @property
    def runner(self) -> TurnRunner:
        assert self.assistant.runner is not None
        return self.assistant.runner

    async def _answer(self, trigger: Trigger, runner: TurnRunner) -> Sequence[Effect]:
        effects = await replace(self.assistant, runner=runner, name=self.name, desk=None).handle(trigger)
        # While it was made, somebody may have answered.
        if not await self._alone(trigger.message):
            return []
        own = link_to(trigger.message, self.assistant.links)
        return [effect for effect in effects if isinstance(effect, Reply) and evident(effect, own)]

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


def evident(reply: Reply, question: str) -> bool:
    """Whether an answer is worth saying to people who did not ask for it: a model's, sure, with a source.

    `question`: its address, which proves nothing.
    """
    by_model = reply.footer is not None and reply.footer.model is not None
    sure = NO_ANSWER not in reply.markdown and not abstains(reply.markdown)
    return by_model and sure and cites(reply.markdown, but=question)

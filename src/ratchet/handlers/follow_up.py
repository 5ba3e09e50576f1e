"""Who was just answered in a thread goes on talking, without a mention. Where the channel wants it so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ratchet.domain.effects import Effect
from ratchet.domain.messages import Message, posted_at
from ratchet.handlers.answers import Answers
from ratchet.handlers.base import Trigger
from ratchet.handlers.conversations import Conversations
from ratchet.handlers.mentions import addressed, is_request
from ratchet.handlers.questions import small_talk

MODULE: Final = "follow_up"
# Of the thread, what stands between the answer and the reply.
LOOKS_BACK: Final = 50
_TO_OTHERS: Final = re.compile(r"<(?:@|!)[^>\n]{1,120}>")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Answers a reply as if it mentioned Ratchet.

    Only the person whom the last answer of the thread was for, when nobody else has written since, and the
    conversation has not been idle for longer than `idle`.
    """

    answers: Answers
    conversations: Conversations
    idle: timedelta = timedelta(minutes=30)
    name: str = MODULE

    @property
    def timeout_s(self) -> float:
        return self.answers.timeout_s

    def wants(self, trigger: Trigger) -> bool:
        message, channel = trigger.message, trigger.channel
        return (
            channel.manners.follow_ups
            and channel.speaks
            and not channel.archived
            and not channel.manners.quiet_at(trigger.at)
            and message.sender.kind == "person"
            and message.parent_ts is not None
            and not trigger.edited
            and not addressed(trigger)
            and not is_request(message.text, trigger.me_user_id)
            and _TO_OTHERS.search(message.text) is None
            and not small_talk(message.text)
        )

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        return await self.answers.handle(trigger) if await self._goes_on(trigger.message) else []

    async def resume(self, trigger: Trigger, waited: Mapping[str, Any], approved: bool) -> Sequence[Effect]:
        """See `Resumable`."""
        return await self.answers.resume(trigger, waited, approved)

    async def _goes_on(self, message: Message) -> bool:
        last = await self.conversations.last_answer(message.channel_id, message.thread_ts, message.ts)
        if last is None or last.asked_by != message.sender.id:
            return False
        thread = await self.answers.assistant.reader.read_thread(
            message.channel_id, message.thread_ts, visible_from=message.channel_id, limit=LOOKS_BACK
        )
        between = [other for other in thread if last.ts < other.ts < message.ts]
        theirs = all(other.sender.kind == "self" or other.sender.id == message.sender.id for other in between)
        latest = max([last.ts, *(other.ts for other in between)])
        return theirs and message.posted_at - posted_at(latest) <= self.idle

"""A question without an answer, and owners who could be called: a button that calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ratchet.domain.effects import AskApproval, Effect, Footer, Form, Reply, TakeBack
from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.base import Trigger

MODULE: Final = "hand_over"
OFFER: Final = "I found no answer to this in the documents or the record. Shall the owners have a look?"
CALL: Final = "nobody has answered this yet. Could one of you have a look?"


class OpenQuestions(Protocol):
    async def waiting(self, source: MessageRef, form: Form) -> str | None:
        """User id of who asked what still waits for a click about a message; None for nothing."""
        ...


def hand_over(question: Message, group: str) -> AskApproval:
    """One message under the question. `group`: by id or @handle; it hears of it when somebody clicks."""
    call = Reply(question.channel_id, question.thread_ts, CALL, Footer(MODULE), ping=group)
    return AskApproval(
        question.channel_id,
        question.thread_ts,
        OFFER,
        (call,),
        question.sender.id,
        (question.channel_id, question.ts),
        Footer(MODULE),
        form="hand_over",
    )


@dataclass(frozen=True, slots=True)
class HandOverEnds:
    """The button goes when somebody answers."""

    offers: OpenQuestions
    name: str = MODULE
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        message = trigger.message
        return (
            trigger.channel.manners.owner_group is not None
            and message.sender.kind == "person"
            and message.parent_ts is not None
            and not trigger.edited
        )

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message = trigger.message
        root = (message.channel_id, message.thread_ts)
        asked_by = await self.offers.waiting(MessageRef(*root), MODULE)
        return [TakeBack(root, MODULE)] if asked_by not in (None, message.sender.id) else []

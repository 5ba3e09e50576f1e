"""`@ratchet stop`: the turn that runs in the thread ends; it looks for this message by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.domain.effects import Effect, React
from ratchet.handlers.base import Trigger
from ratchet.handlers.mentions import addressed, asked_stop


@dataclass(frozen=True, slots=True)
class Stop:
    """Only says that it was heard. A turn watches its own thread, in whichever process it runs."""

    name: str = "stop"
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_stop(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        return [React(trigger.message.channel_id, trigger.message.ts, "ok_hand")]

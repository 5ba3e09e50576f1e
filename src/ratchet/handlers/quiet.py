"""`@ratchet be quiet`, `@ratchet quiet for 2h`, `@ratchet speak again`: for the channel where it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ratchet.domain.channels import Manners
from ratchet.domain.effects import Effect, Footer, Reply, SetManners
from ratchet.handlers.base import Trigger
from ratchet.handlers.mentions import addressed, asked_quiet
from ratchet.handlers.runbook_text import duration
from ratchet.tools.base import minute

MODULE: Final = "quiet"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Sets until when nothing is said unasked in the channel; the latest word counts."""

    name: str = MODULE
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_quiet(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message = trigger.message
        wanted = asked_quiet(message.text, trigger.me_user_id)
        assert wanted is not None
        # From when it was said: a run that comes late or again ends it at the same time.
        until = trigger.at + wanted if wanted else None
        line = hushed(wanted, until) if until else speaking(trigger.channel.manners)
        return [
            SetManners(message.channel_id, {"quiet_until": until}),
            Reply(message.channel_id, message.thread_ts, line, Footer(MODULE)),
        ]


def hushed(wanted: timedelta, until: datetime) -> str:
    return (
        f"Quiet in this channel for {duration(wanted.total_seconds())}, until {minute(until)}:"
        " no runbooks and no notes unless somebody asks me. To undo, mention me with `speak again`."
    )


def speaking(manners: Manners) -> str:
    """Not more than is true: what an operator switched off stays off."""
    kinds = {
        "runbooks": manners.runbooks,
        "notes under repeated alerts": manners.repeats,
        "summaries of storms": manners.storms,
    }
    off = [kind for kind, on in kinds.items() if not on]
    return "I speak again in this channel." + (f" Still switched off: {', '.join(off)}." if off else "")

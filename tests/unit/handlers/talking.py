"""People and a scripted model in one channel, for the handlers that talk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ratchet.domain.channels import Manners
from ratchet.domain.conversations import LastAnswer
from ratchet.domain.errors import RatchetError
from ratchet.domain.messages import Channel, ChannelMode, Message, Sender, SenderKind, posted_at
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.llm.budget import Usage
from ratchet.llm.turn import ToolResult, Turn, TurnResult
from ratchet.tools.base import WorkspaceLinks
from ratchet.tools.testing import MemoryRecord

ME = "U0RATCHET"
LINKS = WorkspaceLinks("https://team.slack.com/")
HELP = Channel("C0HELP", "help")
REVIEW = Channel("C0REVIEW", "answers")
ASKED_TS = "1800000000.000000"
FIX_TS = "1790000000.000000"
FIX_LINK = "https://team.slack.com/archives/C0HELP/p1790000000000000"


def person(
    ts: str,
    text: str,
    name: str = "Ana",
    *,
    parent: str | None = None,
    kind: SenderKind = "person",
    channel: str = HELP.id,
) -> Message:
    sender = Sender(kind, ME if kind == "self" else f"U0{name.upper()}", name)
    return Message(channel, ts, sender, text, ts, parent_ts=parent)


FIX = person(FIX_TS, "The upload fails when the bucket is full: run `bucketctl prune --older 30d`", "Bo")
QUESTION = person(ASKED_TS, "why does the upload fail every night?")
FOUND = ToolResult(
    "search_messages",
    {},
    {"messages": [{"permalink": FIX_LINK, "text": FIX.text, "author": "Bo", "time": "2026-09-21 12:53 UTC"}]},
)
GOOD = f"The bucket is full: run `bucketctl prune --older 30d` ([Bo]({FIX_LINK}))."


def at(seconds: float) -> str:
    """A ts, from when the question was asked."""
    return f"{1_800_000_000 + seconds:.6f}"


def heard(asked: Message = QUESTION, channel: Channel = HELP, **changes: Any) -> Trigger:
    return replace(Trigger(asked, channel, ME), **changes)


def channel_in(mode: ChannelMode, **manners: Any) -> Channel:
    return replace(HELP, mode=mode, manners=Manners(**manners))


@dataclass
class ScriptedRunner:
    """Answers every turn with the same result or error, and keeps the turns. `during` happens meanwhile."""

    outcome: str | RatchetError = GOOD
    results: tuple[ToolResult, ...] = (FOUND,)
    turns: list[Turn] = field(default_factory=list)
    model: str = "scripted"

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turns.append(turn)
        await self.during()
        if isinstance(self.outcome, RatchetError):
            raise self.outcome
        return TurnResult(self.outcome, self.model, Usage(1, 1, 9, 1, 0.0, 0.1), self.results)

    async def during(self) -> None:
        """What happens while the model thinks."""


def record(*more: Message) -> MemoryRecord:
    return MemoryRecord([HELP, REVIEW], [FIX, *more])


def assistant(
    reader: MemoryRecord, runner: ScriptedRunner | None, late: float = 1.0, asked: Message = QUESTION
) -> Assistant:
    clock = posted_at(asked.ts) + timedelta(seconds=late)
    return Assistant(reader, LINKS, runner, clock=lambda: clock)


@dataclass
class People:
    """Channels with their settings, and names."""

    channels: Sequence[Channel] = (HELP, REVIEW)

    async def get(self, channel_id: str) -> Channel | None:
        return next((one for one in self.channels if one.id == channel_id), None)

    async def names(self, user_ids: Collection[str]) -> dict[str, str]:
        return {user_id: user_id.removeprefix("U0").title() for user_id in user_ids}


@dataclass
class Past:
    """What was said before."""

    last: LastAnswer | None = None
    spoken: int = 0

    async def last_answer(self, channel_id: str, thread_ts: str, before: str) -> LastAnswer | None:
        return self.last if self.last is None or self.last.ts < before else None

    async def spoke_unasked(self, channel_id: str, since: str) -> int:
        return self.spoken

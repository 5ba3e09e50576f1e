"""The assistant as people meet it: it shows that it works, and asks first where the channel wants drafts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ratchet.domain.effects import AskApproval, Effect, Reply
from ratchet.domain.errors import RatchetError
from ratchet.domain.messages import Message
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.handlers.citations import unpinged
from ratchet.handlers.drafts import Review
from ratchet.handlers.mentions import question
from ratchet.handlers.progress import WORKING, NoProgress, Progress

TITLE_CHARS: Final = 60
TITLE_LOOKS_BACK: Final = 20

Answering = Callable[[], Awaitable[Sequence[Effect]]]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers who mentions Ratchet, or writes to it directly.

    `after_s`: what is answered sooner needs no sign that it is worked on, in seconds.
    """

    assistant: Assistant
    review: Review
    progress: Progress = field(default_factory=NoProgress)
    after_s: float = 0.4

    @property
    def name(self) -> str:
        return self.assistant.name

    @property
    def timeout_s(self) -> float:
        return self.assistant.timeout_s

    def wants(self, trigger: Trigger) -> bool:
        return self.assistant.wants(trigger)

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        return await self._made(trigger, lambda: self.assistant.handle(trigger))

    async def resume(self, trigger: Trigger, waited: Mapping[str, Any], approved: bool) -> Sequence[Effect]:
        """See `Resumable`."""
        return await self._made(trigger, lambda: self.assistant.resume(trigger, waited, approved))

    async def _made(self, trigger: Trigger, answer: Answering) -> Sequence[Effect]:
        if trigger.channel.mode == "draft":
            return await self.review.instead(trigger, answer)
        return await self._shown(trigger, answer) if trigger.watched else await answer()

    async def _shown(self, trigger: Trigger, answer: Answering) -> Sequence[Effect]:
        """The answer; meanwhile people see that it is worked on."""
        effects: Sequence[Effect] = []
        failed: RatchetError | None = None
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            showing = group.create_task(self._show(trigger.message, over))
            if trigger.channel.kind == "im":
                group.create_task(self._entitle(trigger))
            try:
                effects = await answer()
            except RatchetError as error:
                failed = error
            over.set()
        if showing.result():
            await self._hide(trigger.message, also_line=not any(_clears(e, trigger.message) for e in effects))
        if failed is not None:
            raise failed
        return effects

    async def _show(self, message: Message, over: asyncio.Event) -> bool:
        """Whether it was shown. Not cut short: what Slack hears after the answer would stay."""
        try:
            async with asyncio.timeout(self.after_s):
                await over.wait()
        except TimeoutError:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.progress.status(message.channel_id, message.thread_ts, WORKING))
                group.create_task(self.progress.working(message.channel_id, message.thread_ts, on=True))
            return True
        return False

    async def _hide(self, message: Message, *, also_line: bool) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.progress.working(message.channel_id, message.thread_ts, on=False))
            if also_line:
                group.create_task(self.progress.status(message.channel_id, message.thread_ts, ""))

    async def _entitle(self, trigger: Trigger) -> None:
        """A conversation is called what was asked in it first."""
        message = trigger.message
        try:
            thread = await self.assistant.reader.read_thread(
                message.channel_id,
                message.thread_ts,
                visible_from=message.channel_id,
                limit=TITLE_LOOKS_BACK,
            )
        except RatchetError:
            return  # no answer fails for want of a title
        if not any(earlier.sender.kind == "person" and earlier.ts < message.ts for earlier in thread):
            text = title(question(message.text, trigger.me_user_id))
            if text:
                await self.progress.title(message.channel_id, message.thread_ts, text)


def title(asked: str) -> str:
    """The first line of a question, short."""
    line = next((line.strip() for line in unpinged(asked, {}).splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_CHARS else f"{line[: TITLE_CHARS - 1].rstrip()}…"


def _clears(effect: Effect, message: Message) -> bool:
    """Whether it will be said in the thread: Slack then takes the status away."""
    if not isinstance(effect, Reply | AskApproval):
        return False
    return (effect.channel_id, effect.thread_ts) == (message.channel_id, message.thread_ts)

"""`@ratchet help`: what it can do, and how it behaves in the channel where it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.handlers.assistant import text_of
from ratchet.handlers.base import Trigger
from ratchet.handlers.mentions import addressed, asked_help
from ratchet.tools.base import minute

MODULE: Final = "help"
MODES: Final[Mapping[ChannelMode, str]] = {
    "off": "I say nothing here.",
    "mention": "I answer who mentions me.",
    "draft": "What I answer here, a person sees first, in another channel.",
    "auto": "I answer who mentions me, and by myself what nobody answered when the record has the answer.",
}
# What is offered at the beginning of a conversation: title and message. At most four.
PROMPTS: Final = (
    ("What is open right now?", "What is open right now?"),
    ("What fired most this week?", "Which alerts fired most often in the last 7 days?"),
    ("What fixed an alert last time?", "What fixed it the last time this alert fired: "),
    ("What can you do?", "help"),
)


@dataclass(frozen=True, slots=True)
class Help:
    """Answers `help`, and a mention without a word."""

    name: str = MODULE
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_help(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message = trigger.message
        return [Reply(message.channel_id, message.thread_ts, help_text(trigger), Footer(MODULE))]


def help_text(trigger: Trigger) -> str:
    parts = [text_of("assistant_help")]
    if trigger.channel.kind in ("im", "mpim"):
        return "\n\n".join([*parts, "Here you need not mention me."])
    here = " ".join(_here(trigger))
    return "\n\n".join([*parts, f"**In this channel:** {here}", text_of("help")])


def greeting() -> str:
    """What a conversation begins with."""
    return f"Hello. {text_of('assistant_help')}"


def _here(trigger: Trigger) -> Iterator[str]:
    channel: Channel = trigger.channel
    manners = channel.manners
    yield MODES[channel.mode]
    if manners.follow_ups:
        yield "Who I just answered in a thread need not mention me again."
    yield "I post runbooks under alerts." if manners.runbooks else "I post no runbooks under alerts."
    if manners.owner_group is not None and channel.mode in ("auto", "draft"):
        yield "When I find no answer, I offer a button that calls the owners."
    if manners.suggest_docs:
        yield "When a thread goes quiet, I may ask whether its answer belongs into the documents."
    if manners.quiet_until is not None and manners.quiet_at(trigger.at):
        yield f"Quiet until {minute(manners.quiet_until)}: nothing unasked."

"""`@ratchet only answer when mentioned`: people set their channel in words, and with a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from ratchet.domain.channels import Manners
from ratchet.domain.effects import AskApproval, Effect, Footer, Reply, SetManners, SetSchedule
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.domain.review import changed, review_problem
from ratchet.domain.schedules import CHANNEL_REPORT, GAP_LIST
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.handlers.drafts import Directory
from ratchet.handlers.mentions import addressed, asked_wish
from ratchet.handlers.quotes import plain
from ratchet.handlers.wishes import Wish
from ratchet.tools.base import minute

MODULE: Final = "configure"
ELSEWHERE: Final = "That is set for a channel: say it there. In direct messages I answer what I am asked."
MODES: Final[Mapping[ChannelMode, str]] = {
    "off": (
        "I say nothing here any more, also not to who asks me, and record on."
        " Words cannot bring me back then: only an operator can."
    ),
    "mention": "I answer who mentions me.",
    "draft": (
        "I answer nobody directly: what I would say waits in the review channel until somebody posts it."
    ),
    "auto": (
        "I answer questions that nobody has answered yet by myself, when the record has the answer,"
        " a few an hour at most."
    ),
}
# What `wishes` can schedule: at length, and in a word or two.
SCHEDULED: Final[Mapping[str, tuple[str, str]]] = {
    CHANNEL_REPORT: ("the report on this channel, with its chart", "report"),
    GAP_LIST: ("the list of what the documents lack", "gap list"),
}


@dataclass(frozen=True, slots=True)
class Configure:
    """Asks whether the channel shall be set as somebody wishes, with what is and what would be."""

    directory: Directory
    links: Permalinks
    time_zone: str = "UTC"
    name: str = MODULE
    timeout_s: float = 10.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_wish(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        wanted = asked_wish(trigger.message.text, trigger.me_user_id)
        assert wanted is not None
        if trigger.channel.kind in ("im", "mpim"):
            return [_reply(trigger, ELSEWHERE)]
        if wanted.schedule is not None:
            return [await self._ask_schedule(trigger, *wanted.schedule)]
        after = changed(trigger.channel, wanted.mode, wanted.changes)
        review = await self._review(after)
        if "review_channel" in wanted.changes and (problem := review_problem(after, review)):
            return [_reply(trigger, f"I cannot do that: {problem}.")]
        names = {one.id: f"#{one.name}" for one in (review,) if one is not None and one.kind == "public"}
        lines = differences(trigger.channel, after, names)
        if not lines:
            return [_reply(trigger, "It is so already.")]
        return [await self._ask(trigger, wanted, lines)]

    async def _review(self, after: Channel) -> Channel | None:
        named = after.manners.review_channel
        return await self.directory.get(named) if named else None

    async def _ask(self, trigger: Trigger, wanted: Wish, lines: Sequence[str]) -> AskApproval:
        meaning = [f"\n{MODES[wanted.mode]}"] if wanted.mode else []
        effect = SetManners(trigger.message.channel_id, wanted.changes, wanted.mode)
        return await self._asked(trigger, "Shall I behave so in this channel", [*lines, *meaning], effect)

    async def _ask_schedule(self, trigger: Trigger, schedule: str, cron: str | None) -> AskApproval:
        effect = SetSchedule(trigger.message.channel_id, schedule, cron, self.time_zone)
        what, short = SCHEDULED[schedule]
        if cron is None:
            return await self._asked(trigger, f"Shall I post no {short} here any more", [], effect)
        lines = [f"- {what}: {spoken(cron)} ({self.time_zone})"]
        return await self._asked(trigger, "Shall I post this by the clock", lines, effect)

    async def _asked(
        self, trigger: Trigger, question: str, lines: Sequence[str], effect: SetManners | SetSchedule
    ) -> AskApproval:
        message = trigger.message
        names = await self.directory.names([message.sender.id])
        who = plain(message.sender.name or names.get(message.sender.id) or "a colleague")
        link = self.links(message.channel_id, message.ts, message.parent_ts)
        return AskApproval(
            message.channel_id,
            message.thread_ts,
            "\n".join([f"{question}, as [{who}]({link}) asks?", *lines]),
            (effect,),
            message.sender.id,
            (message.channel_id, message.ts),
            Footer(MODULE),
        )


def spoken(cron: str) -> str:
    """`every Monday at 9:00`, of what `wishes` makes."""
    minute_, hour, _, _, day = cron.split()
    names = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    often = {"*": "every day", "1-5": "every weekday"}.get(day) or f"every {names[int(day)]}"
    return f"{often} at {hour}:{int(minute_):02}"


def differences(before: Channel, after: Channel, names: Mapping[str, str]) -> list[str]:
    """A line for each setting that would change. `names`: `#name` by channel id."""
    pairs: list[tuple[str, str, str]] = [("mode", before.mode, after.mode)]
    for one in fields(Manners):
        old, new = (shown(getattr(c.manners, one.name), names, one.name) for c in (before, after))
        pairs.append((one.name, old, new))
    return [f"- `{name}`: {old} → **{new}**" for name, old, new in pairs if old != new]


def shown(value: object, names: Mapping[str, str], setting: str = "") -> str:
    """`setting`: which of `Manners` it is."""
    match value:
        case None:
            return "none"
        case bool() | int():
            return f"{value} min" if setting == "quiet_minutes" else "on" if value else "off"
        case str() if setting != "review_channel":
            # A group's id, or its handle without what would call it.
            return f"`{value.removeprefix('@')}`"
        case str():
            return names.get(value, "another channel")
        case datetime():
            return minute(value)
        case _:
            return "something else"


def _reply(trigger: Trigger, text: str) -> Reply:
    return Reply(trigger.message.channel_id, trigger.message.thread_ts, text, Footer(MODULE))

"""Under a firing alert: what fixed it last time, from what people wrote under earlier firings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ratchet.domain.effects import Effect, Footer, Post, Reply
from ratchet.domain.incidents import Action
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.handlers.mentions import addressed, asked_runbook
from ratchet.handlers.runbook_text import duration, people_in, to_markdown
from ratchet.handlers.runbook_writer import ChannelOpens, Names, PairEventLike, Runbook, RunbookWriter
from ratchet.handlers.storm import StormLimits, storm_at, summary

MODULE: Final = "runbook"
FLAP_WINDOW: Final = timedelta(minutes=60)
SILENCE: Final = timedelta(hours=24)
EARLIER: Final = 50
# A storm is looked for this far back.
LONGEST_STORM: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class RunbookTeller:
    """Puts a runbook into words: with people's names and links."""

    names: Names
    permalink: Permalinks

    async def reply(self, runbook: Runbook, channel_id: str, thread_ts: str) -> Reply:
        people = await self.names.names(sorted(people_in(runbook)))
        markdown = to_markdown(runbook, people, self.permalink)
        return Reply(channel_id, thread_ts, markdown, Footer(MODULE), feedback=True)


@dataclass(frozen=True, slots=True)
class RunbookHandler:
    """One runbook per incident; one line when it fires again while open, or flaps; one summary per storm."""

    writer: RunbookWriter
    teller: RunbookTeller
    opens: ChannelOpens
    limits: StormLimits = field(default_factory=StormLimits)
    name: str = MODULE
    timeout_s: float = 30.0

    def wants(self, trigger: Trigger) -> bool:
        return trigger.incident.action is Action.OPEN

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        incident, message = trigger.incident, trigger.message
        if (held_back := await self._storm(trigger)) is not None:
            return held_back
        if incident.alert is None:
            return []
        if (again := await self._again(trigger)) is not None:
            return [again]
        runbook = await self.writer.write(
            incident.service, incident.alert, message.posted_at, message.channel_id
        )
        if runbook is None:
            return []
        return [await self.teller.reply(runbook, message.channel_id, message.thread_ts)]

    async def _storm(self, trigger: Trigger) -> list[Effect] | None:
        """None outside a storm. In it: the summary, by whoever sees first that it is one; else silence."""
        message = trigger.message
        since = message.posted_at - LONGEST_STORM
        opens = await self.opens.opens(message.channel_id, since, message.posted_at)
        storm = storm_at(opens, self.limits)
        if storm is None:
            return None
        text = summary(storm, self.teller.permalink(message.channel_id, storm.start.ts))
        once = f"storm:{message.channel_id}:{storm.start.ts}"
        return [Post(message.channel_id, text, Footer(MODULE), once=once)]

    async def _again(self, trigger: Trigger) -> Reply | None:
        """The line under a repeat, or under a firing soon after the last close."""
        message, key = trigger.message, trigger.incident.pair_key
        if key is None:
            return None
        previous = [
            event
            for event in await self.writer.history.previous(
                message.channel_id, key, message.posted_at, EARLIER
            )
            if event.ts != message.ts
        ]
        first = first_of_run(previous, message.posted_at)
        what = "Still open"
        if first is None and previous and message.posted_at - previous[0].happened_at <= FLAP_WINDOW:
            first = next((event for event in previous if event.action == Action.OPEN), None)
            what = "It flaps: closed and fired again"
        if first is None:
            return None
        link = self.teller.permalink(message.channel_id, first.ts)
        ago = duration((message.posted_at - first.happened_at).total_seconds())
        line = f"{what} – [first seen {ago} ago, see that thread]({link})."
        return Reply(message.channel_id, message.thread_ts, line, Footer(MODULE))


def first_of_run(previous: Sequence[PairEventLike], now: datetime) -> PairEventLike | None:
    """The open with which the incident began that is open `now`; None when none is.

    `previous` runs from new to old. An alert that said nothing for a day is over, resolved or not: many tools
    never resolve, and the next firing deserves its runbook.
    """
    first: PairEventLike | None = None
    for event in previous:
        if event.action != Action.OPEN or now - event.happened_at > SILENCE:
            break
        first, now = event, event.happened_at
    return first


@dataclass(frozen=True, slots=True)
class RunbookRequest:
    """`@ratchet runbook for checkout/HighErrorRate`."""

    writer: RunbookWriter
    teller: RunbookTeller
    name: str = "runbook_request"
    timeout_s: float = 30.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_runbook(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        message = trigger.message
        asked = asked_runbook(message.text, trigger.me_user_id)
        assert asked is not None
        service, alert = asked
        runbook = await self.writer.write(service, alert, message.posted_at, message.channel_id)
        if runbook is None:
            where = f" on {service}" if service else ""
            nothing = f"I know nothing about **{alert}**{where}: no triage of it, and no document names it."
            return [Reply(message.channel_id, message.thread_ts, nothing, Footer(MODULE))]
        return [await self.teller.reply(runbook, message.channel_id, message.thread_ts)]

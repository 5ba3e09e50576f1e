"""Under a firing alert: what fixed it last time, from what people wrote under earlier firings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, Protocol

from ratchet.domain.effects import Effect, Footer, Post, Reply
from ratchet.domain.incidents import Action
from ratchet.domain.messages import Message
from ratchet.domain.runbooks import ToldRunbook, to_json
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.handlers.evidence import ChannelOpens, PairEventLike
from ratchet.handlers.mentions import addressed, asked_runbook
from ratchet.handlers.runbook_text import addresses, duration, people_in, to_markdown
from ratchet.handlers.runbook_writer import Asked, Runbook, RunbookWriter
from ratchet.handlers.storm import StormLimits, storm_at, summary

MODULE: Final = "runbook"
FLAP_WINDOW: Final = timedelta(minutes=60)
SILENCE: Final = timedelta(hours=24)
EARLIER: Final = 50
# A storm is looked for this far back.
LONGEST_STORM: Final = timedelta(hours=2)


class Names(Protocol):
    async def names(self, user_ids: Sequence[str]) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class RunbookTeller:
    """Puts a runbook into words: with people's names and links."""

    names: Names
    permalink: Permalinks

    async def reply(self, runbook: Runbook, channel_id: str, thread_ts: str) -> Reply:
        people = await self.names.names(sorted(people_in(runbook)))
        markdown = to_markdown(runbook, people, self.permalink)
        return Reply(channel_id, thread_ts, markdown, footer(runbook), feedback=True)

    async def effects(self, runbook: Runbook, message: Message) -> list[Effect]:
        """It is said under the message; what is new in it is kept."""
        reply = await self.reply(runbook, message.channel_id, message.thread_ts)
        return [reply] if runbook.new is None else [reply, runbook.new]


def footer(runbook: Runbook) -> Footer:
    usage = runbook.usage
    return Footer(
        MODULE,
        model=runbook.author if runbook.writer == "model" else None,
        model_calls=usage.requests,
        tokens=usage.tokens,
        cost_usd=usage.cost_usd,
        seconds=usage.seconds or None,
    )


def asked_in(trigger: Trigger, service: str | None, alert: str) -> Asked:
    """The alert's runbook as it may be shown in the channel of the trigger."""
    message, private = trigger.message, trigger.channel.kind != "public"
    return Asked(service, alert, message.posted_at, message.channel_id, private)


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
        incident, message, manners = trigger.incident, trigger.message, trigger.channel.manners
        if manners.quiet_at(trigger.at):
            return []
        if (held_back := await self._storm(trigger)) is not None:
            return held_back if manners.storms else []
        if incident.alert is None:
            return []
        asked = asked_in(trigger, incident.service, incident.alert)
        earlier = await self._earlier(trigger)
        if earlier is not None and (earlier.still_open or not await self._learned(asked, earlier)):
            return [self._line(trigger, earlier)] if manners.repeats else []
        if not manners.runbooks:
            return []
        runbook = await self.writer.write(asked)
        return await self.teller.effects(runbook, message) if runbook else []

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

    async def _earlier(self, trigger: Trigger) -> Earlier | None:
        """The incident that this firing belongs to, or that closed a moment ago."""
        message, key = trigger.message, trigger.incident.pair_key
        if key is None:
            return None
        previous = [
            event
            for event in await self.writer.gather.history.previous(
                message.channel_id, key, message.posted_at, EARLIER
            )
            if event.ts != message.ts
        ]
        if first := first_of_run(previous, message.posted_at):
            return Earlier(first, frozenset(), still_open=True)
        if not previous or message.posted_at - previous[0].happened_at > FLAP_WINDOW:
            return None
        opens = [event for event in previous if event.action == Action.OPEN]
        before = list(takewhile(lambda event: event.action == Action.OPEN, previous[1:])) or opens[:1]
        return Earlier(before[-1], frozenset(event.ts for event in before), False) if before else None

    async def _learned(self, asked: Asked, earlier: Earlier) -> bool:
        """Whether somebody wrote what helped when it fired a moment ago: then that is worth saying."""
        runbook = await self.writer.write(asked, by_model=False)
        cited = runbook.content.messages() if runbook else set()
        threads = {runbook.messages[ref].thread_ts for ref in cited} if runbook else set()
        return not threads.isdisjoint(earlier.threads)

    def _line(self, trigger: Trigger, earlier: Earlier) -> Reply:
        message, first = trigger.message, earlier.first
        what = "Still open" if earlier.still_open else "It flaps: closed and fired again"
        link = self.teller.permalink(message.channel_id, first.ts)
        ago = duration((message.posted_at - first.happened_at).total_seconds())
        line = f"{what} – [first seen {ago} ago, see that thread]({link})."
        return Reply(message.channel_id, message.thread_ts, line, Footer(MODULE))


@dataclass(frozen=True, slots=True)
class Earlier:
    """The incident before this firing: with what it began, and the threads of its firings if it is closed."""

    first: PairEventLike
    threads: frozenset[str]
    still_open: bool


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
        runbook = await self.writer.write(asked_in(trigger, service, alert))
        if runbook is None:
            where = f" on {service}" if service else ""
            nothing = f"I know nothing about **{alert}**{where}: no triage of it, and no document names it."
            return [Reply(message.channel_id, message.thread_ts, nothing, Footer(MODULE))]
        return await self.teller.effects(runbook, message)


@dataclass(frozen=True, slots=True)
class LearnRunbook:
    """When an incident closes and its thread shows what helped, the runbook is written anew. Says nothing.

    So the next firing finds it ready: nobody waits for a model at night.
    """

    writer: RunbookWriter
    name: str = "learn_runbook"
    timeout_s: float = 60.0

    def wants(self, trigger: Trigger) -> bool:
        return self.writer.model is not None and trigger.incident.action is Action.CLOSE

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        if trigger.incident.alert is None:
            return []
        asked = replace(
            asked_in(trigger, trigger.incident.service, trigger.incident.alert), before=trigger.at
        )
        new = await self.writer.learn(asked)
        return [] if new is None else [new]


@dataclass(frozen=True, slots=True)
class ToldRunbooks:
    """Runbooks in words, for who asks outside a thread: the API, the command line, the assistant's tool."""

    writer: RunbookWriter
    teller: RunbookTeller
    clock: Callable[[], datetime]

    async def told(self, service: str | None, alert: str, visible_from: str = "") -> ToldRunbook | None:
        """As it would be said now; None when nothing is known. No model is asked.

        `visible_from` "" shows what is public.
        """
        # A private channel's own first, if it is one; for a public channel there are none.
        asked = Asked(service, alert, self.clock(), visible_from, private=bool(visible_from))
        runbook = await self.writer.write(asked, by_model=False)
        if runbook is None:
            return None
        markdown = (await self.teller.reply(runbook, visible_from, "")).markdown
        return ToldRunbook(
            markdown,
            runbook.writer,
            runbook.author,
            runbook.version,
            runbook.pinned,
            to_json(runbook.content),
            addresses(runbook, self.teller.permalink),
        )

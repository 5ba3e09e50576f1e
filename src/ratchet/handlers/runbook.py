"""Under a firing alert: what fixed it last time, from what people wrote under earlier firings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, Protocol

from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.incidents import Action
from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.handlers.extract import Extract, Finding, Thread, extract, threads_of

MODULE: Final = "runbook"
MAX_FIRINGS: Final = 100
QUOTE_CHARS: Final = 700
FLAP_WINDOW: Final = timedelta(minutes=60)
SILENCE: Final = timedelta(hours=24)
EARLIER: Final = 50
MENTION: Final = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")


class FiringLike(Protocol):
    """An opening message of an alert."""

    @property
    def ref(self) -> MessageRef: ...
    @property
    def happened_at(self) -> datetime: ...
    @property
    def service(self) -> str | None: ...


class PairEventLike(Protocol):
    """An open or a close of one pair key."""

    @property
    def action(self) -> str: ...
    @property
    def ts(self) -> str: ...
    @property
    def happened_at(self) -> datetime: ...


class TriageHistory(Protocol):
    """What the writer reads. `visible_from`: only public channels and that channel."""

    async def firings(
        self,
        service: str | None,
        alert: str,
        before: datetime,
        visible_from: str,
        *,
        other_services: bool = False,
        limit: int = 100,
    ) -> Sequence[FiringLike]: ...

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]: ...

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[PairEventLike]: ...


class TriageThreads(Protocol):
    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]: ...


class Names(Protocol):
    async def names(self, user_ids: Sequence[str]) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class Statistics:
    """How often an alert fired and how it ended. Durations in seconds; None when none is known."""

    firings: int
    since: datetime
    last: datetime
    median_open_s: float | None
    untouched: int


@dataclass(frozen=True, slots=True)
class Runbook:
    """An extractive runbook. `service` is where its threads come from; other than asked when `borrowed`."""

    alert: str
    service: str | None
    borrowed: bool
    statistics: Statistics
    extract: Extract


@dataclass(frozen=True, slots=True)
class RunbookWriter:
    """Builds runbooks without a model."""

    history: TriageHistory
    threads: TriageThreads

    async def write(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Runbook | None:
        """From earlier firings of this service's alert, else of another service's; None without evidence."""
        for borrowed in (False, True):
            firings = await self.history.firings(
                service, alert, before, visible_from, other_services=borrowed, limit=MAX_FIRINGS
            )
            if not firings:
                continue
            opened = {firing.ref: firing.happened_at for firing in firings}
            ends = await self.history.ends(list(opened))
            threads = threads_of(opened, ends, await self.threads.triage(list(opened)))
            found = extract(threads)
            if found is not None:
                statistics = _statistics(opened, ends, threads)
                return Runbook(alert, firings[0].service, borrowed, statistics, found)
        return None


def _statistics(
    opened: dict[MessageRef, datetime], ends: dict[MessageRef, datetime | None], threads: Sequence[Thread]
) -> Statistics:
    durations = [
        (closed - opened[ref]).total_seconds()
        for ref, closed in ends.items()
        if closed is not None and ref in opened
    ]
    touched = {thread.root for thread in threads}
    return Statistics(
        firings=len(opened),
        since=min(opened.values()),
        last=max(opened.values()),
        median_open_s=median(durations) if durations else None,
        untouched=sum(1 for ref, closed in ends.items() if closed is not None and ref not in touched),
    )


@dataclass(frozen=True, slots=True)
class RunbookHandler:
    """One runbook per incident; one short line when it fires again while open, or flaps."""

    writer: RunbookWriter
    names: Names
    permalink: Permalinks
    name: str = MODULE
    timeout_s: float = 30.0

    def wants(self, trigger: Trigger) -> bool:
        return trigger.incident.action is Action.OPEN and trigger.incident.alert is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        incident, message = trigger.incident, trigger.message
        assert incident.alert is not None
        again = await self._again(trigger)
        if again is not None:
            return [again]
        runbook = await self.writer.write(
            incident.service, incident.alert, message.posted_at, message.channel_id
        )
        if runbook is None:
            return []
        people = await self.names.names(sorted(people_in(runbook)))
        markdown = to_markdown(runbook, people, self.permalink)
        return [Reply(message.channel_id, message.thread_ts, markdown, Footer(MODULE), feedback=True)]

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
        link = self.permalink(message.channel_id, first.ts)
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


def people_in(runbook: Runbook) -> set[str]:
    """User ids of the authors and of whom they mention."""
    messages = [f.message for f in findings(runbook)]
    return {m.sender.id for m in messages} | {u for m in messages for u in MENTION.findall(m.text)}


def findings(runbook: Runbook) -> list[Finding]:
    return [runbook.extract.last_time, *runbook.extract.steps, *runbook.extract.before]


def to_markdown(runbook: Runbook, people: dict[str, str], permalink: Permalinks) -> str:
    """The runbook as standard Markdown, every item with a link to the message it rests on."""
    statistics = runbook.statistics
    name = f"**{runbook.alert}**" + (f" on **{runbook.service}**" if runbook.service else "")
    lines = [f"{name} · {_how_often(statistics)}{_how_it_ends(statistics)}."]
    if runbook.borrowed:
        lines.append(
            f"_Nothing is known for this service yet; this is from {runbook.service or 'another one'}._"
        )
    lines += ["", f"### What fixed it last time{_cite(runbook.extract.last_time, people, permalink)}"]
    lines += _quote(runbook.extract.last_time.message, people)
    for title, found in (
        ("Seen in the same thread", runbook.extract.steps),
        ("Before that", runbook.extract.before),
    ):
        if found:
            lines += ["", f"**{title}**"]
        for finding in found:
            lines += ["", *_quote(finding.message, people), f"—{_cite(finding, people, permalink)}"]
    return "\n".join(lines)


def _how_often(statistics: Statistics) -> str:
    if statistics.firings == 1:
        return f"fired once before, on {statistics.last:%-d %b %Y}"
    since, last = statistics.since, statistics.last
    return f"fired {statistics.firings} times since {since:%-d %b %Y}, last on {last:%-d %b %Y}"


def _how_it_ends(statistics: Statistics) -> str:
    parts = []
    if statistics.median_open_s is not None:
        parts.append(f"usually over after {duration(statistics.median_open_s)}")
    if statistics.untouched:
        parts.append(f"{statistics.untouched} times nobody had to do anything")
    return "".join(f"; {part}" for part in parts)


def _cite(finding: Finding, people: dict[str, str], permalink: Permalinks) -> str:
    message = finding.message
    author = people.get(message.sender.id) or message.sender.name or "someone"
    link = permalink(message.channel_id, message.ts, message.parent_ts)
    return f" [{author}, {message.posted_at:%-d %b %Y}]({link})"


def _quote(message: Message, people: dict[str, str]) -> list[str]:
    text = MENTION.sub(lambda found: "@" + people.get(found.group(1), "someone"), message.text)
    if len(text) > QUOTE_CHARS:
        text = (
            text[:QUOTE_CHARS].rsplit(None, 1)[0]
            + " …"
            + ("\n```" if text[:QUOTE_CHARS].count("```") % 2 else "")
        )
    return [f"> {line}" for line in text.splitlines() or [""]]


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 d`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} d"

"""The record as it was at a moment: what the runbook writer reads when history is replayed. Pure.

What is left out: messages posted at the moment or later, late replies under old threads included; closes and
firings of then or later; reactions known to have been given then or later; and messages whose present text is
of then or later, because only the present text of a message is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Protocol, TypeVar

from ratchet.domain.incidents import Action
from ratchet.domain.messages import Message, MessageRef, posted_at

K = TypeVar("K")
V = TypeVar("V")


class EventLike(Protocol):
    """One version of a message that opens or closes an incident. `happened_at` is when it came to say so."""

    @property
    def channel_id(self) -> str: ...
    @property
    def ts(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def parent_ts(self) -> str | None: ...
    @property
    def happened_at(self) -> datetime: ...
    @property
    def action(self) -> str: ...
    @property
    def pair_key(self) -> str | None: ...
    @property
    def service(self) -> str | None: ...
    @property
    def alert(self) -> str | None: ...
    @property
    def ref(self) -> MessageRef: ...


class AlertNames(Protocol):
    """Which names of alerts are similar, whenever they fired."""

    def like(self, name: str) -> Sequence[str]:
        """The others that are similar, best first."""
        ...


class ReplyLike(Protocol):
    """A person's reply. `place` counts from 1 within its thread, bots included.

    `given` holds `(reaction, user, version)`, oldest first; `message.reactions` is what they come to.
    """

    @property
    def message(self) -> Message: ...
    @property
    def place(self) -> int: ...
    @property
    def given(self) -> Sequence[tuple[str, str, str]]: ...


@dataclass(frozen=True, slots=True)
class KnownReply:
    """A reply and since when it has its present text, and its present reactions."""

    message: Message
    place: int
    given: Sequence[tuple[str, str, str]]
    known_at: datetime
    settled_at: datetime

    def at(self, moment: datetime) -> Message | None:
        """As it was just before the moment; None when it was not there, or is not known in that form."""
        if self.known_at >= moment:
            return None
        if self.settled_at < moment:
            return self.message
        reactions: dict[str, tuple[str, ...]] = {}
        for name, user, version in self.given:
            if posted_at(version) < moment:
                reactions[name] = (*reactions.get(name, ()), user)
        return replace(self.message, reactions=reactions)


def _known(reply: ReplyLike) -> KnownReply:
    message = reply.message
    known_at = max(message.posted_at, posted_at(message.version))
    settled_at = max([known_at, *(posted_at(version) for _, _, version in reply.given)])
    return KnownReply(message, reply.place, reply.given, known_at, settled_at)


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """Opens, closes and what people wrote under them, indexed once; every list is oldest first.

    `names` None: no alert is similar to another.
    """

    events: Sequence[EventLike]
    opens_of_alert: Mapping[str, Sequence[EventLike]]
    opens_in_channel: Mapping[str, Sequence[EventLike]]
    of_key: Mapping[tuple[str, str], Sequence[EventLike]]
    closes_of_key: Mapping[tuple[str, str], Sequence[EventLike]]
    closes_in_thread: Mapping[MessageRef, Sequence[EventLike]]
    opens_of_message: Mapping[MessageRef, Sequence[EventLike]]
    replies: Mapping[MessageRef, Sequence[KnownReply]]
    public: frozenset[str]
    names: AlertNames | None = None

    def visible(self, channel_id: str, visible_from: str) -> bool:
        return channel_id == visible_from or channel_id in self.public


def recorded_history(
    events: Iterable[EventLike],
    replies: Iterable[ReplyLike],
    public: Iterable[str],
    names: AlertNames | None = None,
) -> RecordedHistory:
    """`public`: ids of the public channels. `names`: of all alerts of the events."""
    ordered = sorted(events, key=lambda e: (e.happened_at, e.ts, e.version))
    opens = [event for event in ordered if event.action == Action.OPEN]
    closes = [event for event in ordered if event.action == Action.CLOSE]
    threads = grouped((MessageRef(r.message.channel_id, r.message.thread_ts), _known(r)) for r in replies)
    for thread in threads.values():
        thread.sort(key=lambda reply: reply.message.ts)
    return RecordedHistory(
        events=ordered,
        opens_of_alert=grouped((e.alert, e) for e in opens if e.alert is not None),
        opens_in_channel=grouped((e.channel_id, e) for e in opens),
        of_key=grouped(((e.channel_id, e.pair_key), e) for e in ordered if e.pair_key is not None),
        closes_of_key=grouped(((e.channel_id, e.pair_key), e) for e in closes if e.pair_key is not None),
        closes_in_thread=grouped((MessageRef(e.channel_id, e.parent_ts), e) for e in closes if e.parent_ts),
        opens_of_message=grouped((e.ref, e) for e in opens),
        replies=threads,
        public=frozenset(public),
        names=names,
    )


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def happened_at(event: EventLike) -> datetime:
    return event.happened_at


def before(events: Sequence[EventLike], moment: datetime) -> Sequence[EventLike]:
    """Those that happened before the moment, of events oldest first."""
    return events[: bisect_left(events, moment, key=happened_at)]


@dataclass(frozen=True, slots=True)
class AsOf:
    """Answers as the store would have just before `moment`, whatever later `before` it is asked for."""

    history: RecordedHistory
    moment: datetime

    async def firings(
        self,
        service: str | None,
        alert: str,
        before: datetime,
        visible_from: str,
        *,
        other_services: bool = False,
        limit: int = 100,
    ) -> Sequence[EventLike]:
        """Opening messages of an alert, newest first: of that service, or of any other."""
        found: list[EventLike] = []
        for event in reversed(self._past(self.history.opens_of_alert.get(alert, ()), before)):
            if len(found) == limit:
                break
            other = event.service != service
            if other == other_services and self.history.visible(event.channel_id, visible_from):
                found.append(event)
        return found

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]:
        """When each opening message's incident was closed; None while it was open."""
        known = (ref for ref in refs if ref in self.history.opens_of_message)
        return {
            ref: self._end(opens[-1])
            for ref in known
            if (opens := self._past(self.history.opens_of_message[ref], self.moment))
        }

    def _end(self, opening: EventLike) -> datetime | None:
        paired = self.history.closes_of_key.get((opening.channel_id, opening.pair_key or ""), ())
        inside = self.history.closes_in_thread.get(opening.ref, ())
        ends = chain.from_iterable(
            closes[place : place + 1]
            for closes in (paired, inside)
            for place in [bisect_right(closes, opening.happened_at, key=happened_at)]
        )
        return min((e.happened_at for e in ends if e.happened_at < self.moment), default=None)

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[EventLike]:
        """Opens and closes of a pair key, newest first."""
        past = self._past(self.history.of_key.get((channel_id, pair_key), ()), before)
        return list(reversed(past))[:limit]

    async def opens(
        self, channel_id: str, since: datetime, until: datetime, limit: int = 500
    ) -> Sequence[EventLike]:
        """Opening messages of a channel, oldest first, the newest of them: with those of this very moment."""
        found = self.history.opens_in_channel.get(channel_id, ())
        first = bisect_left(found, since, key=happened_at)
        last = bisect_right(found, min(until, self.moment), key=happened_at)
        return found[max(first, last - limit) : last]

    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]:
        """What people had written under the messages, by thread, oldest first."""
        return [
            message
            for root in roots
            for reply in self.history.replies.get(root, ())
            if reply.place <= per_thread and (message := reply.at(self.moment)) is not None
        ]

    async def similar(self, alert: str, before: datetime, visible_from: str, limit: int = 3) -> Sequence[str]:
        """Names of other alerts that had fired and whose fix may help with this one, best first."""
        found: list[str] = []
        for name in self.history.names.like(alert) if self.history.names else ():
            if len(found) == limit:
                break
            past = self._past(self.history.opens_of_alert.get(name, ()), before)
            if name != alert and any(self.history.visible(e.channel_id, visible_from) for e in past):
                found.append(name)
        return found

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        """Those of the messages under which a person had written."""
        replies = self.history.replies
        return {root for root in roots if any(reply.at(self.moment) for reply in replies.get(root, ()))}

    def _past(self, events: Sequence[EventLike], asked: datetime) -> Sequence[EventLike]:
        return before(events, min(asked, self.moment))

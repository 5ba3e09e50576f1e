"""Recorded history replayed: what would have been said under each incident, and whether it would have helped.

Leave-one-out in time: the answer to an incident is made from the record as it was before that incident
(`as_of`), and compared with what people then did in the incident's own threads. Pure but for the awaited
`Product`, which is the code that answers in Slack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, Protocol

from ratchet.domain.incidents import Action, Incident
from ratchet.domain.messages import Message, MessageRef
from ratchet.reports import actions
from ratchet.reports.as_of import AsOf, EventLike, RecordedHistory, grouped

# What people do belongs to an incident until this long after its close.
AFTERWARDS: Final = timedelta(hours=1)
# An alert that never resolves is over this long after its last firing.
UNRESOLVED: Final = timedelta(hours=24)
# Alerts that fire to say that alerting works.
HEARTBEATS: Final = frozenset({"watchdog", "deadmansswitch", "infoinhibitor"})

Line = Literal["still open", "flaps", "storm"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What Ratchet would have posted under a firing: a runbook, or one line that points to an earlier thread.

    `once`: of several answers with the same key one is posted, a storm's summary. `size`: bytes of UTF-8.
    """

    runbook: bool = False
    once: str | None = None
    size: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A runbook's items, best first. `borrowed`: from another service's threads."""

    items: Sequence[Message]
    borrowed: bool = False


class Product(Protocol):
    """The code under test. It may read nothing but `record`."""

    async def write(self, record: AsOf, firing: EventLike) -> Written | None:
        """The runbook of the firing's alert, None without evidence."""
        ...

    async def post(self, record: AsOf, firing: EventLike) -> Answer | None:
        """What would be posted under the firing, None for nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One incident replayed.

    earlier    firings of the same alert that could be seen then, of any service
    known      a person had named a command, link, a flag or a service under one of them
    did        what people then did under this incident; looking counts only where they did nothing else
    reachable  those of `did` that had been named under an earlier firing: no writer could cite more
    words      people's replies under it
    helped     those of `did` that the runbook names
    rank       place of its first item that does, 1 for "what fixed it last time"
    """

    incident: Incident
    earlier: int
    known: bool
    words: int
    did: frozenset[actions.Action]
    reachable: frozenset[actions.Action]
    written: Written | None
    helped: frozenset[actions.Action]
    rank: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Post:
    """What would have been posted under one opening message. `false`: it was no incident."""

    firing: EventLike
    answer: Answer
    line: Line | None
    false: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """Everything a backtest saw."""

    cases: Sequence[Case] = ()
    posts: Sequence[Post] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """Replays `history` through `product`. `clock` counts seconds; `no_incident` are refused openings."""

    history: RecordedHistory
    product: Product
    clock: Callable[[], float]
    no_incident: Collection[MessageRef] = ()
    _named: dict[tuple[MessageRef, str, str], frozenset[actions.Action]] = field(default_factory=dict)

    async def run(self, incidents: Sequence[Incident]) -> Replay:
        """The incidents in time order, and every opening message of theirs."""
        threads = self._threads(incidents)
        cases: list[Case] = []
        posts: dict[str, Post] = {}
        for incident in sorted(incidents, key=lambda i: (i.opened_at, i.channel_id, i.open_ts)):
            firings = threads.get(_identity(incident), ())
            if not firings:
                continue
            cases.append(await self._case(incident, firings))
            for firing in firings:
                if (post := await self._post(firing)) is not None:
                    posts.setdefault(post.answer.once or f"{firing.ref} {firing.version}", post)
        return Replay(cases, list(posts.values()))

    def _threads(self, incidents: Sequence[Incident]) -> Mapping[tuple[str, str], Sequence[EventLike]]:
        """The opening messages of each incident, oldest first."""
        of_key = grouped(((e.channel_id, _pair_key(e)), e) for e in beginnings(self.history.events))
        return {
            _identity(i): [e for e in of_key.get((i.channel_id, i.pair_key), ()) if _belongs(e, i)]
            for i in incidents
        }

    async def _case(self, incident: Incident, firings: Sequence[EventLike]) -> Case:
        opening = firings[0]
        record = AsOf(self.history, incident.opened_at)
        started = self.clock()
        written = await self.product.write(record, opening)
        seconds = self.clock() - started
        roots = await self._earlier(record, opening)
        before = [self._actions(message, opening) for message in await record.triage(roots)]
        replies = self._replies(incident, firings)
        did = self._did(incident, firings, replies)
        ranks = self._useful(written, opening, did)
        return Case(
            incident=incident,
            earlier=len(roots),
            known=any(before),
            words=len(replies),
            did=did,
            reachable=actions.useful(frozenset().union(*before), did),
            written=written,
            helped=frozenset().union(*ranks),
            rank=next((place for place, found in enumerate(ranks, 1) if found), None),
            seconds=seconds,
        )

    async def _earlier(self, record: AsOf, opening: EventLike) -> list[MessageRef]:
        if opening.alert is None:
            return []
        found = [
            event.ref
            for others in (False, True)
            for event in await record.firings(
                opening.service, opening.alert, record.moment, opening.channel_id,
                other_services=others, limit=10_000,
            )
        ]  # fmt: skip
        return list(dict.fromkeys(found))

    def _replies(self, incident: Incident, firings: Sequence[EventLike]) -> list[Message]:
        """What people wrote under the incident's own firings until a while after its close."""
        end = incident.closed_at + AFTERWARDS if incident.closed_at else firings[-1].happened_at + UNRESOLVED
        return [
            reply.message
            for firing in firings
            for reply in self.history.replies.get(firing.ref, ())
            if incident.opened_at <= reply.message.posted_at <= end
        ]

    def _did(
        self, incident: Incident, firings: Sequence[EventLike], replies: Sequence[Message]
    ) -> frozenset[actions.Action]:
        own = actions.cited(incident.channel_id, *(firing.ts for firing in firings))
        return actions.fixing(
            frozenset().union(*(self._actions(reply, firings[0]) for reply in replies)) - own
        )

    def _useful(
        self, written: Written | None, opening: EventLike, did: frozenset[actions.Action]
    ) -> list[frozenset[actions.Action]]:
        return [
            actions.useful(
                self._actions(item, opening) | actions.cited(item.channel_id, item.ts, item.thread_ts), did
            )
            for item in (written.items if written else ())
        ]

    def _actions(self, message: Message, opening: EventLike) -> frozenset[actions.Action]:
        trivial = (opening.service or "", opening.alert or "")
        key = (message.ref, *trivial)
        if key not in self._named:
            self._named[key] = actions.actions_in(message.text, trivial)
        return self._named[key]

    async def _post(self, firing: EventLike) -> Post | None:
        answer = await self.product.post(AsOf(self.history, firing.happened_at), firing)
        if answer is None:
            return None
        return Post(firing, answer, await self._line(firing, answer), self._is_false(firing))

    async def _line(self, firing: EventLike, answer: Answer) -> Line | None:
        if answer.once is not None:
            return "storm"
        if answer.runbook:
            return None
        record = AsOf(self.history, firing.happened_at)
        last = await record.previous(firing.channel_id, firing.pair_key or "", firing.happened_at, 1)
        return "flaps" if last and last[0].action == Action.CLOSE else "still open"

    def _is_false(self, firing: EventLike) -> bool:
        return firing.ref in self.no_incident or (firing.alert or "").lower() in HEARTBEATS


def beginnings(events: Iterable[EventLike]) -> list[EventLike]:
    """Opens, of events oldest first. An edit that keeps a message open is no second firing."""
    found: list[EventLike] = []
    last: dict[MessageRef, str] = {}
    for event in events:
        if event.action == Action.OPEN and last.get(event.ref) != Action.OPEN:
            found.append(event)
        last[event.ref] = event.action
    return found


def _pair_key(event: EventLike) -> str:
    return event.pair_key or f"thread:{event.parent_ts or event.ts}"


def _belongs(event: EventLike, incident: Incident) -> bool:
    closed = incident.closed_at is not None and event.happened_at >= incident.closed_at
    return event.happened_at >= incident.opened_at and (not closed or event.ts == incident.open_ts)


def _identity(incident: Incident) -> tuple[str, str]:
    return (incident.channel_id, f"{incident.open_ts} {incident.pair_key}")


def misses(cases: Iterable[Case]) -> list[Case]:
    """Incidents of which what people did had been named before, and was not in the runbook; newest first."""
    found = [case for case in cases if case.reachable and not case.helped]
    return sorted(found, key=lambda case: case.incident.opened_at, reverse=True)

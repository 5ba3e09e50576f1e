"""Opens and closes of one channel -> incidents, and what people did about each. Pure.

They are paired as the view `incidents` pairs them (migration 0006), but from the steps of the window alone:
the view reads a channel's whole history, and a report must not cost more the longer that is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ratchet.domain.incidents import SILENCE, Action, Incident, State
from ratchet.domain.messages import posted_at
from ratchet.domain.reports import ChannelRows, HumanReactions, Step

FLAP_WITHIN: Final = timedelta(minutes=60)
SELF_HEALED_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Case:
    """One incident and what people did about it.

    threads     ts of the threads under its opening messages, the first one's first
    replies     messages by people in these threads, until the same key opens anew
    reactions   of people there, as far as they still stand
    stated_s    how long it was open as the resolve itself states it
    flap        its key opened, closed and opened again, with this, within 60 minutes
    """

    incident: Incident
    threads: tuple[str, ...]
    replies: int = 0
    reactions: int = 0
    stated_s: float | None = None
    flap: bool = False

    @property
    def ts(self) -> str:
        return self.incident.open_ts

    @property
    def opened_at(self) -> datetime:
        return self.incident.opened_at

    @property
    def touched(self) -> bool:
        """Whether a person wrote or reacted."""
        return bool(self.replies or self.reactions)

    @property
    def tta_s(self) -> float | None:
        """Open to a person's first word or reaction in the opening message's thread, in seconds."""
        return self.incident.tta_s

    @property
    def ttr_s(self) -> float | None:
        """Open to close in seconds; what the resolve states wins."""
        return self.incident.ttr_s if self.stated_s is None else self.stated_s

    @property
    def no_touch(self) -> bool:
        """Closed, and no person wrote or reacted."""
        return self.incident.closed_at is not None and not self.touched

    @property
    def self_healed(self) -> bool:
        """No-touch, and closed within 5 minutes."""
        return self.no_touch and (self.ttr_s or 0.0) <= SELF_HEALED_S

    def lasted_s(self, until: datetime) -> float | None:
        """As `ttr_s`; of one that is open, so far. None for one that expired: nobody knows."""
        if self.incident.state == "open":
            return (until - self.opened_at).total_seconds()
        return self.ttr_s


@dataclass(frozen=True, slots=True)
class Paired:
    """`unpaired`: closes that ended nothing, one for each message, oldest first."""

    cases: Sequence[Case]
    unpaired: Sequence[Step]


@dataclass(slots=True)
class _Run:
    """The steps of an incident, and its close when there is one."""

    steps: list[Step]
    close: Step | None = None
    previous: _Run | None = None
    next: _Run | None = None

    @property
    def opening(self) -> Step:
        return self.steps[0]

    @property
    def flap(self) -> bool:
        before = self.previous
        if before is None or before.close is None:
            return False
        return self.opening.happened_at - before.opening.happened_at <= FLAP_WITHIN


@dataclass(frozen=True, slots=True)
class _People:
    """When people wrote and reacted, by thread, oldest first."""

    replies: Mapping[str, Sequence[datetime]]
    reactions: Mapping[str, HumanReactions]

    def first(self, thread_ts: str, since: datetime) -> datetime | None:
        said = self.replies.get(thread_ts, ())
        given = self.reactions[thread_ts].given if thread_ts in self.reactions else ()
        found = [*said[bisect_left(said, since) :][:1], *(one for one in given if one >= since)]
        return min(found, default=None)

    def said(self, threads: Iterable[str], since: datetime, until: datetime | None) -> int:
        """How many messages in the threads from `since` to `until`."""
        count = 0
        for thread in threads:
            if said := self.replies.get(thread):
                end = len(said) if until is None else bisect_left(said, until)
                count += max(0, end - bisect_left(said, since))
        return count

    def reacted(self, threads: Iterable[str]) -> int:
        return sum([self.reactions[thread].count for thread in threads if thread in self.reactions])


@dataclass(slots=True)
class _Folded:
    """`closing`: ts of the messages that closed something."""

    runs: list[_Run] = field(default_factory=list)
    closing: set[str] = field(default_factory=set)
    unpaired: dict[str, Step] = field(default_factory=dict)


def paired(rows: ChannelRows) -> Paired:
    """Every incident of the steps, oldest first."""
    by_key: dict[str, list[Step]] = {}
    for step in sorted(rows.steps, key=lambda step: (step.happened_at, step.ts, step.version)):
        by_key.setdefault(step.pair_key, []).append(step)
    folded = _Folded()
    for steps in by_key.values():
        _fold(steps, folded)
    people = _people(rows)
    cases = sorted((_case(rows, run, people) for run in folded.runs), key=lambda case: case.opened_at)
    return Paired(cases, sorted(folded.unpaired.values(), key=lambda step: step.happened_at))


def _fold(steps: Sequence[Step], folded: _Folded) -> None:
    """The incidents of one pair key, from its steps in order."""
    run: _Run | None = None
    heard_at: datetime | None = None
    for step in steps:
        is_open = run is not None and run.close is None
        silent = heard_at is not None and step.happened_at - heard_at > SILENCE
        if step.action == Action.OPEN and not step.stays and (not is_open or silent):
            run = _Run([step], previous=run)
            if run.previous is not None:
                run.previous.next = run
            folded.runs.append(run)
        elif run is not None and is_open:
            run.steps.append(step)
            if step.action == Action.CLOSE:
                run.close = step
                folded.closing.add(step.ts)
        elif step.action == Action.CLOSE and step.ts not in folded.closing:
            folded.unpaired.setdefault(step.ts, step)
        heard_at = step.happened_at


def _people(rows: ChannelRows) -> _People:
    replies: dict[str, list[datetime]] = {}
    for reply in rows.replies:
        replies.setdefault(reply.root_ts, []).append(posted_at(reply.ts))
    for moments in replies.values():
        moments.sort()
    return _People(replies, {one.root_ts: one for one in rows.reactions})


def _case(rows: ChannelRows, run: _Run, people: _People) -> Case:
    opening, close = run.opening, run.close
    firings = [step for step in run.steps if step.action == Action.OPEN and not step.stays]
    threads = tuple(dict.fromkeys(step.thread_ts for step in firings))
    again = run.next.opening.happened_at if run.next else None
    incident = Incident(
        channel_id=rows.channel_id,
        pair_key=opening.pair_key,
        alert=opening.alert,
        service=opening.service,
        priority=opening.priority,
        tool=opening.tool,
        open_ts=opening.ts,
        opened_at=opening.happened_at,
        close_ts=close.ts if close else None,
        closed_at=close.happened_at if close else None,
        firings=len(firings),
        state=_state(run, rows.until),
        last_at=run.steps[-1].happened_at,
        acknowledged_at=people.first(opening.thread_ts, opening.happened_at),
    )
    return Case(
        incident,
        threads,
        replies=people.said(threads, opening.happened_at, again),
        reactions=people.reacted(threads),
        stated_s=close.stated_s if close else None,
        flap=run.flap,
    )


def _state(run: _Run, until: datetime) -> State:
    if run.close is not None:
        return "closed"
    return "expired" if until - run.steps[-1].happened_at > SILENCE else "open"


def opened_between(cases: Iterable[Case], since: datetime, until: datetime) -> Iterator[Case]:
    return (case for case in cases if since <= case.opened_at < until)

"""What a runbook rests on: what people wrote under earlier firings, and what the documents say. No model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Final, Literal, Protocol

from ratchet.domain.documents import DocumentHit
from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.extract import Extract, Finding, Thread, extract, rank, threads_of
from ratchet.handlers.storm import OpenLike

MAX_FIRINGS: Final = 100
MAX_SIMILAR: Final = 3
PORTION: Final = 25
ENOUGH: Final = 12
Origin = Literal["same", "other service", "similar"]


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


class ChannelOpens(Protocol):
    async def opens(self, channel_id: str, since: datetime, until: datetime) -> Sequence[OpenLike]:
        """Opening messages of a channel from `since` to `until`, both included, oldest first."""
        ...


class TriageThreads(Protocol):
    async def triage(self, roots: Sequence[MessageRef], per_thread: int = 200) -> list[Message]: ...

    async def touched(self, roots: Sequence[MessageRef]) -> set[MessageRef]:
        """Those of the messages under which a person wrote."""
        ...


class AlertDocuments(Protocol):
    async def naming(self, alert: str, service: str | None = None) -> DocumentHit | None:
        """The document whose title, file name or heading names the alert."""
        ...


class SimilarNames(Protocol):
    async def similar(self, alert: str, before: datetime, visible_from: str, limit: int = 3) -> Sequence[str]:
        """Other alerts that mean much the same and fired before, most alike first; mostly there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Statistics:
    """How often an alert fired and how it ended. Durations in seconds; None when none is known."""

    firings: int
    since: datetime
    last: datetime
    median_open_s: float | None
    untouched: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an alert.

    `from_alert` and `from_service` are where its threads come from: what was asked when `origin` is `same`.

    `extract` is None when nobody wrote anything useful, `document` when none names the alert; not both.
    `statistics` are of `alert` itself: on `service`, or on any when none is asked for; None when it never
    fired before.
    """

    alert: str
    service: str | None
    origin: Origin
    from_alert: str
    from_service: str | None
    statistics: Statistics | None
    extract: Extract | None
    document: DocumentHit | None = None

    @property
    def pool(self) -> Sequence[Finding]:
        """All that a writer may use, the newest thread's first."""
        return self.extract.pool if self.extract else ()

    @property
    def messages(self) -> dict[MessageRef, Message]:
        return {finding.message.ref: finding.message for finding in self.pool}

    @property
    def fingerprint(self) -> str:
        """Equal as long as a writer would be given the same."""
        parts = sorted(f"{ref}@{message.version}" for ref, message in self.messages.items())
        if self.document is not None:
            parts += [self.document.id, *(passage.text for passage in self.document.passages)]
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Gather:
    """Finds the evidence for an alert, best source first."""

    history: TriageHistory
    threads: TriageThreads
    documents: AlertDocuments | None = None
    names: SimilarNames | None = None

    async def evidence(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Evidence | None:
        """From earlier firings of this service's alert, else of another service's, else of an alert much like
        it; and the document that names it. None without any.
        """
        document = await self.documents.naming(alert, service) if self.documents else None
        fired, found = await self._known(service, alert, before, visible_from)
        if found is None and document is None:
            found = await self._similar(service, alert, before, visible_from)
        if found is not None:
            return replace(found, document=document, statistics=fired)
        if document is None:
            return None
        return Evidence(alert, service, "same", alert, service, fired, None, document)

    async def _known(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> tuple[Statistics | None, Evidence | None]:
        """How often it fired, also when nobody wrote anything; and what is useful of what people wrote."""
        fired: Statistics | None = None
        for others in (False, True):
            firings = await self.history.firings(
                service, alert, before, visible_from, other_services=others, limit=MAX_FIRINGS
            )
            if not firings:
                continue
            opened = {firing.ref: firing.happened_at for firing in firings}
            ends = await self.history.ends(list(opened))
            if fired is None and (service is None or not others):
                fired = await self._statistics(opened, ends)
            extracted = extract(await self._threads(opened, ends))
            if extracted is not None:
                origin: Origin = "other service" if others else "same"
                where = firings[0].service if others else service
                return fired, Evidence(alert, service, origin, alert, where, fired, extracted)
        return fired, None

    async def _similar(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Evidence | None:
        if self.names is None:
            return None
        for name in await self.names.similar(alert, before, visible_from, MAX_SIMILAR):
            _, found = await self._known(service, name, before, visible_from)
            if found is not None:
                return replace(found, alert=alert, service=service, origin="similar")
        return None

    async def _statistics(
        self, opened: dict[MessageRef, datetime], ends: dict[MessageRef, datetime | None]
    ) -> Statistics:
        closed = [ref for ref, end in ends.items() if end is not None]
        touched = await self.threads.touched(closed)
        return _statistics(opened, ends, len(closed) - len(touched))

    async def _threads(
        self, opened: dict[MessageRef, datetime], ends: dict[MessageRef, datetime | None]
    ) -> list[Thread]:
        """Newest first, in portions, until enough of them help: older ones would hardly be shown."""
        newest = sorted(opened, key=lambda ref: opened[ref], reverse=True)
        found: list[Thread] = []
        for start in range(0, len(newest), PORTION):
            portion = {ref: opened[ref] for ref in newest[start : start + PORTION]}
            found += threads_of(portion, ends, await self.threads.triage(list(portion)))
            if sum(bool(rank(thread)) for thread in found) >= ENOUGH:
                break
        return found


def _statistics(
    opened: dict[MessageRef, datetime], ends: dict[MessageRef, datetime | None], untouched: int
) -> Statistics:
    durations = [
        (closed - opened[ref]).total_seconds()
        for ref, closed in ends.items()
        if closed is not None and ref in opened
    ]
    return Statistics(
        firings=len(opened),
        since=min(opened.values()),
        last=max(opened.values()),
        median_open_s=median(durations) if durations else None,
        untouched=untouched,
    )

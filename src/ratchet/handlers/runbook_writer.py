"""A runbook for an alert: what people wrote under earlier firings, and what the documents say. No model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Final, Protocol

from ratchet.domain.documents import DocumentHit
from ratchet.domain.messages import Message, MessageRef
from ratchet.handlers.extract import Extract, Thread, extract, threads_of
from ratchet.handlers.storm import OpenLike

MAX_FIRINGS: Final = 100


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


class AlertDocuments(Protocol):
    async def naming(self, alert: str, service: str | None = None) -> DocumentHit | None:
        """The document whose title, file name or heading names the alert."""
        ...


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
    """An extractive runbook. `service` is where its threads come from; other than asked when `borrowed`.

    `extract` is None when nobody wrote anything useful, `document` when none names the alert; not both.
    `statistics` is None when the alert never fired before.
    """

    alert: str
    service: str | None
    borrowed: bool
    statistics: Statistics | None
    extract: Extract | None
    document: DocumentHit | None = None


@dataclass(frozen=True, slots=True)
class RunbookWriter:
    """Builds runbooks without a model."""

    history: TriageHistory
    threads: TriageThreads
    documents: AlertDocuments | None = None

    async def write(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Runbook | None:
        """From earlier firings of this service's alert, else of another service's, and the written document.

        None without any evidence.
        """
        document = await self.documents.naming(alert, service) if self.documents else None
        found = await self._from_firings(service, alert, before, visible_from)
        if found is not None:
            return replace(found, document=document)
        return Runbook(alert, service, False, None, None, document) if document else None

    async def _from_firings(
        self, service: str | None, alert: str, before: datetime, visible_from: str
    ) -> Runbook | None:
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

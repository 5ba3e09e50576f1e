"""The tool `incidents`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ratchet.domain.incidents import Incident
from ratchet.tools.base import ToolDeps, channel_names, minute, the_channel


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """`id` is what `read_thread` takes; times are UTC; `firings` counts re-notifications too.

    `state`: `expired` was never resolved and is silent for over a day. `minutes`: from open to resolve;
    `minutes_to_acknowledge`: to the first word or reaction of a person.
    """

    id: str
    channel: str
    alert: str | None
    service: str | None
    priority: str
    state: str
    opened_at: str
    closed_at: str | None
    minutes: float | None
    minutes_to_acknowledge: float | None
    firings: int
    permalink: str


@dataclass(frozen=True, slots=True)
class IncidentsResult:
    incidents: tuple[IncidentRow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class IncidentsTool:
    deps: ToolDeps
    asked_in: str

    async def incidents(  # each is a filter that the model may leave out
        self,
        alert: str | None = None,
        service: str | None = None,
        channel: str | None = None,
        state: Literal["open", "all"] = "all",
        days: Annotated[int, Field(ge=1, le=365)] = 30,
        limit: Annotated[int, Field(ge=1, le=30)] = 10,
    ) -> IncidentsResult:
        """List incidents: when alerts fired, whether they are still open, how long people and they took.

        Args:
            alert: Exact name of an alert.
            service: Exact name of a service.
            channel: Name or id of one channel; leave out for all that may be seen.
            state: "open" for those that are open now.
            days: How far to look back.
            limit: How many, newest first.
        """
        reader = self.deps.reader
        within = (await the_channel(reader, channel, self.asked_in)).id if channel else None
        rows = await reader.list_incidents(
            visible_from=self.asked_in,
            since=self.deps.clock() - timedelta(days=days),
            channel_id=within,
            alert=alert,
            service=service,
            still_open=state == "open",
            limit=limit,
        )
        name = await channel_names(reader, {row.channel_id for row in rows}, self.asked_in)
        results = tuple(self._row(row, name(row.channel_id)) for row in rows)
        return IncidentsResult(results, "" if results else f"No such incident in the last {days} days.")

    def _row(self, incident: Incident, channel: str) -> IncidentRow:
        closed = incident.closed_at
        return IncidentRow(
            id=f"{incident.channel_id}:{incident.open_ts}",
            channel=channel,
            alert=incident.alert,
            service=incident.service,
            priority=incident.priority,
            state=incident.state,
            opened_at=minute(incident.opened_at),
            closed_at=minute(closed) if closed else None,
            minutes=_minutes(incident.ttr_s),
            minutes_to_acknowledge=_minutes(incident.tta_s),
            firings=incident.firings,
            permalink=self.deps.links(incident.channel_id, incident.open_ts),
        )


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)

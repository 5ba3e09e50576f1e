"""The tool `list_alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from ratchet.domain.reports import AlertCount
from ratchet.tools.base import ToolDeps, minute, the_channel

SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class AlertRow:
    """`firings` counts re-notifications too; `channels`: in how many it fired; times are UTC."""

    alert: str
    service: str | None
    priority: str
    firings: int
    channels: int
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class AlertsResult:
    alerts: tuple[AlertRow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ListAlertsTool:
    deps: ToolDeps
    asked_in: str

    async def list_alerts(
        self,
        service: str | None = None,
        channel: str | None = None,
        days: Annotated[int, Field(ge=1, le=90)] = 30,
    ) -> AlertsResult:
        """List which alerts fired and how often, the most frequent first.

        Args:
            service: Exact name of a service; leave out for all.
            channel: Name or id of one channel; leave out for all that may be seen.
            days: How far to look back.
        """
        reader = self.deps.reader
        within = (await the_channel(reader, channel, self.asked_in)).id if channel else None
        found = await reader.alerts_since(
            self.deps.clock() - timedelta(days=days),
            visible_from=self.asked_in,
            channel_id=within,
            service=service,
            limit=SHOWN + 1,
        )
        if not found:
            return AlertsResult((), f"No such alert fired in the last {days} days.")
        note = f"Only the {SHOWN} most frequent; name a service or a channel for more."
        return AlertsResult(tuple(map(_row, found[:SHOWN])), note if len(found) > SHOWN else "")


def _row(found: AlertCount) -> AlertRow:
    return AlertRow(
        found.alert,
        found.service,
        found.priority,
        found.firings,
        found.channels,
        minute(found.first_at),
        minute(found.last_at),
    )

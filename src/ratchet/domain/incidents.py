"""What a message says about an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal


class Action(StrEnum):
    OPEN = "open_incident"
    CLOSE = "close_incident"
    NONE = "none"


Priority = Literal["HIGH", "LOW"]
State = Literal["open", "closed", "expired"]

# An alert that was not resolved is over when nothing was heard of it for longer: many tools never resolve.
# The database knows it as incident_silence().
SILENCE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IncidentAction:
    """A classifier's answer about one version of one message.

    `pair_key` is what an open and its close have in common within a channel; None pairs by thread only.
    `service` and `alert` are None when the message does not name them.
    `severity` is the tool's own word, lower case. `count` is the number of alerts in a group, when stated.
    `stated_start` and `stated_duration_s` (seconds) are only what the message itself states.
    `confidence` runs from 0 to 1; `tool` and `rule` name the parser and the rule that matched.
    """

    action: Action
    alert: str | None = None
    service: str | None = None
    priority: Priority = "LOW"
    severity: str | None = None
    pair_key: str | None = None
    count: int | None = None
    stated_start: datetime | None = None
    stated_duration_s: float | None = None
    tool: str = "unknown"
    confidence: float = 0.0
    rule: str = ""


NOTHING = IncidentAction(Action.NONE)


@dataclass(frozen=True, slots=True)
class Incident:
    """One paired incident, from the view. Times are UTC; `closed_at` is None until it is resolved.

    state            `expired`: never resolved, and last heard of longer ago than `SILENCE`
    firings          the opening message and its re-notifications
    last_at          last firing, edit of a firing message, or the resolve
    acknowledged_at  first reply or reaction by a person in the opening message's thread, as far as known
    """

    channel_id: str
    pair_key: str
    alert: str | None
    service: str | None
    priority: Priority
    tool: str
    open_ts: str
    opened_at: datetime
    close_ts: str | None
    closed_at: datetime | None
    firings: int
    state: State
    last_at: datetime
    acknowledged_at: datetime | None

    @property
    def tta_s(self) -> float | None:
        """Time to acknowledge, in seconds."""
        return _seconds(self.opened_at, self.acknowledged_at)

    @property
    def ttr_s(self) -> float | None:
        """Time to resolve, in seconds."""
        return _seconds(self.opened_at, self.closed_at)

    def open_at(self, moment: datetime) -> bool:
        """Whether it had begun, was not resolved and not expired, as far as is known now."""
        if self.opened_at >= moment:
            return False
        if self.closed_at is not None:
            return self.closed_at >= moment
        return moment - self.last_at <= SILENCE


def _seconds(start: datetime, end: datetime | None) -> float | None:
    """An end before its start is a clock's fault: zero."""
    return None if end is None else max(0.0, (end - start).total_seconds())

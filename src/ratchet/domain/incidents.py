"""What a message says about an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Action(StrEnum):
    OPEN = "open_incident"
    CLOSE = "close_incident"
    NONE = "none"


Priority = Literal["HIGH", "LOW"]


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
    """One paired incident, from the view. Times are UTC; `closed_at` is None while it is open.

    `firings` counts the opening message and its re-notifications.
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

"""Rows of a channel report, invented: a week from Monday, 6 May 2024, 0 o'clock UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.domain.incidents import Action
from ratchet.domain.reports import (
    AlertName,
    ChannelFacts,
    ChannelRows,
    Help,
    HumanReactions,
    HumanReply,
    Step,
)

SINCE = datetime(2024, 5, 6, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
BEFORE = SINCE - timedelta(days=7)
FACTS = ChannelFacts(100, 60, 30, 20, 0, BEFORE - timedelta(days=1))


def at(hours: float) -> datetime:
    """So many hours after the window began."""
    return SINCE + timedelta(hours=hours)


def ts(hours: float) -> str:
    return f"{at(hours).timestamp():.6f}"


def fired(hours: float, alert: str | None = "DiskFull", service: str | None = "api", **changes: Any) -> Step:
    stamp = ts(hours)
    base = Step(
        stamp, stamp, None, at(hours), Action.OPEN, f"{service}/{alert}", service, alert, "LOW", "am", False
    )
    return base._replace(**changes)


def resolved(
    hours: float, alert: str | None = "DiskFull", service: str | None = "api", **changes: Any
) -> Step:
    return fired(hours, alert, service, action=Action.CLOSE, **changes)


def lasting(hours: float, minutes: float, alert: str = "DiskFull", **changes: Any) -> list[Step]:
    """An incident of so many minutes."""
    return [fired(hours, alert, **changes), resolved(hours + minutes / 60, alert, **changes)]


def said(root: float, hours: float, text: str = "on it") -> HumanReply:
    """A person's reply under the message of `root`."""
    return HumanReply(ts(root), ts(hours), text)


def reacted(root: float, *hours: float, count: int | None = None) -> HumanReactions:
    return HumanReactions(ts(root), len(hours) if count is None else count, [at(one) for one in hours])


def rows(
    *steps: Step | Sequence[Step],
    replies: Sequence[HumanReply] = (),
    reactions: Sequence[HumanReactions] = (),
    known: Mapping[AlertName, Help] | None = None,
    facts: ChannelFacts = FACTS,
    cut: bool = False,
) -> ChannelRows:
    every = [step for one in steps for step in ([one] if isinstance(one, Step) else one)]
    return ChannelRows("C0", BEFORE, SINCE, UNTIL, every, replies, reactions, facts, dict(known or {}), cut)

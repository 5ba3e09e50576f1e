"""A channel report as JSON values, under names that stay. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from ratchet.reports.channel import ChannelReport
from ratchet.reports.channel_alerts import AlertLine, Figures
from ratchet.reports.channel_cases import Case
from ratchet.reports.channel_text import Links

# Of the incidents listed one by one; how many there are stands in the figures.
MAX_LISTED: Final = 100


def as_json(report: ChannelReport, links: Links) -> dict[str, Any]:
    """Times in UTC as ISO 8601, durations in seconds, shares from 0 to 1; messages with their permalink."""

    def linked(value: dict[str, Any]) -> dict[str, Any]:
        return value | {"permalink": links(value["ts"], value.get("root_ts", value["ts"]))}

    def cases(found: Sequence[Case]) -> list[dict[str, Any]]:
        return [linked(_case(case, report.until)) for case in found[:MAX_LISTED]]

    found = {
        "channel_id": report.channel_id,
        "since": report.since,
        "until": report.until,
        "total": _figures(report.total),
        "before": None if report.before is None else _figures(report.before),
        "alerts": [_line(line) for line in report.alerts],
        "frequent": [{"alert": line.alert, "service": line.service} for line in report.frequent],
        "noise": [{"alert": line.alert, "service": line.service, **_noise(line)} for line in report.noise],
        "services": [asdict(line) for line in report.services],
        "open": len(report.still_open),
        "still_open": cases(report.still_open),
        "stale": [case.ts for case in report.stale()],
        "long_running": cases(report.long_running),
        "untriaged": cases(report.untriaged),
        "new": [linked(asdict(name)) for name in report.new],
        "gone": [linked(asdict(name)) for name in report.gone],
        "top5_share": report.top5_share,
        "coverage": report.coverage,
        "hours": asdict(report.hours),
        "daily": [asdict(one) for one in report.daily],
        "storms": [asdict(storm) for storm in report.storms],
        "learned": [linked(asdict(one)) for one in report.learned],
        "asked_again": [linked(asdict(one)) for one in report.asked_again],
        "threads": [linked(asdict(thread)) for thread in report.threads],
        "quality": asdict(report.quality) | {"unknown_share": report.quality.unknown_share},
    }
    plain: dict[str, Any] = jsonable(found)
    return plain


def jsonable(value: Any) -> Any:
    """With times as text and tuples as lists."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {str(name): jsonable(inner) for name, inner in value.items()}
        case list() | tuple():
            return [jsonable(inner) for inner in value]
        case _:
            return value


def _figures(found: Figures) -> dict[str, Any]:
    shares = ("untriaged_share", "untouched_share", "no_touch_share", "self_healed_share")
    return asdict(found) | {name: getattr(found, name) for name in shares}


def _line(line: AlertLine) -> dict[str, Any]:
    return asdict(line) | {"figures": _figures(line.figures)}


def _noise(line: AlertLine) -> dict[str, Any]:
    return {} if line.noise is None else asdict(line.noise)


def _case(case: Case, until: datetime) -> dict[str, Any]:
    incident = case.incident
    return {
        "ts": case.ts,
        "root_ts": case.threads[0],
        "alert": incident.alert,
        "service": incident.service,
        "priority": incident.priority,
        "state": incident.state,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "firings": incident.firings,
        "replies": case.replies,
        "reactions": case.reactions,
        "tta_s": case.tta_s,
        "ttr_s": case.ttr_s,
        "lasted_s": case.lasted_s(until),
    }

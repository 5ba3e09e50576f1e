"""Where the toil in one channel is: incidents in, figures and Markdown out. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final

from ratchet.domain.incidents import SILENCE, Incident

STALE: Final = timedelta(hours=72)
WORK_HOURS: Final = range(9, 18)
SHOWN_ALERTS: Final = 10
SHOWN_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of one service. `share` is its part of all opens, 0 to 1; times in seconds or None.

    `tta`: to the first word or reaction of a person; `ttr`: to the resolve.
    """

    alert: str | None
    service: str | None
    opens: int
    renotifications: int
    still_open: int
    untriaged: int
    tta_p50_s: float | None
    ttr_p50_s: float | None
    ttr_p95_s: float | None
    share: float

    @property
    def title(self) -> str:
        return self.alert or self.service or "(no name)"


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """Figures of the window from `since` to `until` (UTC).

    opens             incidents that opened in the window, re-notifications apart
    still_open        open at `until`, oldest first, also those that opened before the window
    expired           opened in the window, never resolved, and silent for so long that they count as over
    untriaged         opened in the window, and no person wrote in the thread; newest first
    tta_*_s           open to a person's first word or reaction, in seconds, of the opens that got one
    ttr_*_s           open to close, in seconds, of the opens that closed; None when none did
    top5_share        part of the opens that the five most frequent alerts make up, 0 to 1
    off_hours_share   part of the opens outside 9 to 18 o'clock, Monday to Friday, in the team's zone
    busy_hours        clock hours with at least one open
    unnamed           opens whose message names no alert
    """

    since: datetime
    until: datetime
    opens: int
    renotifications: int
    alerts: tuple[AlertLine, ...]
    still_open: tuple[Incident, ...]
    expired: int
    untriaged: tuple[Incident, ...]
    tta_p50_s: float | None
    tta_p95_s: float | None
    ttr_p50_s: float | None
    ttr_p95_s: float | None
    top5_share: float
    off_hours_share: float
    busy_hours: int
    unnamed: int

    @property
    def untriaged_share(self) -> float:
        return len(self.untriaged) / self.opens if self.opens else 0.0

    def stale(self) -> tuple[Incident, ...]:
        """Still open, and longer than `STALE`."""
        return tuple(row for row in self.still_open if self.until - row.opened_at > STALE)

    def linked(self) -> tuple[Incident, ...]:
        """The incidents that the Markdown names one by one."""
        return tuple(dict.fromkeys(self.still_open[:SHOWN_ROWS] + self.untriaged[:SHOWN_ROWS]))


def channel_report(
    incidents: Sequence[Incident],
    human_replies: Mapping[str, int],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo = UTC,
) -> ChannelReport:
    """The report over one channel's incidents; `human_replies` counts by the opening message's ts."""
    opened = [row for row in incidents if since <= row.opened_at < until]
    alerts = tuple(_alert_lines(opened, human_replies, until))
    noticed, resolved = _times(opened)
    local = [row.opened_at.astimezone(zone) for row in opened]
    return ChannelReport(
        since=since,
        until=until,
        opens=len(opened),
        renotifications=sum(row.firings - 1 for row in opened),
        alerts=alerts,
        still_open=tuple(
            sorted((row for row in incidents if row.open_at(until)), key=lambda row: row.opened_at)
        ),
        expired=sum(row.closed_at is None and not row.open_at(until) for row in opened),
        untriaged=tuple(
            sorted(_untriaged(opened, human_replies), key=lambda row: row.opened_at, reverse=True)
        ),
        tta_p50_s=percentile(noticed, 0.5),
        tta_p95_s=percentile(noticed, 0.95),
        ttr_p50_s=percentile(resolved, 0.5),
        ttr_p95_s=percentile(resolved, 0.95),
        top5_share=sum(line.opens for line in alerts[:5]) / len(opened) if opened else 0.0,
        off_hours_share=sum(map(_off_hours, local)) / len(local) if local else 0.0,
        busy_hours=len({moment.replace(minute=0, second=0, microsecond=0) for moment in local}),
        unnamed=sum(row.alert is None for row in opened),
    )


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value below which `part` (0 to 1) of them lie, interpolated; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _alert_lines(
    opened: Sequence[Incident], human_replies: Mapping[str, int], until: datetime
) -> list[AlertLine]:
    """One line for each alert and service, most opens first."""

    def name(row: Incident) -> tuple[str, str]:
        return (row.alert or "", row.service or "")

    groups = (list(rows) for _, rows in groupby(sorted(opened, key=name), key=name))
    lines = (_alert_line(rows, human_replies, until=until, share=len(rows) / len(opened)) for rows in groups)
    return sorted(lines, key=lambda line: (-line.opens, -line.renotifications, line.title))


def _alert_line(
    rows: list[Incident], human_replies: Mapping[str, int], *, until: datetime, share: float
) -> AlertLine:
    noticed, resolved = _times(rows)
    return AlertLine(
        alert=rows[0].alert,
        service=rows[0].service,
        opens=len(rows),
        renotifications=sum(row.firings - 1 for row in rows),
        still_open=sum(row.open_at(until) for row in rows),
        untriaged=sum(1 for _ in _untriaged(rows, human_replies)),
        tta_p50_s=percentile(noticed, 0.5),
        ttr_p50_s=percentile(resolved, 0.5),
        ttr_p95_s=percentile(resolved, 0.95),
        share=share,
    )


def _untriaged(rows: Iterable[Incident], human_replies: Mapping[str, int]) -> Iterable[Incident]:
    return (row for row in rows if not human_replies.get(row.open_ts))


def _times(rows: Sequence[Incident]) -> tuple[list[float], list[float]]:
    """Seconds to acknowledge and to resolve, of those that were."""
    acknowledged = [row.tta_s for row in rows if row.tta_s is not None]
    return acknowledged, [row.ttr_s for row in rows if row.ttr_s is not None]


def _off_hours(local: datetime) -> bool:
    return local.weekday() >= 5 or local.hour not in WORK_HOURS


def markdown(report: ChannelReport, links: Mapping[str, str]) -> str:
    """The report as standard Markdown; `links` maps an opening message's ts to its permalink."""
    days = max(1, round((report.until - report.since).total_seconds() / 86_400))
    if not report.opens and not report.still_open:
        return f"No incident opened in the last {days} days, and none is open."
    parts = [
        _headline(report, days),
        _alert_table(report.alerts[:SHOWN_ALERTS]),
        _rows("Still open", report.still_open, links),
        _rows("Nobody replied to", report.untriaged, links),
        _quality(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _headline(report: ChannelReport, days: int) -> str:
    lines = [
        f"**{report.opens} incidents** in {days} days ({report.renotifications} re-notifications apart), "
        f"**{len(report.still_open)} still open** ({len(report.stale())} for over 72 h), "
        f"**{report.untriaged_share:.0%} without a human reply**.",
        f"Time to acknowledge: half within {duration(report.tta_p50_s)}, 95% within "
        f"{duration(report.tta_p95_s)}; to resolve: half within {duration(report.ttr_p50_s)}, 95% within "
        f"{duration(report.ttr_p95_s)}. The five most frequent alerts are {report.top5_share:.0%} of all; "
        f"{report.off_hours_share:.0%} came off-hours; {report.busy_hours} hours had at least one.",
    ]
    return "\n".join(lines)


def _alert_table(alerts: Sequence[AlertLine]) -> str:
    if not alerts:
        return ""
    head = (
        "| alert | service | opened | repeated | open | no reply | noticed in (half) | resolved in (half) |"
    )
    rule = "|---|---|--:|--:|--:|--:|--:|--:|"
    rows = (
        f"| {_code(line.title)} | {_code(line.service or '–')} | {line.opens} | {line.renotifications} | "
        f"{line.still_open} | {line.untriaged} | {duration(line.tta_p50_s)} | {duration(line.ttr_p50_s)} |"
        for line in alerts
    )
    return "\n".join([head, rule, *rows])


def _rows(title: str, rows: Sequence[Incident], links: Mapping[str, str]) -> str:
    if not rows:
        return ""
    shown = [f"- {_named(row, links)}, since {row.opened_at:%Y-%m-%d %H:%M} UTC" for row in rows[:SHOWN_ROWS]]
    rest = [f"- and {len(rows) - SHOWN_ROWS} more"] if len(rows) > SHOWN_ROWS else []
    return "\n".join([f"**{title}**", *shown, *rest])


def _named(row: Incident, links: Mapping[str, str]) -> str:
    name = _code(row.alert or row.service or "(no name)")
    link = links.get(row.open_ts)
    return f"{name} ([message]({link}))" if link else name


def _quality(report: ChannelReport) -> str:
    said = []
    if report.unnamed:
        said.append(f"{report.unnamed} of {report.opens} incidents name no alert.")
    if report.expired:
        hours = SILENCE.total_seconds() / 3600
        said.append(f"{report.expired} never resolved; after {hours:.0f} h of silence they count as over.")
    return f"_{' '.join(said)}_" if said else ""


def _code(text: str) -> str:
    """Text from an alert as inline code, so that nothing in it is a link, a mention or a table cell's end."""
    plain = re.sub(r"[`|\s]+", " ", text).strip()
    return f"`{plain[:80] or '–'}`"


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 d`, or `–` when unknown."""
    if seconds is None:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.{0 if unit == 'min' else 1}f} {unit}"
    return f"{seconds:.0f} s"

"""Where the toil in one channel is: rows in, figures out. Pure. What each means: docs/reports.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ratchet.domain.reports import ChannelRows
from ratchet.reports import channel_threads as threads
from ratchet.reports.channel_alerts import (
    LONG_S,
    AlertLine,
    Figures,
    ServiceLine,
    alert_lines,
    by_alert,
    figures,
    frequent,
    named,
    noisy,
    service_lines,
)
from ratchet.reports.channel_cases import Case, Paired, opened_between, paired
from ratchet.reports.channel_threads import AskedAgain, Learned, RawThread
from ratchet.reports.channel_times import DayOpens, Hours, Storm, hours, opens_by_day, percentile, storms

__all__ = ["AlertName", "ChannelReport", "Quality", "channel_report", "percentile"]

STALE: Final = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class AlertName:
    """An alert as it is counted, with its opens and the latest message that opened it."""

    alert: str | None
    service: str | None
    opens: int
    ts: str
    root_ts: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What the figures rest on.

    messages         of the window; `by_people` of them
    bot_messages     of bots other than Ratchet; `unknown` of them opened or closed no incident
    generic          opens that only the common forms recognised, no parser of a tool's own
    by_model         opens that the model recognised; `waiting`: messages that it is still to judge
    unnamed          opens whose message names no alert
    unpaired_closes  messages that resolve what was not open
    expired          opens of the window that were never resolved and fell silent
    cut              there was more than is read: the oldest opens are left out
    compared         whether the record covers the window before, too
    """

    messages: int
    by_people: int
    bot_messages: int
    unknown: int
    generic: int
    by_model: int
    waiting: int
    unnamed: int
    unpaired_closes: int
    expired: int
    cut: bool
    compared: bool

    @property
    def unknown_share(self) -> float:
        return self.unknown / self.bot_messages if self.bot_messages else 0.0


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """Figures of the window from `since` to `until` (UTC). Shares run from 0 to 1.

    total            of the incidents that opened in the window; `before`: in the window before, None when
                     the record does not reach so far back
    alerts           every alert with opens in the window, most first; `frequent`: once a day or more
    noise            alerts that cost more than they give, with one suggestion each, the worst first
    still_open       open at `until`, oldest first, also those that opened before the window
    long_running     open for over 4 hours, in the window at least in part; longest first
    untriaged        opened in the window, and no person wrote in their threads; newest first
    new, gone        alerts of this window that the one before had not, and the other way round
    top5_share       part of the opens that the five most frequent alerts make up
    coverage         part of the alerts with something to say when they fire
    daily            opens of each day, by service
    learned          the latest fix that people named, by alert; newest first
    asked_again      questions in more than one thread of the same alert
    threads          what people wrote under the incidents they wrote most about
    """

    channel_id: str
    since: datetime
    until: datetime
    total: Figures
    before: Figures | None
    alerts: tuple[AlertLine, ...]
    frequent: tuple[AlertLine, ...]
    noise: tuple[AlertLine, ...]
    services: tuple[ServiceLine, ...]
    still_open: tuple[Case, ...]
    long_running: tuple[Case, ...]
    untriaged: tuple[Case, ...]
    new: tuple[AlertName, ...]
    gone: tuple[AlertName, ...]
    top5_share: float
    coverage: float
    hours: Hours
    daily: tuple[DayOpens, ...]
    storms: tuple[Storm, ...]
    learned: tuple[Learned, ...]
    asked_again: tuple[AskedAgain, ...]
    threads: tuple[RawThread, ...]
    quality: Quality

    @property
    def days(self) -> int:
        return max(1, round((self.until - self.since).total_seconds() / 86_400))

    def stale(self) -> tuple[Case, ...]:
        """Still open, and for longer than 72 hours."""
        return tuple(case for case in self.still_open if self.until - case.opened_at > STALE)


def channel_report(rows: ChannelRows, zone: tzinfo = UTC) -> ChannelReport:
    """The report. Hours of the day are those of `zone`."""
    pairs = paired(rows)
    opened = list(opened_between(pairs.cases, rows.since, rows.until))
    earlier = list(opened_between(pairs.cases, rows.before, rows.since))
    compared = _compared(rows)
    lines, replies = alert_lines(opened, rows.help), threads.replies_of(rows)
    stormy = storms([(case.opened_at, named(case)) for case in opened])
    return ChannelReport(
        channel_id=rows.channel_id,
        since=rows.since,
        until=rows.until,
        total=figures(opened),
        before=figures(earlier) if compared else None,
        alerts=lines,
        frequent=frequent(lines, rows.since, rows.until),
        noise=noisy(lines),
        services=service_lines(opened),
        still_open=tuple(case for case in pairs.cases if case.incident.state == "open"),
        long_running=_long_running(pairs.cases, rows.since, rows.until),
        untriaged=tuple(case for case in reversed(opened) if not case.replies),
        new=_missing(opened, earlier) if compared else (),
        gone=_missing(earlier, opened) if compared else (),
        top5_share=sum(line.share for line in lines[:5]),
        coverage=sum(line.helped for line in lines) / len(lines) if lines else 0.0,
        hours=hours([case.opened_at for case in opened], stormy, rows.since, rows.until, zone),
        daily=opens_by_day([(case.opened_at, case.incident.service) for case in opened], zone),
        storms=stormy,
        learned=threads.learned(opened, replies),
        asked_again=threads.asked_again(opened, replies),
        threads=threads.raw_threads(opened, replies, rows.until),
        quality=_quality(rows, pairs, opened),
    )


def _compared(rows: ChannelRows) -> bool:
    since = rows.facts.recorded_since
    return since is not None and since <= rows.before and not rows.cut


def _long_running(cases: Sequence[Case], since: datetime, until: datetime) -> tuple[Case, ...]:
    lasted = {case.ts: case.lasted_s(until) or 0.0 for case in cases if _open_after(case, since)}
    found = (case for case in cases if lasted.get(case.ts, 0.0) > LONG_S)
    return tuple(sorted(found, key=lambda case: (-lasted[case.ts], case.ts)))


def _open_after(case: Case, since: datetime) -> bool:
    closed = case.incident.closed_at
    return case.opened_at >= since or case.incident.state == "open" or (closed is not None and closed > since)


def _missing(cases: Sequence[Case], elsewhere: Sequence[Case]) -> tuple[AlertName, ...]:
    """Alerts of the one that the other has not, most opens first; those without any name left out."""
    known = by_alert(elsewhere)
    found = [
        AlertName(rows[-1].incident.alert, name[0], len(rows), rows[-1].ts, rows[-1].threads[0])
        for name, rows in by_alert(cases).items()
        if name not in known and name != (None, None)
    ]
    return tuple(sorted(found, key=lambda one: (-one.opens, one.alert or "", one.service or "")))


def _quality(rows: ChannelRows, pairs: Paired, opened: Sequence[Case]) -> Quality:
    facts = rows.facts
    tools = [case.incident.tool for case in opened]
    return Quality(
        messages=facts.messages,
        by_people=facts.by_people,
        bot_messages=facts.bot_messages,
        unknown=facts.bot_messages - facts.bot_alerts,
        generic=tools.count("generic"),
        by_model=tools.count("model"),
        waiting=facts.waiting,
        unnamed=sum(case.incident.alert is None for case in opened),
        unpaired_closes=sum(rows.since <= step.happened_at < rows.until for step in pairs.unpaired),
        expired=sum(case.incident.state == "expired" for case in opened),
        cut=rows.cut,
        compared=_compared(rows),
    )

"""Times of a channel report: percentiles, hours of the week, shifts, storms. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

WORK_HOURS: Final = range(9, 18)
AWAKE_HOURS: Final = range(8, 22)
SHIFT: Final = timedelta(hours=12)
# Google's SRE book, chapter 11: at most two incidents per 12-hour shift.
SHIFT_BUDGET: Final = 2
SHIFT_BEGINS: Final = timedelta(hours=8)
STORM_ALERTS: Final = 10
STORM_WITHIN: Final = timedelta(minutes=10)


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value below which `part` (0 to 1) of them lie, interpolated; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 d`, or `–` when unknown."""
    if seconds is None:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.{0 if unit == 'min' else 1}f} {unit}"
    return f"{seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Storm:
    """More than `STORM_ALERTS` different alerts within `STORM_WITHIN`, from its first open to its last."""

    start: datetime
    end: datetime
    opens: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When incidents opened, in the team's time zone. Shares are of all opens, 0 to 1.

    off_hours_share   outside 9 to 18 o'clock, Monday to Friday
    sleep_share       from 22 to 8 o'clock, any day
    weekend_share     Saturday and Sunday
    busy_hours        clock hours with at least one open
    by_day            opens of each day of the window, also of those without any
    by_weekday_hour   opens by weekday (Monday first) and hour of the day
    per_shift         incidents per 12 hours; a storm counts as one
    shifts, over      12-hour shifts (8 to 20, 20 to 8 o'clock) that the window meets, and those of them with
                      more than `SHIFT_BUDGET` incidents in it
    """

    off_hours_share: float
    sleep_share: float
    weekend_share: float
    busy_hours: int
    by_day: tuple[tuple[date, int], ...]
    by_weekday_hour: tuple[tuple[int, ...], ...]
    per_shift: float
    shifts: int
    over: int


def hours(
    opened: Sequence[datetime],
    stormy: Sequence[Storm],
    since: datetime,
    until: datetime,
    zone: tzinfo = UTC,
) -> Hours:
    """Of the moments at which incidents opened from `since` to `until`."""
    local = [moment.astimezone(zone) for moment in opened]
    loads = _by_shift(opened, stormy, zone)
    first, last = (_shift(end.astimezone(zone)) for end in (since, until - timedelta(microseconds=1)))
    return Hours(
        off_hours_share=_share(sum(map(off_hours, local)), local),
        sleep_share=_share(sum(moment.hour not in AWAKE_HOURS for moment in local), local),
        weekend_share=_share(sum(moment.weekday() >= 5 for moment in local), local),
        busy_hours=len({moment.replace(minute=0, second=0, microsecond=0) for moment in local}),
        by_day=_by_day(local, since.astimezone(zone), until.astimezone(zone)),
        by_weekday_hour=_by_weekday_hour(local),
        per_shift=sum(loads.values()) / ((until - since) / SHIFT),
        shifts=(last - first) // SHIFT + 1,
        over=sum(load > SHIFT_BUDGET for load in loads.values()),
    )


@dataclass(frozen=True, slots=True)
class DayOpens:
    """How many incidents of one service opened on one day. `service` None: no service is known."""

    day: date
    service: str | None
    opens: int


def opens_by_day(opened: Sequence[tuple[datetime, str | None]], zone: tzinfo) -> tuple[DayOpens, ...]:
    """Of `(moment, service)`; days in the time zone, oldest first, days without any left out."""
    counts = Counter((moment.astimezone(zone).date(), service) for moment, service in opened)
    found = (DayOpens(day, service, opens) for (day, service), opens in counts.items())
    return tuple(sorted(found, key=lambda one: (one.day, -one.opens, one.service or "")))


def off_hours(local: datetime) -> bool:
    return local.weekday() >= 5 or local.hour not in WORK_HOURS


def _share(part: int, whole: Sequence[object]) -> float:
    return part / len(whole) if whole else 0.0


def _by_day(local: Sequence[datetime], since: datetime, until: datetime) -> tuple[tuple[date, int], ...]:
    counts = Counter(moment.date() for moment in local)
    first, last = since.date(), (until - timedelta(microseconds=1)).date()
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple((day, counts[day]) for day in days)


def _by_weekday_hour(local: Sequence[datetime]) -> tuple[tuple[int, ...], ...]:
    counts = Counter((moment.weekday(), moment.hour) for moment in local)
    return tuple(tuple(counts[day, hour] for hour in range(24)) for day in range(7))


def _by_shift(opened: Sequence[datetime], stormy: Sequence[Storm], zone: tzinfo) -> Counter[datetime]:
    """Incidents by the beginning of their shift; those of one storm are one, at its start."""
    single = [one for one in opened if not any(storm.start <= one <= storm.end for storm in stormy)]
    moments = (moment.astimezone(zone) for moment in [*single, *(storm.start for storm in stormy)])
    return Counter(_shift(moment) for moment in moments)


def _shift(local: datetime) -> datetime:
    """The beginning of the 12-hour shift, as the clock on the wall shows it."""
    wall = local.replace(tzinfo=UTC) - SHIFT_BEGINS
    return wall.replace(hour=wall.hour // 12 * 12, minute=0, second=0, microsecond=0)


def storms(opened: Sequence[tuple[datetime, Hashable]]) -> tuple[Storm, ...]:
    """Storms among `(moment, alert)`, in any order; overlapping ones are one."""
    ordered = sorted(opened, key=lambda one: one[0])
    spans: list[list[int]] = []
    left, inside = 0, Counter[Hashable]()
    for right, (moment, alert) in enumerate(ordered):
        inside[alert] += 1
        while moment - ordered[left][0] > STORM_WITHIN:
            gone = ordered[left][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            left += 1
        if len(inside) <= STORM_ALERTS:
            continue
        if spans and left <= spans[-1][1]:
            spans[-1][1] = right
        else:
            spans.append([left, right])
    return tuple(_storm(ordered[first : last + 1]) for first, last in spans)


def _storm(opened: Sequence[tuple[datetime, Hashable]]) -> Storm:
    return Storm(opened[0][0], opened[-1][0], len(opened), len({alert for _, alert in opened}))

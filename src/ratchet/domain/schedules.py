"""When something happens in a channel by the clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from ratchet.domain.errors import Refused

GAP_LIST: Final = "gap_list"
CHANNEL_REPORT: Final = "channel_report"
USAGE_REPORT: Final = "usage_report"
# What can be scheduled, and when it is unless somebody says otherwise.
DEFAULTS: Final = {GAP_LIST: "0 9 * * 1", CHANNEL_REPORT: "0 9 * * 1", USAGE_REPORT: "0 9 * * 1"}
MOST_DAYS: Final = 90
CRON_FIELDS: Final = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """`kind` happens in a channel at `due_at` (UTC), and then as `cron` says in `time_zone`."""

    channel_id: str
    kind: str
    cron: str
    time_zone: str
    due_at: datetime
    last_run_at: datetime | None = None


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time after `after`, in UTC. Raises Refused for what is no cron or no time zone."""
    from croniter import croniter  # type: ignore[import-untyped]  # noqa: PLC0415  # heavy, and it has no types

    if time_zone not in available_timezones():
        raise Refused(f"{time_zone!r} is no time zone. Take a name such as Europe/Berlin or UTC.")
    if len(cron.split()) != CRON_FIELDS or not croniter.is_valid(cron):
        raise Refused(f"{cron!r} is no schedule. Take five fields, such as 0 9 * * 1: Mondays at 9:00.")
    local = after.astimezone(ZoneInfo(time_zone))
    found: datetime = croniter(cron, local).get_next(datetime)
    return found.astimezone(UTC)


def days_before(cron: str, time_zone: str, due: datetime) -> int:
    """Days from the time before `due` to `due`, 1 to 90: what a report that comes then is about."""
    from croniter import croniter  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415  # as above

    local = due.astimezone(ZoneInfo(time_zone))
    before: datetime = croniter(cron, local).get_prev(datetime)
    return min(MOST_DAYS, max(1, round((local - before) / timedelta(days=1))))

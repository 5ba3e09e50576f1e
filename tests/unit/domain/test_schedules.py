"""When something happens by the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ratchet.domain.errors import Refused
from ratchet.domain.schedules import DEFAULTS, next_time

FRIDAY = datetime(2026, 3, 27, 12, tzinfo=UTC)


def test_monday_at_nine_is_by_the_clock_of_the_place() -> None:
    cron = DEFAULTS["gap_list"]
    assert next_time(cron, "UTC", FRIDAY) == datetime(2026, 3, 30, 9, tzinfo=UTC)
    # Summer time begins on the Sunday between.
    assert next_time(cron, "Europe/Berlin", FRIDAY) == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert next_time(cron, "America/New_York", FRIDAY) == datetime(2026, 3, 30, 13, tzinfo=UTC)


def test_the_next_time_is_after_and_not_at_the_moment() -> None:
    monday = datetime(2026, 3, 30, 9, tzinfo=UTC)
    assert next_time("0 9 * * 1", "UTC", monday) == datetime(2026, 4, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("0 9 * *", "UTC"), ("0 9 * * 1 0", "UTC"), ("often", "UTC"), ("0 25 * * 1", "UTC"), ("0 9 * * 1", "Nowhere/Town")],
    ids=["four", "six", "word", "hour", "zone"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(cron: str, zone: str) -> None:
    with pytest.raises(Refused):
        next_time(cron, zone, FRIDAY)

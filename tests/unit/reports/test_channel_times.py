"""Percentiles, hours of the week, shifts and storms."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.reports.channel_times import Hours, duration, hours, percentile, storms
from tests.unit.reports.channel_support import SINCE, UNTIL, at


def of(*opened: float, zone: timezone | None = None) -> Hours:
    moments = [at(one) for one in opened]
    return hours(moments, (), SINCE, UNTIL) if zone is None else hours(moments, (), SINCE, UNTIL, zone)


def test_shares_of_the_week_are_counted_in_utc() -> None:
    # Monday 10:00, Monday 3:00, Monday 20:00, Saturday 12:00, Sunday 23:00
    found = of(10, 3, 20, 24 * 5 + 12, 24 * 6 + 23)
    assert found.off_hours_share == pytest.approx(4 / 5)
    assert found.sleep_share == pytest.approx(2 / 5)
    assert found.weekend_share == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("hour", "off", "asleep"),
    [(8.99, 1, 0), (9, 0, 0), (17.99, 0, 0), (18, 1, 0), (21.99, 1, 0), (22, 1, 1), (7.99, 1, 1), (8, 1, 0)],
)
def test_working_and_waking_hours_begin_and_end_on_the_hour(hour: float, off: int, asleep: int) -> None:
    found = of(hour)
    assert (found.off_hours_share, found.sleep_share) == (off, asleep)


def test_the_clocks_going_forward_move_nothing() -> None:
    # Europe put its clocks forward on 31 March 2024 at 1:00 UTC.
    opened = [datetime.fromisoformat(f"2024-04-01T{hour}:30+00:00") for hour in ("08", "09", "17", "18")]
    assert hours(opened, (), opened[0], opened[-1]).off_hours_share == 0.5


def test_another_zone_may_be_given() -> None:
    assert of(10, zone=timezone(timedelta(hours=9))).off_hours_share == 1.0
    assert of(2, zone=timezone(timedelta(hours=9))).off_hours_share == 0.0


def test_busy_hours_count_each_clock_hour_once() -> None:
    assert of(1.1, 1.9, 2.0, 25.5).busy_hours == 3


def test_days_without_an_alert_are_listed_too() -> None:
    found = of(1, 2, 50)
    assert found.by_day[:3] == ((date(2024, 5, 6), 2), (date(2024, 5, 7), 0), (date(2024, 5, 8), 1))
    assert len(found.by_day) == 7
    assert found.by_weekday_hour[0][1] == found.by_weekday_hour[0][2] == found.by_weekday_hour[2][2] == 1
    assert sum(map(sum, found.by_weekday_hour)) == 3


def test_a_shift_of_twelve_hours_bears_two_incidents() -> None:
    # 7:00 is the night shift, which began on Sunday; 8:00 the day shift.
    found = of(7, 8, 9, 10, 20)
    assert (found.over, found.shifts) == (1, 15)
    assert found.per_shift == pytest.approx(5 / 14)


def test_a_storm_weighs_as_one_incident_in_its_shift() -> None:
    opened = [at(9 + n / 60) for n in range(11)]
    stormy = storms([(moment, n) for n, moment in enumerate(opened)])
    (storm,) = stormy
    assert (storm.start, storm.end, storm.opens, storm.alerts) == (opened[0], opened[-1], 11, 11)
    found = hours([*opened, at(12)], stormy, SINCE, UNTIL)
    assert (found.over, found.per_shift) == pytest.approx((0, 2 / 14))


def test_ten_alerts_or_the_same_one_often_is_no_storm() -> None:
    assert storms([(at(9 + n / 60), n) for n in range(10)]) == ()
    assert storms([(at(9 + n / 600), "one") for n in range(60)]) == ()
    assert storms([(at(9 + n / 50), n) for n in range(20)]) == ()  # 72 s apart: 9 within ten minutes


def test_a_long_storm_is_one_and_two_apart_are_two() -> None:
    long = [(at(9 + n / 120), n) for n in range(60)]
    assert [storm.opens for storm in storms(long)] == [60]
    assert [storm.opens for storm in storms([*long, *((at(20 + n / 120), n) for n in range(12))])] == [60, 12]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (5_400, "1.5 h"), (259_200, "3.0 d")],
)
def test_durations_have_one_unit(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_percentiles_are_interpolated() -> None:
    assert percentile([], 0.5) is None
    assert percentile([4, 1, 2, 3], 0.5) == 2.5
    assert percentile(range(101), 0.95) == 95


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_between_the_least_and_the_greatest(values: list[float], part: float) -> None:
    found = percentile(values, part)
    assert found is not None
    assert min(values) <= found <= max(values) or found == pytest.approx(max(values))

"""The channel report, from incidents to Markdown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.domain.incidents import Incident
from ratchet.reports.channel import channel_report, duration, markdown, percentile

SINCE = datetime(2024, 5, 6, tzinfo=UTC)  # a Monday
UNTIL = SINCE + timedelta(days=7)


def incident(hour: float, minutes: float | None = 10, firings: int = 1, **changes: Any) -> Incident:
    opened = SINCE + timedelta(hours=hour)
    closed = None if minutes is None else opened + timedelta(minutes=minutes)
    base = Incident(
        "C0", "k", "DiskFull", "api", "LOW", "am", str(hour), opened, None, closed, firings,
        "closed" if closed else "open", closed or UNTIL, None,
    )  # fmt: skip
    return replace(base, **changes)


def test_opens_and_renotifications_are_apart() -> None:
    report = channel_report([incident(1, firings=4), incident(2)], {}, since=SINCE, until=UNTIL)
    assert (report.opens, report.renotifications) == (2, 3)
    (line,) = report.alerts
    assert (line.title, line.opens, line.renotifications, line.share) == ("DiskFull", 2, 3, 1.0)


def test_alerts_are_counted_by_name_and_service_most_frequent_first() -> None:
    rows = [
        incident(1, alert="B"),
        incident(2, alert="A"),
        incident(3, alert="A"),
        incident(4, alert="A", service="x"),
    ]
    report = channel_report(rows, {}, since=SINCE, until=UNTIL)
    assert [(line.alert, line.service, line.opens) for line in report.alerts] == [
        ("A", "api", 2), ("A", "x", 1), ("B", "api", 1),
    ]  # fmt: skip
    assert report.top5_share == 1.0


def test_still_open_reaches_back_before_the_window_and_other_figures_do_not() -> None:
    old, fresh = incident(-100, None), incident(160, None)
    later = incident(100, minutes=60 * 24 * 30)
    report = channel_report([fresh, old, later, incident(-5), incident(200)], {}, since=SINCE, until=UNTIL)
    assert report.still_open == (old, later, fresh)
    assert report.stale() == (old,)
    assert report.opens == 2


def test_untriaged_are_those_without_a_human_reply_newest_first() -> None:
    rows = [incident(1), incident(2), incident(3)]
    report = channel_report(rows, {rows[1].open_ts: 2, rows[2].open_ts: 0}, since=SINCE, until=UNTIL)
    assert report.untriaged == (rows[2], rows[0])
    assert report.untriaged_share == pytest.approx(2 / 3)
    assert report.alerts[0].untriaged == 2


def test_times_to_resolve_are_interpolated_and_never_negative() -> None:
    rows = [incident(n, minutes) for n, minutes in enumerate([1, 2, 3, 4, -9])]
    report = channel_report([*rows, incident(9, None)], {}, since=SINCE, until=UNTIL)
    assert report.ttr_p50_s == 120
    assert report.ttr_p95_s == pytest.approx(228)


def test_off_hours_are_those_of_the_team() -> None:
    rows = [incident(10), incident(3), incident(24 * 5 + 12)]  # Monday 10, Monday 3, Saturday noon, in UTC
    assert channel_report(rows, {}, since=SINCE, until=UNTIL).off_hours_share == pytest.approx(2 / 3)
    east = timezone(timedelta(hours=8))
    assert channel_report(rows, {}, since=SINCE, until=UNTIL, zone=east).off_hours_share == pytest.approx(
        2 / 3
    )
    assert channel_report(rows[:1], {}, since=SINCE, until=UNTIL, zone=east).off_hours_share == 1.0


def test_busy_hours_count_each_clock_hour_once() -> None:
    rows = [incident(1.1), incident(1.9), incident(2.0), incident(25.5)]
    assert channel_report(rows, {}, since=SINCE, until=UNTIL).busy_hours == 3


def test_an_empty_window_has_a_sentence_and_no_division_by_zero() -> None:
    report = channel_report([], {}, since=SINCE, until=UNTIL)
    assert markdown(report, {}) == "No incident opened in the last 7 days, and none is open."


def test_the_markdown_links_rows_and_names_no_more_than_it_links() -> None:
    rows = [incident(n, None, alert=f"A{n}") for n in range(8)]
    report = channel_report(rows, {}, since=SINCE, until=UNTIL)
    text = markdown(report, {row.open_ts: f"https://x/{row.open_ts}" for row in report.linked()})
    assert "**8 incidents** in 7 days (0 re-notifications apart), **8 still open** (8 for over 72 h)" in text
    assert "- `A0` ([message](https://x/0)), since 2024-05-06 00:00 UTC" in text
    assert "- and 3 more" in text
    assert text.count("([message]") == 10


def test_a_name_cannot_break_out_of_its_cell() -> None:
    rows = [incident(1, alert="a|b`c\n<!channel> [x](https://evil)")]
    text = markdown(channel_report(rows, {}, since=SINCE, until=UNTIL), {})
    assert "| `a b c <!channel> [x](https://evil)` | `api` | 1 | 0 | 0 | 1 | – | 10 min |" in text


def test_alerts_without_a_name_are_confessed() -> None:
    rows = [incident(1, alert=None, service=None), incident(2)]
    text = markdown(channel_report(rows, {}, since=SINCE, until=UNTIL), {})
    assert "_1 of 2 incidents name no alert._" in text
    assert "`(no name)`" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (5_400, "1.5 h"), (259_200, "3.0 d")],
)
def test_durations_have_one_unit(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_between_the_least_and_the_greatest(values: list[float], part: float) -> None:
    found = percentile(values, part)
    assert found is not None
    assert min(values) <= found <= max(values) or found == pytest.approx(max(values))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-50, 200),
            st.one_of(st.none(), st.floats(0, 9_999)),
            st.integers(1, 5),
            st.text(max_size=9),
        )
    )
)
def test_the_figures_agree_with_one_another(rows: list[tuple[float, float | None, int, str]]) -> None:
    incidents = [
        incident(hour, minutes, firings, alert=name or None) for hour, minutes, firings, name in rows
    ]
    report = channel_report(incidents, {}, since=SINCE, until=UNTIL)
    assert sum(line.opens for line in report.alerts) == report.opens == len(report.untriaged)
    assert sum(line.renotifications for line in report.alerts) == report.renotifications
    assert 0 <= report.top5_share <= 1
    assert 0 <= report.off_hours_share <= 1
    assert report.busy_hours <= report.opens
    assert markdown(report, {})

"""What a channel's settings mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.channels import Manners, span
from ratchet.domain.messages import Channel, ChannelMode

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
OPEN = Manners(external_allowed=True)


@pytest.mark.parametrize("mode", ["mention", "draft", "auto"])
@pytest.mark.parametrize(
    ("external", "manners", "speaks"),
    [(False, Manners(), True), (False, OPEN, True), (True, Manners(), False), (True, OPEN, True)],
)
def test_it_speaks_where_it_is_not_off_and_among_others_only_when_allowed(
    mode: ChannelMode, external: bool, manners: Manners, speaks: bool
) -> None:
    assert Channel("C1", "ops", mode=mode, external=external, manners=manners).speaks is speaks
    assert not Channel("C1", "ops", mode="off", external=external, manners=manners).speaks


def test_it_is_quiet_until_the_moment_and_no_longer() -> None:
    manners = Manners(quiet_until=NOW)
    assert manners.quiet_at(NOW - timedelta(microseconds=1))
    assert not manners.quiet_at(NOW)
    assert not Manners().quiet_at(NOW)


def test_to_somebody_who_asks_nothing_is_held_back_but_what_others_may_not_read() -> None:
    held = Manners(runbooks=False, repeats=False, storms=False, quiet_until=NOW)
    assert Channel("C1", "ops", manners=held).when_asked.manners == Manners()
    assert Channel("C1", "ops", mode="draft").when_asked.mode == "mention"
    assert Channel("C1", "ops", mode="off").when_asked.mode == "off"
    assert not Channel("C1", "ops", external=True, manners=held).when_asked.speaks
    assert Channel("C1", "ops", external=True, manners=OPEN).when_asked.speaks


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("2 hours", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1 Week", timedelta(weeks=1)),
        ("an hour", timedelta(hours=1)),
        ("one day", timedelta(days=1)),
        ("9999w", timedelta(weeks=9999)),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, length: timedelta) -> None:
    assert span(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "2", "h", "0h", "-2h", "2.5h", "10000d", "2h30m", "2 fortnights", "anhour", "٢h", "2h\n", "ever"],
)
def test_what_is_no_length_of_time_is_none(text: str) -> None:
    assert span(text) is None


@given(st.text())
def test_any_text_is_a_time_that_can_be_added_to_now_or_none(text: str) -> None:
    length = span(text)
    assert length is None or NOW + length > NOW

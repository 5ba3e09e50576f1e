"""Many alerts at once are one storm with one summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ratchet.handlers.storm import StormLimits, storm_at, summary

START = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
LIMITS = StormLimits(alerts=3, within=timedelta(minutes=5))


@dataclass(frozen=True)
class Open:
    happened_at: datetime
    alert: str | None = "Down"
    service: str | None = "edge"

    @property
    def ts(self) -> str:
        return f"{self.happened_at.timestamp():.6f}"


def opens(*minutes: float) -> list[Open]:
    return [Open(START + timedelta(minutes=minute)) for minute in minutes]


def test_few_alerts_are_no_storm() -> None:
    assert storm_at(opens(0, 1, 2), LIMITS) is None
    assert storm_at([], LIMITS) is None


def test_one_more_than_the_limit_is_a_storm_and_says_by_which_one() -> None:
    storm = storm_at(opens(0, 1, 2, 3), LIMITS)
    assert storm is not None
    assert storm.start.happened_at == START
    assert storm.breaks.happened_at == START + timedelta(minutes=3)


def test_alerts_spread_over_time_are_no_storm() -> None:
    assert storm_at(opens(0, 4, 8, 12, 16), LIMITS) is None


def test_what_follows_a_storm_without_a_pause_belongs_to_it() -> None:
    storm = storm_at(opens(0, 1, 2, 3, 7, 11), LIMITS)
    assert storm is not None
    assert storm.breaks.happened_at == START + timedelta(minutes=3)


def test_after_a_pause_it_is_over() -> None:
    assert storm_at(opens(0, 1, 2, 3, 9), LIMITS) is None


def test_the_summary_counts_names_and_links_the_first() -> None:
    many = [*opens(0, 1, 2), Open(START + timedelta(minutes=3), "DiskFull", None)]
    storm = storm_at(many, LIMITS)
    assert storm is not None
    text = summary(storm, "https://slack.example/first")
    assert "**4 alerts in 3 min**" in text
    assert "[Down](https://slack.example/first)" in text
    assert "- Down on edge × 3" in text
    assert "- DiskFull" in text
    assert "Services: edge" in text

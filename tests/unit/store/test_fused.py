"""One order of threads from what the words and the vectors found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ratchet.store.search import fused, recency
from ratchet.store.search_within import Near

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def near(ts: str, score: float, *, thread: str | None = None, days: float = 0) -> Near:
    return Near("C1", ts, thread or ts, NOW - timedelta(days=days), score)


def order(found: list[Near]) -> list[str]:
    return [one.ts for one in found]


def test_what_both_lists_know_stands_before_what_one_of_them_does() -> None:
    words = [near("a", 9), near("b", 8)]
    vectors = [near("c", 0.9), near("b", 0.8)]
    assert order(fused(words, vectors, NOW))[0] == "b"


def test_a_thread_stands_once_by_the_message_that_is_best() -> None:
    words = [near("2", 9, thread="1"), near("3", 8, thread="1")]
    vectors = [near("3", 0.9, thread="1"), near("4", 0.8)]
    assert order(fused(words, vectors, NOW)) == ["3", "4"]


def test_of_two_as_good_the_newer_stands_first() -> None:
    words = [near("old", 9, days=400), near("x", 8, days=400)]
    vectors = [near("new", 0.9, days=1), near("y", 0.8, days=400)]
    assert order(fused(words, vectors, NOW))[:2] == ["new", "old"]


def test_being_new_does_not_outdo_being_right() -> None:
    words = [near("right", 9, days=700), near("new", 8)]
    vectors = [near("right", 0.9, days=700), near("new", 0.8)]
    assert order(fused(words, vectors, NOW)) == ["right", "new"]


@given(st.floats(-1, 10_000))
def test_being_new_adds_less_than_a_place_among_the_first_ten(days: float) -> None:
    assert 0 <= recency(near("a", 1, days=days), NOW) <= 1 / 20 - 1 / 21

"""What follows from how a run ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.jobs.base import Cancel, Done, Snooze
from ratchet.jobs.endings import (
    LONGEST_BACKOFF_S,
    LONGEST_SNOOZE_S,
    Again,
    Dead,
    Finished,
    backoff_s,
    of_error,
    of_outcome,
)
from ratchet.jobs.errors import clean
from ratchet.jobs.headers import Record, read

BEFORE = Record(failures=2, snoozes=5)


def test_an_outcome_finishes_the_job_or_lets_it_wait() -> None:
    assert of_outcome(Done(), BEFORE) == Finished()
    assert of_outcome(Cancel("gone"), BEFORE) == Finished("gone")
    assert of_outcome(Snooze(30, "busy"), BEFORE) == Again(30, 2, 6, reason="busy")


@pytest.mark.parametrize(
    ("asked", "given"), [(-5, 0), (1e9, LONGEST_SNOOZE_S), (float("inf"), LONGEST_SNOOZE_S)]
)
def test_a_snooze_is_bounded(asked: float, given: float) -> None:
    assert of_outcome(Snooze(asked, "odd"), BEFORE) == Again(given, 2, 6, reason="odd")


def test_a_wait_that_the_other_side_named_is_kept_and_spread() -> None:
    ending = of_error(Transient("429", retry_after=30), BEFORE, 3, chance=0.5)
    assert ending == Again(31.5, 2, 6, reason="429")


def test_a_transient_error_is_never_a_failure_however_often() -> None:
    ending = of_error(Transient("down"), Record(failures=2, snoozes=1000), 3, chance=1.0)
    assert ending == Again(LONGEST_BACKOFF_S, 2, 1001, reason="down")


def test_an_unexpected_error_is_a_failure_until_there_were_too_many() -> None:
    first = of_error(ValueError("odd"), Record(), 2, chance=0.0)
    assert isinstance(first, Again)
    assert (first.failures, first.snoozes, first.delay_s) == (1, 0, 0.5)
    last = of_error(ValueError("odd"), Record(failures=1), 2, chance=0.0)
    assert isinstance(last, Dead)
    assert last.failure.message == "odd"


def test_one_error_in_a_group_that_waiting_cannot_cure_decides() -> None:
    waits = Transient(retry_after=1)
    group = ExceptionGroup("g", [waits, ExceptionGroup("h", [Refused("no")])])
    assert isinstance(of_error(group, BEFORE, 9, chance=0), Dead)
    assert isinstance(of_error(ExceptionGroup("g", [waits, Refused("no")]), BEFORE, 9, chance=0), Dead)
    mixed = of_error(ExceptionGroup("g", [waits, ValueError()]), BEFORE, 9, chance=0)
    assert isinstance(mixed, Again)
    assert mixed.failures == 3


def test_what_an_operator_can_mend_waits_for_it() -> None:
    ending = of_error(Misconfigured("the token was revoked"), BEFORE, 9, chance=0)
    assert isinstance(ending, Again)
    assert (ending.delay_s, ending.failures) == (300.0, BEFORE.failures)


@given(tries=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_backoff_grows_to_a_bound_and_is_never_none(tries: int, chance: float) -> None:
    assert 0.5 <= backoff_s(tries, chance) <= LONGEST_BACKOFF_S
    assert backoff_s(tries, chance) <= backoff_s(tries + 1, chance)


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_can_be_stored(text: str) -> None:
    stored = clean(text)
    assert "\x00" not in stored
    stored.encode()


@given(st.none() | st.dictionaries(st.sampled_from(["serial", "failures", "snoozes", "lost"]), st.text()))
def test_headers_may_hold_anything(headers: dict[str, object] | None) -> None:
    assert read(headers).failures == 0

"""Opens and closes -> incidents, and what people did about them."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from ratchet.domain.reports import Step
from ratchet.reports.channel_cases import Case, paired
from tests.unit.reports.channel_support import at, fired, lasting, reacted, resolved, rows, said, ts


def case_of(*steps: Step | list[Step], **given: Any) -> Case:
    (case,) = paired(rows(*steps, **given)).cases
    return case


def test_an_open_and_its_close_are_one_incident() -> None:
    case = case_of(fired(1), resolved(1.5))
    assert (case.opened_at, case.incident.closed_at, case.ttr_s) == (at(1), at(1.5), 1800.0)
    assert (case.incident.state, case.incident.firings, case.incident.close_ts) == ("closed", 1, ts(1.5))


def test_what_fires_again_while_open_is_a_renotification() -> None:
    case = case_of(fired(1), fired(5), fired(9), resolved(10))
    assert (case.incident.firings, case.ttr_s, case.threads) == (3, 9 * 3600.0, (ts(1), ts(5), ts(9)))


def test_after_a_day_of_silence_the_next_firing_is_a_new_incident() -> None:
    found = paired(rows(fired(1), fired(25), fired(49.01))).cases
    assert [(case.opened_at, case.incident.firings) for case in found] == [(at(1), 2), (at(49.01), 1)]
    assert [case.incident.state for case in found] == ["expired", "expired"]


def test_an_edit_that_keeps_it_open_is_a_sign_of_life_and_no_firing() -> None:
    edited = fired(20, ts=ts(1), version=ts(20), stays=True)
    found = paired(rows(fired(1), edited, fired(40), resolved(41))).cases
    assert [(case.incident.firings, case.ttr_s) for case in found] == [(2, 40 * 3600.0)]
    assert paired(rows(edited)).cases == []


def test_state_is_that_at_the_end_of_the_window() -> None:
    week = 7 * 24
    assert case_of(fired(week - 24)).incident.state == "open"
    assert case_of(fired(week - 24.01)).incident.state == "expired"
    assert case_of(fired(week - 24.01)).lasted_s(at(week)) is None
    assert case_of(fired(week - 2)).lasted_s(at(week)) == 7200.0


def test_a_stated_duration_wins_over_the_clock() -> None:
    case = case_of(fired(1), resolved(2, stated_s=120.0))
    assert (case.ttr_s, case.lasted_s(at(9))) == (120.0, 120.0)


def test_closes_that_ended_nothing_are_counted_once_a_message() -> None:
    found = paired(
        rows(
            fired(1), resolved(2), resolved(3), resolved(4, version=ts(5)), resolved(4), resolved(6, "Other")
        )
    )
    assert [step.ts for step in found.unpaired] == [ts(3), ts(4), ts(6)]


def test_a_close_that_is_edited_again_ends_nothing_anew() -> None:
    again = resolved(3, ts=ts(2), version=ts(3))
    assert paired(rows(fired(1), resolved(2), again)).unpaired == []


def test_time_to_acknowledge_is_to_the_first_reply_or_timed_reaction_in_the_opening_thread() -> None:
    assert case_of(fired(1), replies=[said(1, 1.5), said(1, 1.25)]).tta_s == 900.0
    assert case_of(fired(1), replies=[said(1, 1.5)], reactions=[reacted(1, 1.1)]).tta_s == pytest.approx(
        360.0
    )
    assert case_of(fired(1), reactions=[reacted(1, count=2)]).tta_s is None
    assert case_of(fired(1), fired(2), replies=[said(2, 2.5)]).tta_s is None


def test_whoever_writes_under_a_renotification_has_touched_it() -> None:
    case = case_of(fired(1), fired(2), resolved(3), replies=[said(2, 2.5), said(2, 5)])
    assert (case.replies, case.touched, case.no_touch) == (2, True, False)


def test_a_reaction_is_a_touch_and_no_reply() -> None:
    case = case_of(fired(1), resolved(1.01), reactions=[reacted(1, count=1)])
    assert (case.replies, case.reactions, case.touched, case.self_healed) == (0, 1, True, False)


def test_of_a_message_that_fires_again_by_an_edit_each_incident_has_its_own_replies() -> None:
    first = lasting(1, 10)
    again = [fired(3, ts=ts(1), version=ts(3)), resolved(4)]
    found = paired(rows(first, again, replies=[said(1, 1.05), said(1, 3.5), said(1, 3.6)])).cases
    assert [case.replies for case in found] == [1, 2]


def test_self_healed_is_closed_within_five_minutes_with_nobody_near() -> None:
    assert case_of(*lasting(1, 5)).self_healed
    assert not case_of(*lasting(1, 5.1)).self_healed
    assert case_of(*lasting(1, 5.1)).no_touch
    assert not case_of(*lasting(1, 5), replies=[said(1, 1.01)]).no_touch
    assert not case_of(fired(1)).no_touch


def test_a_flap_is_open_close_open_within_the_hour() -> None:
    found = paired(rows(lasting(1, 5), lasting(2, 5), lasting(3.1, 5))).cases
    assert [case.flap for case in found] == [False, True, False]


def test_what_opens_in_a_thread_belongs_to_that_thread() -> None:
    case = case_of(fired(2, parent_ts=ts(1)), replies=[said(1, 2.5)])
    assert (case.ts, case.threads, case.replies, case.tta_s) == (ts(2), (ts(1),), 1, 1800.0)


def test_the_order_of_the_rows_changes_nothing() -> None:
    steps = [
        *lasting(1, 5),
        *lasting(1.2, 90, "Other"),
        fired(3),
        fired(5),
        resolved(6),
        resolved(7),
        *lasting(30, 5),
    ]
    expected = paired(rows(steps))
    for seed in range(5):
        assert paired(rows(random.Random(seed).sample(steps, len(steps)))) == expected
    assert expected.cases[0].opened_at + timedelta(minutes=5) == expected.cases[0].incident.closed_at

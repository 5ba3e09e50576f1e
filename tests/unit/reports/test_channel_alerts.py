"""Which alerts make the toil, and what is suggested about each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ratchet.domain.reports import ChannelRows, Help, Step
from ratchet.reports.channel_alerts import AlertLine, alert_lines, beside, figures, noisy, template
from ratchet.reports.channel_cases import paired
from tests.unit.reports.channel_support import fired, lasting, reacted, resolved, rows, said

KNOWN = {("api", "DiskFull"): Help(kept=True)}


def lines(given: ChannelRows) -> tuple[AlertLine, ...]:
    return alert_lines(paired(given).cases, given.help)


def line(*steps: Step | list[Step], **given: Any) -> AlertLine:
    (only,) = lines(rows(*steps, **({"known": KNOWN} | given)))
    return only


def noise(*steps: Step | list[Step], **given: Any) -> tuple[str, str]:
    found = line(*steps, **given).noise
    return (found.cause, found.suggestion) if found else ("", "")


def touched(hours: Iterable[float]) -> dict[str, Any]:
    return {"replies": [said(hour, hour + 0.1) for hour in hours]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Disk 91% full on db-1", "Disk … full on db-…"),
        ("Node 10.2.0.14:9100 is down", "Node … is down"),
        ("Job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed", "Job … failed"),
        ("Pod api-7d9f8b6c54 restarts", "Pod api-… restarts"),
        ("p99 above 250ms", "p99 above …"),
        ("High rate of 5xx", "High rate of 5xx"),
        ("Queue deadbeef grows", "Queue deadbeef grows"),
        ("DiskWillFillIn4Hours", "DiskWillFillIn4Hours"),
        ("NodeDown-12", "NodeDown-12"),
        (None, None),
    ],
)
def test_free_text_is_counted_without_its_numbers_and_a_word_as_it_is(
    name: str | None, expected: str | None
) -> None:
    assert template(name) == expected


def test_every_figure_of_an_alert_by_hand() -> None:
    steps = [
        *[fired(1), fired(1.5), resolved(2)],  # one re-notification, a reply after 6 minutes, an hour
        *lasting(30, 4),  # nobody: heals itself
        *lasting(30.5, 20),  # nobody: a flap
        fired(100),  # nobody, never resolved
        fired(150),  # a reaction, still open
    ]
    found = figures(paired(rows(steps, replies=[said(1, 1.1)], reactions=[reacted(150, 150.5)])).cases)
    assert (found.opens, found.renotifications, found.closed, found.expired, found.flaps) == (5, 1, 3, 1, 1)
    assert (found.untriaged, found.untouched, found.no_touch, found.self_healed) == (4, 3, 2, 1)
    assert found.untriaged_share == 0.8
    assert found.no_touch_share == 0.4
    # 360 s and 1800 s; 240, 1200 and 3600 s
    assert (found.tta_p50_s, found.tta_p95_s) == pytest.approx((1080, 1728))
    assert (found.ttr_p50_s, found.ttr_p95_s) == pytest.approx((1200, 3360))


def test_nothing_has_no_times_and_no_division_by_zero() -> None:
    found = figures([])
    assert (found.opens, found.tta_p50_s, found.ttr_p95_s) == (0, None, None)
    assert (found.untouched_share, found.self_healed_share) == (0.0, 0.0)


def test_alerts_are_counted_by_template_and_service_most_frequent_first() -> None:
    found = lines(
        rows(
            lasting(1, 5, "B"),
            lasting(2, 5, "Disk 9% on a"),
            lasting(30, 5, "Disk 17% on a"),
            [fired(4, "B", "x"), fired(5, "B", "x")],
        )
    )
    assert [(one.alert, one.service, one.opens, one.names, one.days) for one in found] == [
        ("Disk … on a", "api", 2, 2, 2),
        ("B", "x", 1, 1, 1),
        ("B", "api", 1, 1, 1),
    ]
    assert [one.share for one in found] == [0.5, 0.25, 0.25]
    assert [one.figures.renotifications for one in found] == [0, 1, 0]


def test_one_name_is_shown_as_it_is() -> None:
    assert line(lasting(1, 5, "Disk 9% on a"), lasting(30, 5, "Disk 9% on a")).alert == "Disk 9% on a"


def test_beside_counts_opens_while_another_of_the_same_alert_is_open() -> None:
    steps = [
        *[fired(1, pair_key="a"), fired(1.1, pair_key="b"), fired(1.2, pair_key="c")],
        *[resolved(2, pair_key="a"), resolved(2, pair_key="b"), resolved(2, pair_key="c")],
        *[fired(3, pair_key="d")],
    ]
    assert beside(paired(rows(steps)).cases) == 2


def test_a_flapping_alert_gets_hysteresis() -> None:
    steps = [step for n in range(4) for step in lasting(1 + n / 2, 20)]
    assert noise(steps) == (
        "flaps",
        "Give it hysteresis (a lower threshold to resolve), or a longer `for:`: 3 of 4 came back within the hour.",
    )


def test_an_alert_that_heals_itself_gets_a_longer_for_of_what_it_takes() -> None:
    steps = [*lasting(1, 1), *lasting(10, 2), *lasting(20, 3.5), *lasting(30, 60)]
    # The 95th percentile of 60, 120 and 210 s is 201 s.
    assert noise(steps, **touched([30])) == (
        "self-heals",
        "Set `for: 4m`: 3 of 4 were over by themselves within 5 minutes.",
    )


@pytest.mark.parametrize(("priority", "advice"), [("LOW", "Delete it"), ("HIGH", "Lower its severity")])
def test_an_alert_that_nobody_touches_is_deleted_or_lowered(priority: str, advice: str) -> None:
    steps = [step for n in range(5) for step in lasting(1 + 10 * n, 30, priority=priority)]
    expected = ("never touched", f"{advice}: nobody reacted to 4 of 5.")
    assert noise(steps, **touched([1])) == expected
    assert noise(steps, **touched([1, 11])) == ("", "")


def test_an_alert_that_is_repeated_without_end_is_repeated_less() -> None:
    steps = [fired(n * 4.0) for n in range(11)]
    assert noise(steps, **touched([0])) == ("duplicates", "Repeat it less often: 10 repeats of 1 opens.")
    assert noise(steps[:10], **touched([0])) == ("", "")


def test_alerts_that_come_together_are_grouped() -> None:
    opened = [fired(1 + n / 100, pair_key=str(n)) for n in range(4)]
    closed = [resolved(3, pair_key=str(n)) for n in range(4)]
    cause, advice = noise(opened, closed, **touched([1, 1.01, 1.02]))
    assert cause == "duplicates"
    assert advice.endswith("3 of 4 opened while another one was open.")


def test_an_alert_that_never_resolves_is_said_so() -> None:
    steps = [fired(1), fired(40), *lasting(80, 30)]
    assert noise(steps, **touched([1, 40, 80])) == (
        "never resolved",
        "Have the tool send resolves, or delete it: 2 of 3 just fell silent.",
    )


def test_an_alert_that_stays_for_long_is_a_ticket() -> None:
    steps = [*lasting(1, 300), *lasting(20, 400), *lasting(40, 20)]
    assert noise(steps, **touched([1, 20, 40])) == (
        "long-running",
        "Fix the cause, or make it a ticket: half of them stay open over 5.0 h.",
    )


def test_an_alert_about_which_nothing_is_known_wants_a_runbook() -> None:
    steps = [*lasting(1, 30), *lasting(20, 30), *lasting(40, 30)]
    reactions = [reacted(hour, hour + 0.1) for hour in (1, 20, 40)]
    assert noise(steps, reactions=reactions) == ("", "")
    assert noise(steps, reactions=reactions, known={("api", "DiskFull"): Help()}) == (
        "no runbook",
        "Write a runbook: it fired 3 times, and nothing is known about it.",
    )


def test_two_opens_are_no_pattern() -> None:
    assert noise(lasting(1, 1), lasting(1.2, 1), known={}) == ("", "")


def test_the_worst_noise_stands_first_and_a_missing_runbook_last() -> None:
    many = [step for n in range(9) for step in lasting(1 + 10 * n, 30, "Loud")]
    few = [step for n in range(4) for step in lasting(2 + 10 * n, 30, "Quiet")]
    unknown = [step for n in range(20) for step in lasting(3 + 7 * n, 30, "Unknown")]
    replies = [said(3 + 7 * n, 3.2 + 7 * n) for n in range(20)]
    found = noisy(lines(rows(many, few, unknown, replies=replies)))
    assert [(one.alert, one.noise and one.noise.cause) for one in found] == [
        ("Loud", "never touched"),
        ("Quiet", "never touched"),
        ("Unknown", "no runbook"),
    ]

"""The channel report as a whole: figures by hand, Markdown, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.domain.effects import Reply
from ratchet.domain.reports import ChannelFacts, Help
from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.channel_json import as_json
from ratchet.reports.channel_text import markdown
from ratchet.slack.render import render
from tests.unit.reports.channel_support import (
    BEFORE,
    FACTS,
    SINCE,
    UNTIL,
    at,
    fired,
    lasting,
    reacted,
    resolved,
    rows,
    said,
    ts,
)

FIX = "fixed by `kubectl -n shop rollout restart deploy/api`"


def link(stamp: str, root: str) -> str:
    return f"https://team.slack.com/{stamp}" + (f"?thread_ts={root}" if root != stamp else "")


def text(report: ChannelReport) -> str:
    return markdown(report, link)


def week() -> ChannelReport:
    """A week whose every figure the first tests work out by hand."""
    return channel_report(
        rows(
            [fired(-100), resolved(-99)],  # the week before: touched after 30 minutes
            lasting(-50, 10, "OldAlert"),
            [fired(-31 + 20 * n, "Stuck", "db") for n in range(10)],  # open
            lasting(1, 4),  # Monday 1:00: off-hours, asleep; nobody
            lasting(10, 30),  # Monday 10:00: a reply after 6 minutes, with a fix
            [fired(34), fired(36), resolved(40)],  # Tuesday 10:00: a reaction; 6 hours
            lasting(130, 60, "NewAlert", service="web", priority="HIGH"),  # Saturday 10:00
            fired(100, None, None, pair_key="x"),  # Friday 4:00: no name, expired
            resolved(120, "Never"),
            replies=[said(-100, -99.5), said(10, 10.1, FIX)],
            reactions=[reacted(34, 35)],
            known={("api", "DiskFull"): Help(triaged=True)},
            facts=ChannelFacts(900, 700, 40, 30, 3, BEFORE - timedelta(days=30)),
        )
    )


def test_the_counts_of_the_week_by_hand() -> None:
    total, before = week().total, week().before
    assert (total.opens, total.renotifications, total.closed, total.expired) == (5, 1, 4, 1)
    assert (total.untriaged, total.untouched, total.no_touch, total.self_healed, total.flaps) == (
        4,
        3,
        2,
        1,
        0,
    )
    assert (total.tta_p50_s, total.tta_p95_s) == pytest.approx((1980, 3438))  # 360 and 3600 s
    assert (total.ttr_p50_s, total.ttr_p95_s) == pytest.approx((2700, 18900))  # 240, 1800, 3600, 21600 s
    assert before is not None
    assert (before.opens, before.untouched, before.tta_p50_s, before.ttr_p50_s) == (3, 2, 1800, 2100)


def test_the_lists_of_the_week_by_hand() -> None:
    report = week()
    assert [case.ts for case in report.still_open] == [ts(-31)]
    assert [case.ts for case in report.stale()] == [ts(-31)]
    assert [case.ts for case in report.untriaged] == [ts(130), ts(100), ts(34), ts(1)]
    assert [(case.ts, case.lasted_s(UNTIL)) for case in report.long_running] == [
        (ts(-31), 199 * 3600.0),
        (ts(34), 6 * 3600.0),
    ]
    assert [(line.title, line.opens) for line in report.alerts] == [
        ("DiskFull", 3),
        ("(no name)", 1),
        ("NewAlert", 1),
    ]
    assert [line.title for line in report.frequent] == []
    assert [(line.service, line.opens) for line in report.services] == [("api", 3), (None, 1), ("web", 1)]
    assert [(one.alert, one.opens, one.ts) for one in report.new] == [("NewAlert", 1, ts(130))]
    assert [(one.alert, one.opens, one.ts) for one in report.gone] == [
        ("OldAlert", 1, ts(-50)),
        ("Stuck", 1, ts(-31)),
    ]
    assert [(one.ts, one.root_ts) for one in report.learned] == [(ts(10.1), ts(10))]
    assert (report.top5_share, report.coverage) == pytest.approx((1.0, 1 / 3))


def test_the_hours_and_the_quality_of_the_week_by_hand() -> None:
    report = week()
    # Off-hours: Monday 1:00, Friday 4:00, Saturday 10:00, of five.
    assert report.hours.off_hours_share == pytest.approx(3 / 5)
    assert report.hours.sleep_share == pytest.approx(2 / 5)
    assert report.hours.weekend_share == pytest.approx(1 / 5)
    assert (report.hours.busy_hours, report.hours.over, report.storms) == (5, 0, ())
    quality = report.quality
    assert (quality.unknown, quality.unknown_share, quality.waiting) == (10, 0.25, 3)
    assert (quality.unnamed, quality.unpaired_closes, quality.expired) == (1, 1, 1)
    assert (quality.compared, quality.cut) == (True, False)


def test_the_week_as_markdown() -> None:
    assert (
        text(week())
        == f"""\
**5 incidents** in 7 days (+2 against the 7 days before), **1 still open** (1 for over 72 h), **60% without a reply or reaction** (67% before).
Noticed: half within 33 min, 95% within 57 min. Resolved: half within 45 min, 95% within 5.2 h. 1 re-notification; 40% closed untouched, 20% of all within 5 minutes.

**Still open**
- `Stuck` on `db` ([message](https://team.slack.com/{ts(-31)})), since Sat 2024-05-04 17:00 UTC (8.3 d ago)

| alert | service | opened | repeated | untouched | noticed (half) | resolved (half) |
|---|---|--:|--:|--:|--:|--:|
| `DiskFull` | `api` | 3 | 1 | 1 | 33 min | 30 min |
| `(no name)` | `–` | 1 | 0 | 1 | – | – |
| `NewAlert` | `web` | 1 | 0 | 1 | – | 1.0 h |

**New, not in the 7 days before**: `NewAlert` on `web` × 1 ([message](https://team.slack.com/{ts(130)}))
**Gone since the 7 days before**: `OldAlert` on `api` × 1, `Stuck` on `db` × 1

**Open for over 4 h, and resolved**: `DiskFull` on `api` ([message](https://team.slack.com/{ts(34)})) 6.0 h

**Nobody wrote a word about**
- `NewAlert` on `web` ([message](https://team.slack.com/{ts(130)})), since Sat 2024-05-11 10:00 UTC (1.6 d ago)
- `(no name)` ([message](https://team.slack.com/{ts(100)})), since Fri 2024-05-10 04:00 UTC (2.8 d ago)
- `DiskFull` on `api` ([message](https://team.slack.com/{ts(34)})), since Tue 2024-05-07 10:00 UTC (5.6 d ago)
- `DiskFull` on `api` ([message](https://team.slack.com/{ts(1)})), since Mon 2024-05-06 01:00 UTC (7.0 d ago)

**What helped**
- `DiskFull` on `api`: `kubectl -n shop rollout restart deploy/api` ([message](https://team.slack.com/{ts(10.1)}?thread_ts={ts(10)}))

**When**: 60% off-hours, 40% between 22 and 8 o'clock, 20% at the weekend (UTC); 5 hours with an alert; 0.4 incidents per 12-hour shift, 0 of 15 shifts over 2.

_Something is known about 1 of 3 alerts. 1 of 5 incidents name no alert. 10 of 40 bot messages were taken for no alert. 3 messages wait for the model. 1 resolve ended nothing that was open. 1 never resolved; after 24 h of silence they count as over._"""
    )


def test_no_value_that_is_missing_shows_as_python_has_it() -> None:
    assert not {"None", "nan"} & set(re.findall(r"\w+", text(week()) + text(channel_report(rows(fired(1))))))


def test_what_to_delete_or_fix_stands_right_under_the_headline() -> None:
    report = channel_report(rows([step for n in range(5) for step in lasting(1 + 10 * n, 3)]))
    noise = text(report).split("\n\n")[1]
    assert noise == (
        "**Delete or fix first**\n1. `DiskFull` on `api` – self-heals. Set `for: 3m`: 5 of 5 were over by"
        " themselves within 5 minutes. ([latest](https://team.slack.com/1715101200.000000))"
    )


def test_an_empty_window_has_a_sentence() -> None:
    empty = channel_report(rows(facts=replace(FACTS, bot_messages=20)))
    assert text(empty) == "No incident opened in 7 days, and none is open."
    assert (empty.total.opens, empty.coverage, empty.top5_share, empty.hours.busy_hours) == (0, 0, 0, 0)
    nothing = channel_report(rows(facts=ChannelFacts(0, 0, 0, 0, 0, None)))
    assert text(nothing).endswith("_The time before is not recorded, so nothing is compared._")


@pytest.mark.parametrize(
    ("recorded", "cut"), [(SINCE - timedelta(days=3), False), (None, False), (BEFORE, True)]
)
def test_nothing_is_compared_with_a_time_that_is_not_recorded_whole(recorded: Any, cut: bool) -> None:
    steps = [*lasting(-5, 10, "Old"), *lasting(5, 10)]
    report = channel_report(rows(steps, facts=replace(FACTS, recorded_since=recorded), cut=cut))
    assert (report.before, report.new, report.gone, report.quality.compared) == (None, (), (), False)
    assert "before)" not in text(report)


def test_opens_exactly_at_the_ends_belong_to_the_window_that_begins_there() -> None:
    report = channel_report(
        rows(fired(0), fired(7 * 24, "Late"), fired(-7 * 24, "Early"), fired(-7 * 24 - 1, "Older"))
    )
    assert report.total.opens == 1
    assert report.before is not None
    assert report.before.opens == 1


def test_what_closes_in_the_window_and_opened_long_before_is_long_running_and_paired() -> None:
    report = channel_report(rows(fired(-20), resolved(3), replies=[said(-20, -19)]))
    assert (report.total.opens, report.quality.unpaired_closes) == (0, 0)
    assert [case.ts for case in report.long_running] == [ts(-20)]


def test_a_name_cannot_break_out_of_its_cell() -> None:
    steps = fired(1, "a|b`c\n<!channel> [x](https://evil)", "s|`x`")
    assert "| `a b c <!channel> [x](https://evil)` | `s x` | 1 | 0 | 1 | – | – |" in text(
        channel_report(rows(steps))
    )


def test_alerts_recognised_by_common_forms_or_the_model_are_confessed() -> None:
    steps = [
        fired(1, tool="generic"),
        fired(2, "A", tool="model"),
        fired(3, "B", tool="model"),
        fired(4, "C"),
    ]
    assert "Recognised by common forms: 1 open; by the model: 2." in text(channel_report(rows(steps)))


def crowded() -> ChannelReport:
    """Hundreds of alerts with names as long as names may be."""
    name = "𝕏" * 290
    opened = [fired(1 + n / 10, f"{name} {chr(0x4E00 + n)}", "s" * 300, pair_key=str(n)) for n in range(600)]
    old = [fired(-100 + n / 10, f"Old{n}", "s" * 300, pair_key=f"old{n}") for n in range(300)]
    noisy = [step for n in range(60) for step in lasting(2 + n, 2, f"N{n % 9}" * 100)]
    texts = [said(1 + n / 10, 1.05 + n / 10, FIX + " what is this about? " * 90) for n in range(600)]
    facts = replace(FACTS, bot_messages=9_999, waiting=99)
    return channel_report(rows(opened, old, noisy, replies=texts, facts=facts))


def test_however_much_there_is_it_fits_into_one_message() -> None:
    report = crowded()
    assert len(report.alerts) > 600
    assert len(text(report)) < 8_000
    assert len(render(Reply("C0", ts(1), text(report)), "key")) == 1


def test_the_json_is_json_has_stable_names_and_links_every_message() -> None:
    found = json.loads(json.dumps(as_json(week(), link)))
    assert sorted(found) == [
        "alerts", "asked_again", "before", "channel_id", "coverage", "daily", "frequent", "gone", "hours", "learned",
        "long_running", "new", "noise", "open", "quality", "services", "since", "stale", "still_open", "storms",
        "threads", "top5_share", "total", "until", "untriaged",
    ]  # fmt: skip
    assert found["since"] == "2024-05-06T00:00:00+00:00"
    assert found["total"]["untouched_share"] == 0.6
    assert found["alerts"][0]["figures"]["opens"] == 3
    assert found["learned"][0]["permalink"] == link(ts(10.1), ts(10))
    assert found["hours"]["by_day"][0] == ["2024-05-06", 2]
    assert found["quality"]["unknown_share"] == 0.25
    listed = [row for name in ("still_open", "untriaged", "new", "gone", "threads") for row in found[name]]
    assert all(row["permalink"].startswith("https://team.slack.com/") for row in listed)


def test_the_json_of_a_crowd_lists_a_hundred_and_counts_all() -> None:
    found = as_json(crowded(), link)
    assert len(found["untriaged"]) <= 100 < found["total"]["opens"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.floats(-160, 167),
            st.one_of(st.none(), st.floats(0, 9_999)),
            st.integers(1, 5),
            st.text(max_size=9),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_the_figures_agree_with_one_another(found: list[tuple[float, float | None, int, str, bool]]) -> None:
    steps, replies = [], []
    for number, (hour, minutes, firings, name, spoken) in enumerate(found):
        key = {"pair_key": str(number)}
        steps += [fired(hour + n / 60, name or None, **key) for n in range(firings)]
        steps += (
            [resolved(hour + firings / 60 + minutes / 60, name or None, **key)] if minutes is not None else []
        )
        replies += [said(hour, hour + 0.01, "why does this fire again?")] if spoken else []
    report = channel_report(rows(steps, replies=replies))
    opened = sum(at(hour) >= SINCE for hour, *_ in found)
    assert report.total.opens == sum(line.opens for line in report.alerts) == opened
    assert sum(line.figures.renotifications for line in report.alerts) == report.total.renotifications
    assert sum(line.opens for line in report.services) == opened
    assert len(report.untriaged) == report.total.untriaged
    assert sum(count for _, count in report.hours.by_day) == opened
    assert sum(map(sum, report.hours.by_weekday_hour)) == opened
    assert report.hours.busy_hours <= opened
    for share in (
        report.top5_share,
        report.coverage,
        report.hours.off_hours_share,
        report.total.self_healed_share,
    ):
        assert -1e-9 <= share <= 1 + 1e-9
    assert text(report)
    assert json.dumps(as_json(report, link))
    assert all(at(0) <= case.opened_at < UNTIL for case in report.untriaged)

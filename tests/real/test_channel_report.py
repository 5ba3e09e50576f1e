"""The weekly report over real alert notifications: every figure against one worked out in another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from functools import cached_property
from typing import Any

import pytest

from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.channel_alerts import AlertLine
from ratchet.reports.channel_cases import Case
from ratchet.reports.channel_text import markdown
from ratchet.store.channel_report import ChannelReports
from ratchet.store.pool import Database
from tests.integration.pipeline.house import START, House, Raw, at
from tests.real import alert_weeks as weeks
from tests.real.alert_weeks import DAY, HOUR, SOURCE, UNTIL, WEEK, Run, Told

pytestmark = pytest.mark.skipif(not SOURCE.is_file(), reason=f"{SOURCE.name} is not there")

Name = tuple[str | None, str]


@dataclass
class Both:
    """The report, and what was worked out from the raw messages."""

    raws: Sequence[Raw]
    told: Told
    report: ChannelReport

    def between(self, since: float, until: float) -> list[Run]:
        return [run for run in self.told.runs if since <= run.opened < until]

    @cached_property
    def week(self) -> list[Run]:
        return self.between(UNTIL - WEEK, UNTIL)

    @cached_property
    def before(self) -> list[Run]:
        return self.between(UNTIL - 2 * WEEK, UNTIL - WEEK)

    @cached_property
    def named(self) -> dict[Name, list[Run]]:
        return weeks.named(self.week)

    def helped(self, name: Name) -> bool:
        return weeks.helped([run for run in self.told.runs if run.name == name])


@pytest.fixture
async def both(database: Database) -> Both:
    raws = weeks.posted()
    house = House(database)
    messages = [raw for raw in raws if raw["type"] == "message"]
    for start in range(0, len(messages), 500):
        await house.recall(*messages[start : start + 500])
    await house.hear(*(raw for raw in raws if raw["type"] == "reaction_added"))
    await house.rows("update channels set kind = 'public'")
    until = weeks.when(UNTIL)
    rows = await ChannelReports(database).channel_rows(
        "C1", visible_from="C1", since=until - timedelta(seconds=WEEK), until=until
    )
    return Both(raws, weeks.understood(raws), channel_report(rows))


def name_of(one: Any) -> Name:
    return one.service, one.alert


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Times in seconds to a thousandth; a message's ts is a fraction that no double holds."""
    assert found.keys() == expected.keys()
    for field, value in expected.items():
        assert found[field] == (value if value is None else pytest.approx(value, abs=1e-3)), field


async def test_every_figure_is_that_of_another_computation(both: Both) -> None:
    the_story_has_everything(both)
    totals_of_both_weeks(both)
    lines_of_alerts(both)
    noise(both)
    lists_of_incidents(both)
    new_gone_and_shares(both)
    hours(both)
    days_storms_and_services(both)
    what_people_wrote(both)
    quality(both)


def the_story_has_everything(both: Both) -> None:
    """Else the comparison would prove little."""
    total = weeks.totals(both.week)
    assert all(total.values()), total
    assert all(weeks.totals(both.before).values())
    assert weeks.storms(both.week)
    causes = {weeks.cause(found, helped=both.helped(name)) for name, found in both.named.items()}
    assert causes >= {"duplicates", "flaps", "self-heals", "never resolved", "never touched", "long-running"}
    assert {run.state for run in both.told.runs} == {"open", "closed", "expired"}


def totals_of_both_weeks(both: Both) -> None:
    same(asdict(both.report.total), weeks.totals(both.week))
    assert both.report.before is not None
    same(asdict(both.report.before), weeks.totals(both.before))


def lines_of_alerts(both: Both) -> None:
    assert {name_of(line) for line in both.report.alerts} == set(both.named)
    counts = [line.opens for line in both.report.alerts]
    assert counts == sorted(counts, reverse=True)
    for line in both.report.alerts:
        found = both.named[name_of(line)]
        same(asdict(line.figures), weeks.totals(found))
        assert (line.names, line.beside) == (1, weeks.beside(found)), line
        assert line.days == len({weeks.when(run.opened).date() for run in found})
        assert line.still_open == sum(run.state == "open" for run in found)
        assert line.share == pytest.approx(len(found) / len(both.week))
        assert line.priority == ("HIGH" if any(run.priority == "HIGH" for run in found) else "LOW")
        assert line.helped == both.helped(name_of(line))
        assert line.latest == (found[-1].ts, found[-1].ts)
    least = max(3, 7)
    assert {name_of(line) for line in both.report.frequent} == {
        name for name, found in both.named.items() if len(found) >= least
    }


def noise(both: Both) -> None:
    expected = {
        name: called
        for name, found in both.named.items()
        if (called := weeks.cause(found, helped=both.helped(name)))
    }
    assert {name_of(line): line.noise.cause for line in both.report.noise if line.noise} == expected

    def worth(line: AlertLine) -> tuple[bool, int, int, str]:
        found = both.named[name_of(line)]
        figures = weeks.totals(found)
        idle = figures["untouched"] + figures["flaps"]
        return expected[name_of(line)] == "no runbook", -idle, -len(found), line.title

    assert list(both.report.noise) == sorted(both.report.noise, key=worth)
    for line in both.report.noise:
        assert line.noise is not None
        counted(line.noise.cause, line.noise.suggestion, both.named[name_of(line)])


def counted(cause: str, suggestion: str, found: Sequence[Run]) -> None:
    """The numbers in what is suggested."""
    figures, opens = weeks.totals(found), len(found)
    match cause:
        case "flaps":
            assert f"{figures['flaps']} of {opens} came back" in suggestion
        case "self-heals":
            assert f"{figures['self_healed']} of {opens} were over" in suggestion
            healed = [run.lasted for run in found if not run.touched and (run.lasted or 301) <= 300]
            assert f"`for: {-(-(weeks.part95([one or 0 for one in healed]) or 0) // 60):.0f}m`" in suggestion
        case "never resolved":
            assert f"{figures['expired']} of {opens} just fell silent" in suggestion
        case "never touched":
            assert f"nobody reacted to {figures['untouched']} of {opens}" in suggestion
        case "duplicates":
            repeats = f"{figures['renotifications']} repeats of {opens} opens"
            grouped = f"{weeks.beside(found)} of {opens} opened while another"
            assert repeats in suggestion or grouped in suggestion
        case "no runbook":
            assert f"it fired {opens} times" in suggestion
        case "long-running":
            assert f"half of them stay open over {figures['ttr_p50_s'] / HOUR:.1f} h" in suggestion
        case _:
            raise AssertionError(cause)


def lists_of_incidents(both: Both) -> None:
    runs, report = both.told.runs, both.report
    is_open = [run for run in runs if run.state == "open"]
    assert [case.ts for case in report.still_open] == [run.ts for run in is_open]
    assert [case.ts for case in report.stale()] == [run.ts for run in is_open if UNTIL - run.opened > 3 * DAY]

    def lasted(run: Run) -> float:
        return UNTIL - run.opened if run.state == "open" else run.lasted or 0.0

    met = [run for run in runs if run.state == "open" or (run.closed or run.opened) >= UNTIL - WEEK]
    long = sorted(
        (run for run in met if lasted(run) > 4 * HOUR), key=lambda run: (-round(lasted(run), 3), run.ts)
    )
    assert [case.ts for case in report.long_running] == [run.ts for run in long]
    assert [case.ts for case in report.untriaged] == [run.ts for run in both.week[::-1] if not run.replies]
    by_ts = {run.ts: run for run in runs}
    for case in (*report.still_open, *report.long_running, *report.untriaged):
        case_of(case, by_ts[case.ts])


def case_of(case: Case, run: Run) -> None:
    assert (case.incident.alert, case.incident.service) == (run.name[1], run.name[0])
    assert (case.incident.state, case.incident.firings) == (run.state, len(run.threads))
    assert case.threads == tuple(run.threads)
    assert (case.replies, case.reactions, case.flap) == (len(run.replies), len(run.reactions), run.flap)
    for found, expected in ((case.tta_s, run.noticed), (case.ttr_s, run.lasted)):
        assert found == (expected if expected is None else pytest.approx(expected, abs=1e-3))


def new_gone_and_shares(both: Both) -> None:
    earlier = weeks.named(both.before)
    for listed, here, there in (
        (both.report.new, both.named, earlier),
        (both.report.gone, earlier, both.named),
    ):
        expected = {name: (len(found), found[-1].ts) for name, found in here.items() if name not in there}
        assert {name_of(one): (one.opens, one.ts) for one in listed} == expected
    counts = sorted((len(found) for found in both.named.values()), reverse=True)
    assert both.report.top5_share == pytest.approx(sum(counts[:5]) / len(both.week))
    known = sum(both.helped(name) for name in both.named)
    assert both.report.coverage == pytest.approx(known / len(both.named))


def hours(both: Both) -> None:
    moments = [weeks.when(run.opened) for run in both.week]
    found, count = both.report.hours, len(moments)
    weekend = [moment for moment in moments if moment.isoweekday() in (6, 7)]
    work = [moment for moment in moments if moment not in weekend and 9 <= moment.hour <= 17]
    asleep = [moment for moment in moments if moment.hour >= 22 or moment.hour < 8]
    assert found.off_hours_share == pytest.approx(1 - len(work) / count)
    assert found.sleep_share == pytest.approx(len(asleep) / count)
    assert found.weekend_share == pytest.approx(len(weekend) / count)
    assert found.busy_hours == len({f"{moment:%F %H}" for moment in moments})
    days = Counter(f"{moment:%F}" for moment in moments)
    assert [(str(day), opens) for day, opens in found.by_day if opens] == sorted(days.items())
    assert len(found.by_day) == 8  # the window begins and ends within a day
    cells = Counter((moment.isoweekday() - 1, moment.hour) for moment in moments)
    assert found.by_weekday_hour == tuple(tuple(cells[day, hour] for hour in range(24)) for day in range(7))
    loads = weeks.shifts(both.week)
    first, last = (int((START + end - 8 * HOUR) // (12 * HOUR)) for end in (UNTIL - WEEK, UNTIL - 0.001))
    assert found.shifts == last - first + 1
    assert found.per_shift == pytest.approx(sum(loads.values()) / 14)
    assert found.over == sum(load > 2 for load in loads.values())


def days_storms_and_services(both: Both) -> None:
    report = both.report
    daily = Counter((f"{weeks.when(run.opened):%F}", run.name[0]) for run in both.week)
    assert {(str(one.day), one.service): one.opens for one in report.daily} == daily
    assert {one.service: one.opens for one in report.services} == Counter(run.name[0] for run in both.week)
    found = [(one.start.timestamp(), one.end.timestamp(), one.opens, one.alerts) for one in report.storms]
    expected = [(START + a, START + b, opens, kinds) for a, b, opens, kinds in weeks.storms(both.week)]
    assert found == [pytest.approx(storm, abs=1e-3) for storm in expected]


def what_people_wrote(both: Both) -> None:
    texts = {raw["ts"]: raw["text"] for raw in both.raws if "thread_ts" in raw}
    fixed: dict[Name, tuple[str, str]] = {}
    asked: dict[Name, set[str]] = {}
    for run in both.week:
        for thread, moment in run.replies:
            ts = at(moment)
            if texts[ts] == weeks.FIX:
                fixed[run.name] = (thread, ts)
            else:
                asked.setdefault(run.name, set()).add(thread)
    assert {name_of(one): (one.root_ts, one.ts) for one in both.report.learned} == fixed
    assert {one.fix for one in both.report.learned} == {"systemctl restart gerrit"}
    again = {name: len(threads) for name, threads in asked.items() if len(threads) > 1}
    assert {name_of(one): one.threads for one in both.report.asked_again} == again
    most = sorted((run for run in both.week if run.replies), key=lambda run: (-len(run.replies), -run.opened))
    assert [one.ts for one in both.report.threads] == [run.ts for run in most[:6]]


def quality(both: Both) -> None:
    inside = [
        raw
        for raw in both.raws
        if raw["type"] == "message" and UNTIL - WEEK <= float(raw["ts"]) - START < UNTIL
    ]
    bots = [raw for raw in inside if "bot_id" in raw]
    assert asdict(both.report.quality) == {
        "messages": len(inside),
        "by_people": len(inside) - len(bots),
        "bot_messages": len(bots),
        "unknown": sum(raw["text"] == weeks.CHATTER for raw in bots),
        "generic": 0,
        "by_model": 0,
        "waiting": 0,
        "unnamed": 0,
        "unpaired_closes": sum(moment >= UNTIL - WEEK for moment in both.told.unpaired),
        "expired": weeks.totals(both.week)["expired"],
        "cut": False,
        "compared": True,
    }


async def test_the_figures_that_are_posted_are_these(both: Both) -> None:
    """The Markdown: one message, with the comparison and the first of the noise."""
    text = markdown(both.report, lambda ts, _: f"https://example.slack.com/archives/C1/p{ts}")
    assert len(text) < 8_000
    assert f"**{len(both.week)} incidents** in 7 days" in text
    assert "the 7 days before" in text
    worst = both.report.noise[0]
    assert worst.noise is not None
    assert worst.noise.suggestion in text
    assert weeks.when(0).tzinfo is UTC

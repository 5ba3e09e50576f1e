"""«send this report every Monday at 9», and a model's suggestions with their threads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ratchet.domain.effects import AskApproval, SetSchedule
from ratchet.domain.errors import Transient
from ratchet.domain.schedules import CHANNEL_REPORT, GAP_LIST, days_before
from ratchet.handlers.configure import Configure, spoken
from ratchet.handlers.report_advice import ReportAdviser, Suggestion, told
from ratchet.handlers.wishes import wish
from ratchet.llm.turn import JsonResult, JsonTurn
from ratchet.reports.channel import channel_report
from tests.unit.handlers.talking import HELP, LINKS, ME, People, heard, person
from tests.unit.reports.channel_support import fired, rows, said


@pytest.mark.parametrize(
    ("words", "cron", "heard"),
    [
        ("send this report every Monday at 9", "0 9 * * 1", "every Monday at 9:00"),
        ("please post the report here every friday at 16:30", "30 16 * * 5", "every Friday at 16:30"),
        ("send us a weekly report here every Sunday at 12 am", "0 0 * * 0", "every Sunday at 0:00"),
        ("post the report daily at 7 pm", "0 19 * * *", "every day at 19:00"),
        ("send the report every weekday", "0 9 * * 1-5", "every weekday at 9:00"),
        ("post the report weekly", "0 9 * * 1", "every Monday at 9:00"),
    ],
    ids=["monday", "friday", "midnight", "daily", "weekday", "weekly"],
)
def test_a_time_in_words_is_a_schedule(words: str, cron: str, heard: str) -> None:
    found = wish(words)
    assert found is not None
    assert found.schedule == (CHANNEL_REPORT, cron)
    assert spoken(cron) == heard


@pytest.mark.parametrize(
    "words",
    [
        "send this report every Monday at 25",
        "send this report every Mittwoch",
        "send a report",
        "post the report at 13 pm daily",
    ],
    ids=["no hour", "no day", "no time", "other order"],
)
def test_what_names_no_time_is_a_question(words: str) -> None:
    assert wish(words) is None


def test_it_ends_in_words_too() -> None:
    found = wish("please stop sending the report here")
    assert found is not None
    assert found.schedule == (CHANNEL_REPORT, None)


async def test_a_schedule_waits_for_a_click_and_says_what_it_will_be() -> None:
    asked_for = heard(person("1800000000.000000", f"<@{ME}> send this report every Monday at 9"), HELP)
    effects = await Configure(People((HELP,)), LINKS, "Europe/Berlin").handle(asked_for)
    (asked,) = effects
    assert isinstance(asked, AskApproval)
    assert asked.effects == (SetSchedule(HELP.id, CHANNEL_REPORT, "0 9 * * 1", "Europe/Berlin"),)
    assert "every Monday at 9:00 (Europe/Berlin)" in asked.markdown


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("post the gap list here every Monday at 8", "0 8 * * 1"),
        ("please send us the list of what the docs lack weekly", "0 9 * * 1"),
        ("stop posting the gap list here", None),
    ],
    ids=["monday", "weekly", "ends"],
)
async def test_the_gap_list_is_scheduled_in_words(words: str, cron: str | None) -> None:
    asked_for = heard(person("1800000000.000000", f"<@{ME}> {words}"), HELP)
    (asked,) = await Configure(People((HELP,)), LINKS, "Europe/Berlin").handle(asked_for)
    assert isinstance(asked, AskApproval)
    assert asked.effects == (SetSchedule(HELP.id, GAP_LIST, cron, "Europe/Berlin"),)
    assert ("documents lack" if cron else "no gap list") in asked.markdown


@pytest.mark.parametrize(
    ("cron", "days"), [("0 9 * * 1", 7), ("0 9 * * *", 1), ("0 9 1 * *", 30), ("0 9 1 1 *", 90)],
    ids=["weekly", "daily", "monthly", "yearly"],
)  # fmt: skip
def test_a_report_is_about_the_time_since_the_one_before(cron: str, days: int) -> None:
    due = {
        "0 9 * * 1": datetime(2026, 11, 23, 8, tzinfo=UTC),
        "0 9 * * *": datetime(2026, 11, 24, 8, tzinfo=UTC),
    }
    moment = due.get(cron, datetime(2026, 12, 1, 8, tzinfo=UTC))
    assert days_before(cron, "Europe/Berlin", moment) == days


REPORT = channel_report(
    rows(fired(1), replies=[said(1, 1.2, "restarted the exporter, again"), said(1, 1.3, "same")])
)


def link(ts: str, root_ts: str) -> str:
    return f"https://x.slack.com/{ts}"


def test_a_suggestion_without_a_thread_of_the_report_is_dropped() -> None:
    given = {f"t{n}": thread for n, thread in enumerate(REPORT.threads, 1)}
    found = told(
        [Suggestion("Delete it.", ["t1", "t9"]), Suggestion("Invented.", ["t7"]), Suggestion("No source.")],
        given,
        link,
    )
    assert found.splitlines()[1:] == [f"- Delete it. [thread]({link(REPORT.threads[0].ts, '')})"]


def test_nothing_usable_is_nothing() -> None:
    assert told([Suggestion("x", ["t2"])], {}, link) == ""


class Away:
    model = "away"

    async def run_json(self, turn: JsonTurn[object]) -> JsonResult[object]:
        raise Transient("the model is away")


async def test_a_model_that_is_away_costs_the_report_nothing() -> None:
    assert await ReportAdviser(Away()).advise(REPORT, link) == ""  # type: ignore[arg-type]  # as generic as it is

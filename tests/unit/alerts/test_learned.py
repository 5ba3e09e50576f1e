"""What was said about one message holds for all of its template, and each message gives its own names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.alerts import classify, explain, read_rules, template, undecided
from ratchet.alerts.learned import Verdict, judge_learned, learn, template_key
from ratchet.alerts.template import _CHANGING, MAX_READ, MAX_TEMPLATE, template_parts
from ratchet.domain.incidents import Action, IncidentAction
from tests.unit.alerts.payloads import bot, card

FULL = "Backup of db-3 has not finished on web-12, 91% of disk used"


def taught(text: str, alert: str | None = None, service: str | None = None, **more: Any) -> Verdict:
    return learn(text, more.get("action", Action.OPEN), "HIGH", alert=alert, service=service)


def names(verdict: Verdict, text: str, **message: Any) -> tuple[str | None, str | None]:
    got = judge_learned(verdict, bot(text, **message), text)
    return got.alert, got.service


@pytest.mark.parametrize(
    ("message", "decided"),
    [
        (bot("Backup of db-3 has not finished"), False),
        (bot("failed: build 42"), False),
        (bot("Something is blue", name="jira"), True),
        (bot("[acme/shop] Issue opened: login is down", name="GitHub"), True),
        (bot("Workflow deploy succeeded", name="GitHub"), True),
        (bot("Scheduled - Network maintenance", name="Statuspage"), True),
        (card("[FIRING:1] Watchdog (none)", name="Alertmanager"), True),
        (bot("acknowledged: DiskFull by jo", name="alert bot"), True),
        (card("[FIRING:1] DiskFull (critical)"), True),
        ({"user": "U1", "text": "Backup of db-3 has not finished", "ts": "1.1"}, True),
        (bot("Backup of db-3", client_msg_id="x"), True),
    ],
    ids=lambda value: value if isinstance(value, bool) else str(value.get("text"))[:30],
)
def test_only_what_no_rule_knows_of_a_program_is_undecided(message: dict[str, Any], decided: bool) -> None:
    assert undecided(classify(message)) is not decided


def test_what_an_operators_rule_ignores_is_decided() -> None:
    rules = read_rules("ignore: [{text: Backup}]")
    assert not undecided(classify(bot(FULL), rules=rules))
    assert explain(bot(FULL), rules=rules).asks == ""


def test_explain_shows_the_template_that_the_model_would_be_asked_about() -> None:
    got = explain(bot(FULL))
    assert got.asks == template(FULL)
    assert got.to_json()["asks_model"] == got.asks
    assert explain(card("[FIRING:1] DiskFull (critical)")).asks == ""
    assert explain({"user": "U1", "text": FULL, "ts": "1.1"}).asks == ""


def test_a_constant_name_is_the_constant_whatever_its_case() -> None:
    verdict = taught("Backup missing on Store-A", "Backup missing", "Store-A")
    assert names(verdict, "BACKUP MISSING on store-a") == ("Backup missing", "Store-A")


def test_names_that_differ_only_in_digits_are_each_messages_own() -> None:
    verdict = taught(FULL, "Backup of db-3", "web-12")
    assert names(verdict, FULL) == ("Backup of db-3", "web-12")
    other = "Backup of db-4 has not finished on web-7, 3% of disk used"
    assert template(other) == template(FULL)
    assert names(verdict, other) == ("Backup of db-4", "web-7")
    keys = {judge_learned(verdict, bot(text), text).pair_key for text in (FULL, other)}
    assert len(keys) == 2


def test_a_number_of_many_digits_in_a_name_keeps_two_alerts_apart() -> None:
    one, two = "Queue 10010 is stuck badly", "Queue 10020 is stuck badly"
    verdict = taught(one, "Queue 10010 is stuck")
    found = [judge_learned(verdict, bot(text), text) for text in (one, two)]
    assert [action.alert for action in found] == ["Queue 10010 is stuck", "Queue 10020 is stuck"]
    assert found[0].pair_key != found[1].pair_key


def test_a_whole_changing_part_is_the_words_at_that_place() -> None:
    verdict = taught("No answer from https://a.example/health on 10.0.0.1", "No answer", "10.0.0.1")
    assert names(verdict, "No answer from https://b.example/x on 10.0.0.2") == ("No answer", "10.0.0.2")


@pytest.mark.parametrize(
    "alert",
    [
        None,
        "",
        "DatabaseDown",
        "backup of db-3",
        "Backup of db",
        "ackup of db-3",
        "91% of disk",
        "91",
        "Backup of db-3 " + "x" * 500,
        "finished on web-12, 91% of disk used",
    ],
)
def test_a_name_that_cannot_be_told_leaves_what_stays_of_the_title(alert: str | None) -> None:
    verdict = taught(FULL, alert, "elsewhere")
    later = "Backup of db-9 has not finished on web-12, 17% of disk used"
    assert names(verdict, later) == ("Backup of db-9 has not finished on web-12, of disk used", None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Job 550e8400-e29b-41d4-a716-446655440000 died", "Job 550e8400-e29b-41d4-a716-446655440000"),
        ("No heartbeat since 10:31:07 from x", "No heartbeat since 10:31:07"),
        ("Stuck for 5 minutes now", "Stuck for 5 minutes"),
        ("<@U123> is late", "<@U123> is late"),
        ("See https://a.example/runs/7 for it", "a.example/runs"),
        ("Version 1.2.3 is broken", "Version 1"),
    ],
)
def test_no_name_holds_an_id_a_time_a_person_or_a_piece_of_what_changes(text: str, name: str) -> None:
    verdict = taught(text, name, name)
    assert (verdict.alert, verdict.service) == ((), ())


def test_a_threshold_belongs_to_the_name() -> None:
    verdict = taught("Error rate above 5% in shop", "Error rate above 5%", "shop")
    assert names(verdict, "Error rate above 10% in shop") == ("Error rate above 10%", "shop")


@pytest.mark.parametrize("text", ["Disk {} is far too full", "Room {} was hot", "Shard {} has no leader"])
def test_alerts_without_a_name_that_differ_in_a_number_are_two(text: str) -> None:
    found = [judge_learned(taught(text.format(n)), bot(text.format(n)), text.format(n)) for n in (2, 3)]
    assert found[0].alert != found[1].alert
    assert found[0].pair_key != found[1].pair_key


def test_an_open_and_its_close_of_different_templates_pair_by_the_name_they_share() -> None:
    opens, closes = "Backup of db-3 is missing", "Backup of db-3 arrived after all"
    opened = judge_learned(taught(opens, "Backup of db-3"), bot(opens), opens)
    closed = judge_learned(taught(closes, "Backup of db-3", action=Action.CLOSE), bot(closes), closes)
    assert (opened.action, closed.action) == (Action.OPEN, Action.CLOSE)
    assert opened.pair_key == closed.pair_key is not None


def test_talk_in_a_thread_opens_nothing() -> None:
    verdict = taught(FULL, "Backup of db-3")
    talk = judge_learned(verdict, bot(FULL, thread_ts="0.9"), FULL)
    assert talk.action is Action.NONE
    assert not undecided(talk)


def test_the_operators_mending_rules_and_priorities_hold_for_what_was_learned_too() -> None:
    rules = read_rules("rules: [{name: shop, when: {text: Backup}, service: shop, priority: LOW}]")
    got = judge_learned(taught(FULL, "Backup of db-3"), bot(FULL), FULL, rules=rules)
    assert (got.service, got.priority, got.tool, got.rule) == ("shop", "LOW", "model", "model, rule shop")


def test_the_key_tells_bots_and_the_meaning_of_colours_apart_and_nothing_that_changes() -> None:
    key = template_key(bot(FULL), FULL)
    other = FULL.replace("12", "7").upper()
    assert template_key(bot(other), other) == key
    assert template_key(bot(FULL) | {"bot_id": "B2"}, FULL) != key
    red, green = card("x", "a30200"), card("x", "2eb886")
    assert len({template_key(red, FULL), template_key(green, FULL), key}) == 3
    assert template_key(card("x", "e01e5a"), FULL) == template_key(red, FULL)


def test_what_looks_like_our_mark_is_not_one() -> None:
    assert template("a <n> b 7") == template("a 7 b 7")
    assert template_key(bot(), "a <n> b 7") != template_key(bot(), "a 7 b 7")


@pytest.mark.parametrize("text", ["", "   ", "42", "https://a.example/x", "… 10:31", "<@U123>"])
def test_without_words_there_is_nothing_to_ask_about(text: str) -> None:
    assert template_key(bot(text), text) is None


def test_a_verdict_is_kept_as_json() -> None:
    for verdict in (taught(FULL, "Backup of db-3", "web-12"), Verdict(Action.NONE)):
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


PIECES = st.sampled_from(
    [
        "disk",
        "Web-12",
        " ",
        "  ",
        "\n",
        "7",
        "1.5",
        "91%",
        "10:31",
        "2024-01-02T03:04:05Z",
        "<n>",
        "<@U12|jo>",
        "5 minutes",
        "10.0.0.1:80",
        "https://a.b/c?d=1",
        "a@b.example",
        "deadbeef12",
        "é",
        "ß",
        "12m5s",
        "`x`",
        "[1]",
        "-",
        ",",
        "İ",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_the_parts_are_the_text_and_the_template_is_that_of_one_pass_after_the_other(text: str) -> None:
    assert "".join(part.words for part in template_parts(text)) == " ".join(text.split())
    plain = " ".join(text.split())
    for pattern, kind in _CHANGING:
        plain = re.sub(pattern, kind, plain)
    assert template(text) == plain.casefold()


@given(st.text(max_size=3000), st.text(max_size=400), st.text(max_size=400))
def test_any_answer_about_any_text_gives_names_that_stand_in_it(text: str, alert: str, service: str) -> None:
    verdict = learn(text, Action.OPEN, "LOW", alert=alert, service=service)
    got = judge_learned(verdict, bot(text), text)
    assert isinstance(got, IncidentAction)
    whole = " ".join(text.split())
    assert got.service is None or got.service in whole
    if verdict.alert:
        assert got.alert is not None
        assert got.alert in whole
    assert len(template(text)) <= MAX_TEMPLATE < MAX_READ

"""`classify --explain`: what was looked at, in order."""

from __future__ import annotations

import json

from ratchet.alerts import classify, explain, read_rules, template
from tests.unit.alerts.payloads import bot, card

RULES = read_rules(
    """
severity_priority: {odd: HIGH}
rules:
  - {name: other, when: {sender: nobody}, action: open}
  - {name: mends, when: {title: FIRING}, service: shop}
  - {name: mine, when: {text: 'it is (?P<state>\\w+)'}, action: '{state}', priority: HIGH}
"""
)
FIRING = card("[FIRING:1] DiskFull (node critical)", name="Alertmanager")


def test_each_rule_and_parser_is_told_until_one_answers() -> None:
    got = explain(FIRING, rules=RULES)
    assert [(step.kind, step.name, step.outcome) for step in got.steps][:3] == [
        ("rule", "rule other", "no match"),
        ("rule", "rule mends", "mended"),
        ("rule", "rule mine", "no match"),
    ]
    last = got.steps[-1]
    assert (last.name, last.outcome) == ("alertmanager", "matched")
    assert ("alert DiskFull", "[FIRING:1] DiskFull (node critical)") in [
        (e.what, e.words) for e in last.evidence
    ]
    assert got.priority == "HIGH: the severity critical counts as HIGH"
    assert got.text == "[FIRING:1] DiskFull (node critical)"


def test_the_answer_is_that_of_classify() -> None:
    for message in (
        FIRING,
        bot("it is down"),
        bot("it is blue"),
        bot("hello"),
        {"user": "U1", "text": "it is down"},
    ):
        assert explain(message, rules=RULES).answer == classify(message, rules=RULES)


def test_the_words_that_matched_are_shown() -> None:
    got = explain(bot("so it is down now"), rules=RULES)
    assert [(e.what, e.words) for e in got.steps[-1].evidence] == [("text", "it is down")]
    assert got.priority == "HIGH: the rule says so"


def test_a_captured_word_that_is_no_action_is_shown() -> None:
    got = explain(bot("it is blue"), rules=RULES)
    assert [step.outcome for step in got.steps if step.kind == "rule"] == [
        "no match",
        "no match",
        "no such action",
    ]


def test_a_persons_message_is_told_to_be_one() -> None:
    got = explain({"user": "U1", "text": "[FIRING:1] X", "ts": "1.1"})
    assert got.identity.startswith("a person")
    assert got.steps == ()


def test_the_reasons_are_json() -> None:
    assert json.loads(json.dumps(explain(FIRING, rules=RULES).to_json()))["answer"]["alert"] == "DiskFull"


def test_a_template_has_no_digits_ids_or_durations() -> None:
    one = template(
        "Disk 91% full on 10.0.0.1:9100 since 12m5.5s (id 550e8400-e29b-41d4-a716-446655440000) 10:30:01"
    )
    two = template(
        "disk 7% full on 10.0.0.22:9100 since 3h (id 123e4567-e89b-12d3-a456-426614174000) 09:01:59"
    )
    assert one == two == "disk <n>% full on <address> since <duration> (id <id>) <time>"
    assert template("<@U123|jo> see https://a.b/c?d=1, 5 minutes, build 1a2b3c4d5e") == (
        "<person> see <url> <duration>, build <id>"
    )
    assert len(template("x" * 100_000)) == 1000

"""The operator's own rules: what they match, what they give, and what is said about wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.alerts import classify, read_rules
from ratchet.domain.errors import Misconfigured
from ratchet.domain.incidents import Action, IncidentAction
from tests.unit.alerts.payloads import bot, card, fields

HOUSE = r"""
rules:
  - name: house monitor
    when:
      sender: house-monitor
      text: '^(?P<state>DOWN|UP|MAYBE) (?P<service>[\w-]+): (?P<what>.+?)(?: sev=(?P<sev>\w+))?$'
    action: '{state}'
    action_map: {down: open, UP: close}
    service: '{service}'
    alert: '{what}'
    severity: '{sev}'
    severity_map: {s1: critical}
    priority_map: {minor: HIGH}
    pair: '{service}/{what}'
"""


def judged(rules: str, message: dict[str, Any], channel: str = "") -> IncidentAction:
    return classify(message, channel=channel, rules=read_rules(rules))


def house(text: str) -> IncidentAction:
    return judged(HOUSE, bot(text, name="House-Monitor"))


def test_a_rule_names_service_alert_severity_and_priority() -> None:
    got = house("Good day\nDOWN checkout: queue is stuck sev=S1\nmore")
    assert (got.action, got.service, got.alert) == (Action.OPEN, "checkout", "queue is stuck")
    assert (got.severity, got.priority, got.tool, got.rule) == (
        *("critical", "HIGH", "rules", "rule house monitor"),
    )


def test_open_and_close_by_one_rule_share_the_pair_it_names() -> None:
    opened, closed = house("DOWN checkout: stuck"), house("UP checkout: stuck")
    assert (opened.action, closed.action) == (Action.OPEN, Action.CLOSE)
    assert opened.pair_key == closed.pair_key is not None


def test_a_word_that_the_map_lacks_is_no_match() -> None:
    assert house("MAYBE checkout: stuck").rule == ""


def test_priority_map_goes_by_severity_and_unnamed_severity_is_low() -> None:
    assert house("DOWN a: b sev=minor").priority == "HIGH"
    assert house("DOWN a: b").priority == "LOW"


def test_a_persons_message_is_never_an_incident() -> None:
    person = {"user": "U1", "ts": "1.1", "type": "message", "text": "DOWN checkout: stuck"}
    assert judged("rules: [{name: a, when: {text: DOWN}, action: open}]", person).action is Action.NONE


def test_without_a_map_the_usual_words_are_understood() -> None:
    rules = "rules: [{name: a, when: {text: 'state is (?P<state>\\w+)'}, action: '{state}', alert: x}]"
    assert judged(rules, bot("state is Firing")).action is Action.OPEN
    assert judged(rules, bot("state is recovered")).action is Action.CLOSE
    assert judged(rules, bot("state is blue")).rule == ""


FIRING = card("[FIRING:1] HighErrorRate checkout (web-1 major)", "danger", fields=fields(Region="eu-west"))


def test_the_first_rule_that_matches_answers_before_the_parsers() -> None:
    rules = """
    rules:
      - {name: first, when: {title: HighErrorRate}, action: none}
      - {name: second, when: {title: HighErrorRate}, action: close}
    """
    got = judged(rules, FIRING)
    assert (got.action, got.rule, got.pair_key) == (Action.NONE, "rule first", None)


def test_a_rule_without_action_mends_what_the_parsers_say() -> None:
    rules = """
    rules:
      - name: by region
        when: {field.Region: '^(?P<region>\\w+)-', color: red}
        service: 'shop-{region}'
        priority_map: {major: HIGH}
    """
    before, got = classify(FIRING), judged(rules, FIRING)
    assert (got.service, got.priority, got.tool) == ("shop-eu", "HIGH", "alertmanager")
    assert (got.alert, got.pair_key) == (before.alert, before.pair_key)
    assert got.rule == "alertmanager bracket, rule by region"


def test_the_earlier_mending_rule_wins() -> None:
    rules = """
    rules:
      - {name: a, when: {title: FIRING}, service: one}
      - {name: b, when: {title: FIRING}, service: two, alert: Other}
    """
    got = judged(rules, FIRING)
    assert (got.service, got.alert) == ("one", "Other")


def test_severity_priority_holds_for_every_tool() -> None:
    assert classify(FIRING).priority == "LOW"
    assert judged("severity_priority: {Major: high}", FIRING).priority == "HIGH"
    critical = card("[FIRING:1] X (a critical)")
    assert judged("severity_priority: {critical: LOW}", critical).priority == "LOW"


def test_what_is_ignored_is_no_incident_whatever_the_rules_say() -> None:
    rules = """
    ignore:
      - {channel: [C0A, C0B]}
      - {sender: B1, text: deployed}
    rules: [{name: all, when: {text: .}, action: open}]
    """
    assert judged(rules, FIRING, "C0A").rule == "ignored: line 3"
    assert judged(rules, FIRING, "C0C").action is Action.OPEN
    assert judged(rules, bot("it is deployed")).rule == "ignored: line 4"


def test_several_patterns_must_all_be_found() -> None:
    rules = "rules: [{name: a, when: {text: [disk, full]}, action: open}]"
    assert judged(rules, bot("the disk\nis full")).action is Action.OPEN
    assert judged(rules, bot("the disk is fine")).action is Action.NONE


def test_a_rule_may_open_for_a_heartbeat_and_say_low_of_critical() -> None:
    says = "action: open, alert: Watchdog, severity: critical, priority: LOW"
    rules = f"rules: [{{name: a, when: {{text: dead}}, {says}}}]"
    got = judged(rules, bot("dead"))
    assert (got.action, got.priority) == (Action.OPEN, "LOW")


def test_braces_and_built_in_captures() -> None:
    rules = "rules: [{name: a, when: {text: x}, action: open, alert: '{title} {{{sender}}}'}]"
    assert judged(rules, bot("x y", name="Bob")).alert == "x y {bob}"


def test_every_error_is_told_with_its_line() -> None:
    text = r"""
severity_priority: {major: SEVERE}
ignore: {}
rules:
  - name: a
    when: {text: '(\w+ )+x', chanel: C1, channel: shop, color: pinkish}
    action: opne
    alert: '{nothing} {x'
  - when: {text: '('}
  - name: a
    when: {text: '(?P<sender>x)'}
    actoin: open
    action_map: {x: open}
  - 5
"""
    with pytest.raises(Misconfigured) as caught:
        read_rules(text, "mine.yaml")
    told = str(caught.value)
    for line, words in (
        (2, "SEVERE is neither HIGH nor LOW"),
        (3, "ignore holds a mapping, not a list"),
        (6, "repeats a group"),
        (6, "did you mean channel?"),
        (6, "shop is no channel id"),
        (6, "pinkish is none of red"),
        (7, "opne is none of open"),
        (8, "nothing is captured as {nothing}"),
        (8, "a lone {"),
        (9, "a rule needs a name"),
        (9, "is no regular expression"),
        (10, "rule a has the name of line 5"),
        (10, "{sender} is there for every rule"),
        (12, "knows no actoin; did you mean action?"),
        (13, "action_map needs an action"),
        (14, "a rule holds a text, not a mapping"),
    ):
        assert any(
            one.startswith(f"mine.yaml, line {line}: ") and words in one for one in told.splitlines()
        ), (*(line, words, told),)


@pytest.mark.parametrize(
    "text",
    [
        "rules: [",
        "a: b: c",
        "\t- x",
        "rules: {}\nrules: {}",
        "- 1",
        "just words",
        "&a [*a]",
        "a: &x {b: *x}",
        "[" * 5000,
        "{" * 3000,
        "? [1, 2]\n: 3",
        "\x00",
        "rules:\n" + "  - {name: a, when: {text: x}, action: open}\n" * 600,
        "x" * 1_000_001,
        "!!python/object/apply:os.system ['true']",
        "rules: [{name: [a], when: x, action: {}, priority_map: [1], severity_map: 7}]",
        "rules: [{name: a, when: {text: [[x]]}, action: ''}]",
    ],
)
def test_a_hostile_file_is_told_off_and_harms_nothing(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"rules, line \d+: "):
        read_rules(text)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "rules:\nignore:\n", "rules: []"])
def test_a_file_without_rules_changes_nothing(text: str) -> None:
    assert judged(text, FIRING) == classify(FIRING)

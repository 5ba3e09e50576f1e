"""Why a message was judged as it was: what was looked at, in the order in which it was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from ratchet.alerts.classifier import NO_PROGRAM, judge_view
from ratchet.alerts.explain_samples import to_json
from ratchet.alerts.judgement import Parser
from ratchet.alerts.learned import template_key, undecided
from ratchet.alerts.patterns import lines_of
from ratchet.alerts.rules import NO_RULES, Rule, Rulebook
from ratchet.alerts.template import template
from ratchet.alerts.tools import PARSERS
from ratchet.alerts.view import View, channel_of, is_bot, is_plain_person, unwrap
from ratchet.alerts.words import HIGH
from ratchet.domain.incidents import Action, IncidentAction

Outcome = Literal["no match", "matched", "mended", "no such action"]

_WORD: Final = re.compile(r"[\w-]{2,}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`what` was found in `words`."""

    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """One rule or parser that was asked. `evidence` is why it matched, or the condition that did not hold."""

    kind: Literal["rule", "parser"]
    name: str
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`identity`: who wrote it and why that is a program or not. `text`: the flattened text.

    `asks`: the template that the model would be asked about, "" when that is not for want of knowledge.
    """

    identity: str
    text: str
    steps: tuple[Step, ...]
    answer: IncidentAction
    priority: str
    asks: str = ""

    def to_json(self) -> dict[str, Any]:
        steps = [asdict(step) for step in self.steps]
        return {
            "identity": self.identity,
            "text": self.text,
            "steps": steps,
            "answer": to_json(self.answer),
            "priority": self.priority,
            "asks_model": self.asks,
        }


def explain(payload: Mapping[str, Any], *, channel: str = "", rules: Rulebook = NO_RULES) -> Explanation:
    """As `classify`, with its reasons. Never raises."""
    message = unwrap(payload)
    view = View(message, None, channel or channel_of(payload))
    identity = _identity(view)
    if is_plain_person(payload) or not is_bot(message):
        return Explanation(identity, view.flat, (), NO_PROGRAM, "none: only a program's message is an alert")
    answer = judge_view(view, rules)
    steps = tuple(_steps(view, rules, answer))
    asks = template(view.flat) if undecided(answer) and template_key(message, view.flat) else ""
    return Explanation(identity, view.flat, steps, answer, _why_priority(answer, rules), asks)


def _identity(view: View) -> str:
    message = view.message
    signs = [
        f"{key}={str(message[key])[:60]}"
        for key in ("bot_id", "app_id", "username", "user", "subtype", "client_msg_id")
        if isinstance(message.get(key), str)
    ]
    if isinstance(message.get("bot_profile"), Mapping):
        signs.append(f"bot_profile.name={str(message['bot_profile'].get('name'))[:60]}")
    where = f" in {view.channel}" if view.channel else ""
    who = "a program" if is_bot(message) else "a person, or Slack itself"
    return f"{who}{where} ({', '.join(signs) or 'no sign of a sender'})"


def _steps(view: View, rules: Rulebook, answer: IncidentAction) -> Iterator[Step]:
    for rule in rules.rules:
        step = _asked(rule, view)
        yield step
        if step.outcome == "matched":
            return
    for parse in PARSERS:
        found = parse(view)
        if found is None:
            yield Step("parser", _name(parse), "no match")
            continue
        yield Step("parser", _name(parse), "matched", tuple(_evidence(view, found, answer)))
        return


def _asked(rule: Rule, view: View) -> Step:
    found = []
    for condition in rule.conditions:
        met = condition.test(view)
        if met is None:
            return Step("rule", rule.label, "no match", (Evidence(condition.what, "not found"),))
        found.append(Evidence(met.what, met.words))
    if rule.says.action is None:
        return Step("rule", rule.label, "mended", tuple(found))
    captures = rule.captures(view, rule.met(view) or [])
    if rule.action(captures) is None:
        found.append(Evidence("action", rule.says.action.fill(captures)))
        return Step("rule", rule.label, "no such action", tuple(found))
    return Step("rule", rule.label, "matched", tuple(found))


def _name(parse: Parser) -> str:
    return parse.__module__.rpartition(".")[2]


def _evidence(view: View, found: IncidentAction, answer: IncidentAction) -> Iterator[Evidence]:
    """Where the words of the answer stand in the message: the first line that holds each."""
    yield Evidence("rule", answer.rule)
    lines = list(dict.fromkeys((*view.headlines, *lines_of(view.flat))))
    named = found.rule.removeprefix(found.tool.replace("_", " "))
    for word in _WORD.findall(named):
        if line := _line_with(word, lines):
            yield Evidence(f"the word {word}", line)
    for what, value in (("alert", found.alert), ("service", found.service), ("severity", found.severity)):
        if value and (line := _line_with(value, lines)):
            yield Evidence(f"{what} {value}", line)
    if view.colour:
        yield Evidence("color", view.colour)
    if answer.pair_key:
        yield Evidence("pair key", answer.pair_key)


def _line_with(word: str, lines: list[str]) -> str | None:
    bounded = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    return next((line for line in lines if bounded.search(line)), None)


def _why_priority(answer: IncidentAction, rules: Rulebook) -> str:
    severity = answer.severity or ""
    given = [rule.says for rule in rules.rules if rule.label in answer.rule.split(", ")]
    reasons = {
        "the rule says so": any(says.priority for says in given),
        f"the rule's priority_map says so of {severity}": any(
            severity in says.priority_map for says in given
        ),
        f"severity_priority says so of {severity}": severity in rules.severity_priority,
        f"the severity {severity} counts as HIGH": severity.replace(" ", "") in HIGH,
        f"{answer.tool} marks it so": answer.priority == "HIGH",
        f"the severity {severity} does not count as HIGH": severity,
        "no severity is named": True,
    }
    if answer.action is Action.NONE:
        return "none: no incident"
    return f"{answer.priority}: {next(reason for reason, holds in reasons.items() if holds)}"

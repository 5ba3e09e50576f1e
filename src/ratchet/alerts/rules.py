"""The operator's own rules: what a message must look like, and what it then means. `rule_file` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ratchet.alerts.judgement import OPERATOR, settle
from ratchet.alerts.keys import make_key
from ratchet.alerts.patterns import lines_of
from ratchet.alerts.view import View
from ratchet.alerts.words import GREEN, RED, STATUS, priority_of, severity_word
from ratchet.domain.incidents import Action, IncidentAction, Priority

ACTIONS: Final[Mapping[str, Action]] = {
    "open": Action.OPEN,
    "close": Action.CLOSE,
    "none": Action.NONE,
    "ignore": Action.NONE,
}
COLOURS: Final[Mapping[str, frozenset[str]]] = {
    "red": RED,
    "green": GREEN,
    "amber": frozenset({"daa038", "ffc859", "ffa059", "ffc227"}),
    "danger": frozenset({"a30200"}),
    "warning": frozenset({"daa038"}),
    "good": frozenset({"2eb886"}),
}

IGNORED: Final = "ignored: "  # how the label of an entry of `ignore` begins

Captures = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Met:
    """A condition that holds: by which words, and what its groups caught."""

    what: str
    words: str
    captures: Captures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of `when`: exact `values` (any of them), or a `pattern` that is found in a line."""

    what: str
    pattern: re.Pattern[str] | None = None
    values: frozenset[str] = frozenset()

    def test(self, view: View) -> Met | None:
        if self.pattern is None:
            return next((Met(self.what, one) for one in self._given(view) if one in self.values), None)
        if self.what == "sender" and view.sender.casefold() in self.values:
            return Met(self.what, view.sender)
        for text in self._given(view):
            for line in lines_of(text):
                if found := self.pattern.search(line):
                    caught = {name: value for name, value in found.groupdict().items() if value is not None}
                    return Met(self.what, found[0] or line, caught)
        return None

    def _given(self, view: View) -> tuple[str, ...]:
        match self.what:
            case "channel":
                return (view.channel,)
            case "color":
                return tuple(one.colour for one in view.attachments if one.colour)
            case "sender":
                return (view.name,)
            case "title":
                return view.headlines
            case "text":
                return (view.flat,)
        return (view.field(self.what.removeprefix("field.").strip().lower()) or "",)


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and captures in turn: `parts` at odd places are names."""

    parts: tuple[str, ...]

    def fill(self, captures: Captures) -> str:
        """What a group did not catch is left out."""
        filled = (captures.get(part, "") if at % 2 else part for at, part in enumerate(self.parts))
        return " ".join("".join(filled).split())

    @property
    def names(self) -> tuple[str, ...]:
        return self.parts[1::2]


@dataclass(frozen=True, slots=True)
class Says:
    """What a rule gives. Without `action` it decides nothing and mends what the rules after it answer.

    The maps' keys are lower case. `severity_map` is applied first, `priority_map` to its result.
    """

    action: Template | None = None
    alert: Template | None = None
    service: Template | None = None
    severity: Template | None = None
    pair: Template | None = None
    priority: Priority | None = None
    action_map: Mapping[str, Action] = field(default_factory=dict)
    severity_map: Mapping[str, str] = field(default_factory=dict)
    priority_map: Mapping[str, Priority] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """`line` is where it stands in its file. `label` names it in answers."""

    label: str
    line: int
    conditions: tuple[Condition, ...]
    says: Says

    def met(self, view: View) -> list[Met] | None:
        """How each condition holds; None when one does not."""
        found = []
        for condition in self.conditions:
            met = condition.test(view)
            if met is None:
                return None
            found.append(met)
        return found

    def captures(self, view: View, met: list[Met]) -> Captures:
        title = view.headlines[0] if view.headlines else ""
        caught = {"title": title, "sender": view.name, "channel": view.channel}
        for one in met:
            caught |= one.captures
        return caught

    def action(self, captures: Captures) -> Action | None:
        """None when the words that were caught are no action."""
        assert self.says.action is not None
        word = self.says.action.fill(captures).casefold()
        if self.says.action_map:
            return self.says.action_map.get(word)
        return ACTIONS.get(word) or STATUS.get(word)

    def severity(self, captures: Captures, before: str | None = None) -> str | None:
        word = severity_word(_filled(self.says.severity, captures)) or before
        return severity_word(self.says.severity_map.get(word or "", word or ""))

    def priority(self, severity: str | None, policy: Mapping[str, Priority]) -> Priority:
        if self.says.priority:
            return self.says.priority
        return self.says.priority_map.get(severity or "") or priority_of(severity, policy)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules in the order in which they are asked, the ignoring ones first.

    `severity_priority`: what a severity (lower case) counts as, for every tool.
    """

    rules: tuple[Rule, ...] = ()
    severity_priority: Mapping[str, Priority] = field(default_factory=dict)

    def judge(self, view: View, otherwise: Callable[[View], IncidentAction]) -> IncidentAction:
        """The first deciding rule that matches, else `otherwise`; mended by the mending rules before it."""
        mending: list[tuple[Rule, Captures]] = []
        found: IncidentAction | None = None
        for rule in self.rules:
            met = rule.met(view)
            if met is None:
                continue
            captures = rule.captures(view, met)
            if rule.says.action is None:
                mending.append((rule, captures))
            elif (found := self._decided(rule, view, captures)) is not None:
                break
        found = found or otherwise(view)
        for rule, captures in reversed(mending):
            found = self._mended(rule, view, captures, found)
        return found

    def _decided(self, rule: Rule, view: View, captures: Captures) -> IncidentAction | None:
        says, action = rule.says, rule.action(captures)
        if action is None:
            return None
        pair = _filled(says.pair, captures)
        severity = rule.severity(captures)
        answer = IncidentAction(
            action,
            alert=_filled(says.alert, captures),
            service=_filled(says.service, captures),
            severity=severity,
            pair_key=make_key(view, OPERATOR, pair) if pair else None,
            tool=OPERATOR,
            confidence=1.0,
            rule=rule.label,
        )
        settled = settle(view, answer, self.severity_priority)
        if action is Action.NONE:
            return settled
        return replace(settled, priority=rule.priority(severity, self.severity_priority))

    def _mended(self, rule: Rule, view: View, captures: Captures, found: IncidentAction) -> IncidentAction:
        if found.action is Action.NONE:
            return found
        says = rule.says
        severity, priority = rule.severity(captures, found.severity), found.priority
        if severity != found.severity or says.priority or (severity or "") in says.priority_map:
            priority = rule.priority(severity, self.severity_priority)
        pair = _filled(says.pair, captures)
        return replace(
            found,
            alert=_filled(says.alert, captures) or found.alert,
            service=_filled(says.service, captures) or found.service,
            severity=severity,
            priority=priority,
            pair_key=make_key(view, OPERATOR, pair) if pair else found.pair_key,
            rule=f"{found.rule}, {rule.label}",
        )


def _filled(template: Template | None, captures: Captures) -> str | None:
    return (template.fill(captures) or None) if template else None


NO_RULES: Final = Rulebook()

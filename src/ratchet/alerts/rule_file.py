"""The text of the operator's rules -> `Rulebook`, or everything that is wrong with it. No I/O.

docs/alerts.md describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, TypeVar, cast

from ratchet.alerts.patterns import BadPattern, compile_pattern
from ratchet.alerts.rules import ACTIONS, COLOURS, IGNORED, Condition, Rule, Rulebook, Says, Template
from ratchet.alerts.words import severity_word
from ratchet.alerts.yaml_lines import Entry, Problem, Unreadable, read_yaml
from ratchet.domain.errors import Misconfigured
from ratchet.domain.incidents import Action, Priority

MAX_RULES: Final = 500
BUILT_IN: Final = frozenset({"title", "sender", "channel"})  # captures that every rule has
TOP_KEYS: Final = ("rules", "ignore", "severity_priority")
TEMPLATES: Final = ("action", "alert", "service", "severity", "pair")
MAPS: Final = ("action_map", "severity_map", "priority_map")
RULE_KEYS: Final = ("name", "when", "priority", *TEMPLATES, *MAPS)
PATTERNS: Final = ("sender", "text", "title")
WHEN_KEYS: Final = ("channel", "color", *PATTERNS)

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")
_COLOUR = re.compile(r"#?[0-9a-fA-F]{6}")
T = TypeVar("T")


def read_rules(text: str, name: str = "rules") -> Rulebook:
    """Raises Misconfigured with every error, each with `name` and its line."""
    reader = _Reader()
    try:
        book = reader.book(read_yaml(text))
    except Unreadable as unreadable:
        reader.problems += unreadable.problems
        book = Rulebook()
    if reader.problems:
        found = sorted(reader.problems, key=lambda problem: problem.line)
        raise Misconfigured("\n".join(f"{name}, {problem}" for problem in found))
    return book


@dataclass(slots=True)
class _Reader:
    """Each method reads one thing, notes what is wrong, and goes on."""

    problems: list[Problem] = field(default_factory=list)

    def book(self, top: Entry) -> Rulebook:
        pairs = self.keys(top, TOP_KEYS, "the file")
        rules = self.items(pairs.get("rules"), "rules")
        ignored = self.items(pairs.get("ignore"), "ignore")
        if len(rules) + len(ignored) > MAX_RULES:
            self.wrong(top, f"{len(rules) + len(ignored)} rules; at most {MAX_RULES} are read")
            return Rulebook()
        policy = self.words(pairs.get("severity_priority"), "severity_priority", self.priority)
        found = (*map(self.ignoring, ignored), *map(self.rule, rules))
        self.distinct(found)
        return Rulebook(found, {severity_word(key) or key: value for key, value in policy.items()})

    def ignoring(self, entry: Entry) -> Rule:
        pairs = self.keys(entry, ("name", *WHEN_KEYS), "an entry of ignore")
        conditions = self.conditions({key: one for key, one in pairs.items() if key != "name"})
        if not conditions:
            self.wrong(entry, f"an entry of ignore needs one of {', '.join(WHEN_KEYS)}, field.NAME")
        name = self.text(pairs.get("name"), "name") or f"line {entry.line}"
        return Rule(f"{IGNORED}{name}", entry.line, conditions, Says(action=Template(("none",))))

    def rule(self, entry: Entry) -> Rule:
        pairs = self.keys(entry, RULE_KEYS, "a rule")
        name = self.text(pairs.get("name"), "name")
        if not name:
            self.wrong(entry, "a rule needs a name")
        when = pairs.get("when")
        conditions = self.conditions(self.keys(when, WHEN_KEYS, "when")) if when else ()
        if not conditions:
            shown = ", ".join(WHEN_KEYS)
            self.wrong(when or entry, f"a rule needs when, with one of {shown}, field.NAME")
        says = self.says(entry, pairs, self.captures(entry, conditions))
        return Rule(f"rule {name or entry.line}", entry.line, conditions, says)

    def distinct(self, rules: Iterable[Rule]) -> None:
        seen: dict[str, int] = {}
        for rule in rules:
            if rule.label in seen:
                self.problems.append(
                    Problem(rule.line, f"{rule.label} has the name of line {seen[rule.label]}")
                )
            seen.setdefault(rule.label, rule.line)

    def conditions(self, pairs: Mapping[str, Entry]) -> tuple[Condition, ...]:
        return tuple(one for key, entry in pairs.items() for one in self.condition(key, entry))

    def condition(self, key: str, entry: Entry) -> Iterable[Condition]:
        """Several patterns must all be found; of several exact values one must be there."""
        values = entry.items if entry.items is not None else (entry,)
        texts = [(one, text) for one in values if (text := self.text(one, key, needed=True))]
        if key == "channel":
            return [Condition(key, values=frozenset(self.channel(one, text) for one, text in texts))]
        if key == "color":
            return [Condition(key, values=frozenset().union(*(self.colour(*one) for one in texts)))]
        ids = frozenset(text.casefold() for _, text in texts) if key == "sender" else frozenset()
        return [Condition(key, self.pattern(one, key, text), ids) for one, text in texts]

    def channel(self, entry: Entry, text: str) -> str:
        if not _CHANNEL.fullmatch(text):
            self.wrong(entry, f"channel: {text} is no channel id such as C0123ABCD (names can change)")
        return text

    def colour(self, entry: Entry, text: str) -> frozenset[str]:
        if text.lower() in COLOURS:
            return COLOURS[text.lower()]
        if not _COLOUR.fullmatch(text):
            self.wrong(entry, f"color: {text} is none of {', '.join(COLOURS)}, nor six hex digits")
        return frozenset({text.lower().removeprefix("#")})

    def pattern(self, entry: Entry, key: str, text: str) -> re.Pattern[str]:
        try:
            return compile_pattern(text)
        except BadPattern as bad:
            self.wrong(entry, f"{key}: {bad}")
            return re.compile("")

    def captures(self, entry: Entry, conditions: Iterable[Condition]) -> frozenset[str]:
        """The names that templates may use."""
        names = [name for one in conditions if one.pattern for name in one.pattern.groupindex]
        for name in sorted({name for name in names if names.count(name) > 1 or name in BUILT_IN}):
            why = "is there for every rule" if name in BUILT_IN else "is captured twice"
            self.wrong(entry, f"{{{name}}} {why}; give the group another name")
        return BUILT_IN.union(names)

    def says(self, entry: Entry, pairs: Mapping[str, Entry], captures: frozenset[str]) -> Says:
        templates = {key: self.template(pairs[key], key, captures) for key in TEMPLATES if key in pairs}
        says = Says(
            **templates,
            priority=self.priority(pairs["priority"], "priority") if "priority" in pairs else None,
            action_map=self.words(pairs.get("action_map"), "action_map", self.action),
            severity_map=self.words(pairs.get("severity_map"), "severity_map", self.text_of),
            priority_map=self.words(pairs.get("priority_map"), "priority_map", self.priority),
        )
        self.useful(entry, pairs, says)
        return says

    def useful(self, entry: Entry, pairs: Mapping[str, Entry], says: Says) -> None:
        if not any(key in pairs for key in (*TEMPLATES, "priority", "severity_map", "priority_map")):
            self.wrong(entry, "a rule needs an action, or a value to mend in what other rules answer")
        if says.action_map and says.action is None:
            self.wrong(pairs["action_map"], "action_map needs an action such as '{state}'")
        if says.action and not says.action.names and not says.action_map:
            self.action(pairs["action"], "action")

    def template(self, entry: Entry, key: str, captures: frozenset[str]) -> Template:
        """Literal text with `{name}`; `{{` and `}}` are braces."""
        text = self.text(entry, key, needed=True)
        parts, at = [""], 0
        for found in _PIECE.finditer(text):
            parts[-1] += text[at : found.start()]
            at = found.end()
            if found[0] in ("{{", "}}"):
                parts[-1] += found[0][0]
            elif found[1] is None:
                self.wrong(entry, f"{key}: a lone {found[0]}; write {found[0] * 2} for the brace itself")
            else:
                if found[1] not in captures:
                    self.wrong(entry, f"{key}: nothing is captured as {found[0]}{_near(found[1], captures)}")
                parts += [found[1], ""]
        parts[-1] += text[at:]
        return Template(tuple(parts))

    def action(self, entry: Entry, key: str) -> Action:
        word = self.text(entry, key, needed=True).casefold()
        found = ACTIONS.get(word)
        if found is None:
            self.wrong(entry, f"{key}: {word or 'nothing'} is none of {', '.join(ACTIONS)}")
        return found or Action.NONE

    def priority(self, entry: Entry, key: str) -> Priority:
        word = self.text(entry, key, needed=True).upper()
        if word not in ("HIGH", "LOW"):
            self.wrong(entry, f"{key}: {word or 'nothing'} is neither HIGH nor LOW")
        return cast(Priority, word)

    def text_of(self, entry: Entry, key: str) -> str:
        return self.text(entry, key, needed=True)

    def words(self, entry: Entry | None, key: str, read: Callable[[Entry, str], T]) -> dict[str, T]:
        """A mapping from words, which are compared whatever their case."""
        if entry is None:
            return {}
        if entry.pairs is None:
            self.wrong(entry, f"{key} holds {entry.kind}, not a mapping")
            return {}
        return {word.casefold(): read(value, f"{key}: {word}") for word, value in entry.pairs.items()}

    def keys(self, entry: Entry, allowed: Iterable[str], where: str) -> dict[str, Entry]:
        if entry.pairs is None:
            self.wrong(entry, f"{where} holds {entry.kind}, not a mapping")
            return {}
        fields = "text" in allowed
        for key, value in entry.pairs.items():
            if key not in allowed and not (fields and key.startswith("field.") and key != "field."):
                self.wrong(value, f"{where} knows no {key}{_near(key, allowed)}")
        return {
            key: value
            for key, value in entry.pairs.items()
            if key in allowed or (fields and key.startswith("field."))
        }

    def items(self, entry: Entry | None, key: str) -> tuple[Entry, ...]:
        if entry is None or entry.text == "":
            return ()
        if entry.items is None:
            self.wrong(entry, f"{key} holds {entry.kind}, not a list")
        return entry.items or ()

    def text(self, entry: Entry | None, key: str, *, needed: bool = False) -> str:
        if entry is None:
            return ""
        if entry.text is None or (needed and not entry.text):
            self.wrong(entry, f"{key} holds {entry.kind}, not a text")
        return entry.text or ""

    def wrong(self, entry: Entry, text: str) -> None:
        self.problems.append(Problem(entry.line, text))


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"

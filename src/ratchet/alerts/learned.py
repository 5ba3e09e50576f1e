"""What was once said about a message that no rule knows, kept so that it holds for every message like it.

A name is kept as where it stands, not as what it was: in `Disk of web-1 is full`, the service `web-1` is
`web-` and the first changing part, so that the next message names its own. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ratchet.alerts.judgement import MAX_NAME, by_colour, settle
from ratchet.alerts.keys import holds_reading, link_key, make_key, without_readings
from ratchet.alerts.rules import NO_RULES, Rulebook
from ratchet.alerts.template import Part, template_parts
from ratchet.alerts.view import View, unwrap
from ratchet.domain.incidents import Action, IncidentAction, Priority

AlertModel = Literal["off", "auto", "on"]
"""Where the model is asked: nowhere, in channels where something was an alert before, or everywhere."""

TOOL: Final = "model"
CONFIDENCE: Final = 0.4
_PASSING: Final = frozenset({"<id>", "<time>", "<duration>", "<person>"})  # no part of any name
_LETTER: Final = re.compile(r"[^\W\d_]")
_NAMING: Final = re.compile(r"[^\W\d_]|\d+(?:\.\d+){3}")  # a bare number names nothing

Name = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the messages of a template say.

    A name's elements are text, and places among the changing parts; () when the messages do not name it.
    """

    action: Action
    alert: Name = ()
    service: Name = ()
    priority: Priority = "LOW"

    def to_json(self) -> dict[str, Any]:
        return {
            "action": self.action.value,
            "alert": list(self.alert),
            "service": list(self.service),
            "priority": self.priority,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Verdict:
        return cls(
            Action(stored["action"]), tuple(stored["alert"]), tuple(stored["service"]), stored["priority"]
        )


def undecided(action: IncidentAction) -> bool:
    """Whether no rule and no parser knew this message of a bot, as an alert or as something else."""
    return action.action is Action.NONE and not action.rule


def template_key(payload: Mapping[str, Any], text: str) -> bytes | None:
    """The same for all messages of one bot, of one template, beside a bar of one meaning. None: no words."""
    view = View(unwrap(payload))
    parts = template_parts(text)
    if not any(_LETTER.search(part.words) for part in parts if not part.kind):
        return None
    shape = [view.sender, sign(payload), *([part.kind, "" if part.kind else part.shown] for part in parts)]
    return hashlib.sha256(json.dumps(shape).encode()).digest()


def sign(payload: Mapping[str, Any]) -> str:
    """What the bar beside the message says: `red`, `green`, or nothing."""
    meaning = by_colour(View(unwrap(payload)).colour)
    return {Action.OPEN: "red", Action.CLOSE: "green"}.get(meaning, "") if meaning else ""


def learn(
    text: str, action: Action, priority: Priority, *, alert: str | None, service: str | None
) -> Verdict:
    """The answer about one message, for all of its template. A name that is not in the text is dropped."""
    parts = template_parts(text)
    named = alert if alert and not holds_reading(alert) else None
    return Verdict(action, _place(parts, named), _place(parts, service), priority)


def judge_learned(
    verdict: Verdict,
    payload: Mapping[str, Any],
    text: str,
    *,
    channel: str = "",
    rules: Rulebook = NO_RULES,
) -> IncidentAction:
    """What the verdict means for a message of its template; the operator's rules mend it as any answer."""
    view = View(unwrap(payload), text, channel)
    return rules.judge(view, lambda one: settle(one, _answer(verdict, one), rules.severity_priority))


def _answer(verdict: Verdict, view: View) -> IncidentAction:
    talk = view.is_reply and not view.attachments
    if verdict.action is Action.NONE or (verdict.action is Action.OPEN and talk):
        return IncidentAction(Action.NONE, tool=TOOL, confidence=CONFIDENCE, rule="model")
    changing = [part.words for part in template_parts(view.flat) if part.kind]
    alert, service = _filled(verdict.alert, changing), _filled(verdict.service, changing)
    key = link_key(view) or (make_key(view, TOOL, alert.casefold(), service) if alert else None)
    return IncidentAction(
        verdict.action,
        alert=alert or _title(view),
        service=service,
        priority=verdict.priority,
        pair_key=key,
        tool=TOOL,
        confidence=CONFIDENCE,
        rule="model",
    )


def _title(view: View) -> str | None:
    """What stays of the headline: the name of an alert that has no other."""
    return next((title for line in view.headlines if (title := without_readings(line))), None)


def _filled(name: Name, changing: Sequence[str]) -> str | None:
    return "".join(changing[one] if isinstance(one, int) else one for one in name) or None


def _place(parts: Sequence[Part], name: str | None) -> Name:
    """Where the name stands, word for word; () when it does not, or stands for a part of what changes."""
    words = " ".join((name or "").split())
    if len(words) > MAX_NAME or not _NAMING.search(words):
        return ()
    text = "".join(part.words for part in parts)
    # Whole words: of `db-3`, `db` would be the name of `db-4` as well.
    whole = rf"(?<!\w)(?<!\w[-./#@]){re.escape(words)}(?!\w)(?![-./#@]\w)"
    for found in re.finditer(whole, text):
        if place := _between(parts, found.start(), found.end()):
            return place
    return ()


def _between(parts: Sequence[Part], start: int, end: int) -> Name:
    place: list[str | int] = []
    at = changing = 0
    for part in parts:
        first, last = max(start - at, 0), min(end - at, len(part.words))
        if first < last and not part.kind:
            place.append(part.words[first:last])
        elif first < last:
            if (first, last) != (0, len(part.words)) or part.kind in _PASSING:
                return ()
            place.append(changing)
        at += len(part.words)
        changing += 1 if part.kind else 0
    return tuple(place)

"""AWS CloudWatch alarms, by the three ways that they usually reach Slack.

https://github.com/terraform-aws-modules/terraform-aws-notify-slack · https://docs.aws.amazon.com/chatbot/
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import CLOSE_EMOJI, OPEN_EMOJI
from ratchet.domain.incidents import Action, IncidentAction, Priority

_STATES = {"ALARM": Action.OPEN, "OK": Action.CLOSE}
_SENTENCE = re.compile(
    r"\bThe alarm [\"'“]?(?P<name>.{1,255}?)[\"'”]? (?:has )?(?:changed|transitioned) (?:its )?(?:state )?"
    r"(?:from \w+ )?to [\"'“]?(?P<state>ALARM|OK|INSUFFICIENT[_ ]DATA)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"^\W*(?P<state>ALARM|OK|INSUFFICIENT_DATA):\s*[\"“](?P<name>[^\"”]{1,255})[\"”] in ")
_CARD = re.compile(r"CloudWatch Alarm\s*\|\s*(?P<name>[^|\n]+?)\s*\|\s*[\w-]+\s*\|\s*Account", re.IGNORECASE)
_CARD_STATE = re.compile(r"\bState\W{1,5}(ALARM|OK|INSUFFICIENT_DATA)\b")


def parse(view: View) -> IncidentAction | None:
    if "larm" not in view.raw and "LARM" not in view.raw and "NewState" not in view.raw:
        return None
    return _fields(view) or _sentence(view) or _card(view)


def _fields(view: View) -> IncidentAction | None:
    """terraform-aws-notify-slack. Its fallback says "triggered" even when all is well."""
    state = view.field("current state", "new state", "newstatevalue", "state")
    name = view.field("alarm name", "alarm", "alarmname")
    if not name or not state or state.upper() not in {"ALARM", "OK", "INSUFFICIENT_DATA"}:
        return None
    return _alarm(view, name, state, "fields", 0.97)


def _sentence(view: View) -> IncidentAction | None:
    for line in view.headlines:
        if found := _SENTENCE.search(line) or _SUBJECT.match(line):
            return _alarm(view, found["name"], found["state"], "sentence", 0.93)
    return None


def _card(view: View) -> IncidentAction | None:
    """Amazon Q in chat applications (AWS Chatbot)."""
    for line in view.headlines:
        if found := _CARD.search(line):
            state = _card_state(view)
            return _alarm(view, plain(found["name"]), state, "card", 0.7) if state else None
    return None


def _card_state(view: View) -> str | None:
    top = view.raw[:300]
    if stated := _CARD_STATE.search(view.raw):
        return stated[1]
    if CLOSE_EMOJI.search(top):
        return "OK"
    if OPEN_EMOJI.search(top):
        return "ALARM"
    colour = by_colour(view.colour)
    return None if colour is None else "ALARM" if colour is Action.OPEN else "OK"


def _alarm(view: View, name: str, state: str, rule: str, confidence: float) -> IncidentAction:
    action = _STATES.get(state.upper(), Action.NONE)
    # An alarm states no severity of its own; ALARM is what somebody asked to be told about.
    priority: Priority = "HIGH" if action is Action.OPEN else "LOW"
    return IncidentAction(
        action,
        alert=name,
        priority=priority,
        pair_key=link_key(view) or make_key(view, "cloudwatch", name),
        tool="cloudwatch",
        confidence=confidence,
        rule=f"cloudwatch {rule} {state.lower()}",
    )

"""New Relic: known by its links; its layout in Slack is not documented, so words and colour decide.

https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key
from ratchet.alerts.labels import first, named_labels
from ratchet.alerts.view import View
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_STATE = re.compile(
    r"\b(activated|created|opened|open|closed|resolved|acknowledged|triggered|updated)\b", re.IGNORECASE
)
_ON = re.compile(r"\bon ['\"‘“](.+?)['\"’”]")
_SEVERITY = re.compile(r"\b(CRITICAL|HIGH|MEDIUM|LOW|WARNING)\b")
_LEAD = re.compile(
    r"^\W*(?:\[[^\]]*\]\s*)*(?:(?:issue|incident|alert|activated|created|opened|closed|resolved|acknowledged|"
    r"critical|high|medium|low|warning|priority|has been|is|was)\b[\s:|–-]*)*",
    re.IGNORECASE,
)


def parse(view: View) -> IncidentAction | None:
    issue = view.linked("newrelic.com/") and "/issues/" in view.raw
    if not issue and "new relic" not in view.name and "newrelic" not in view.name:
        return None
    action, rule = _state(view)
    if action is None and not issue:
        return None
    labels = named_labels(view)
    severity = view.field("priority", "severity") or first(labels, "priority", "severity") or _severity(view)
    entity = _ON.search(view.flat)
    return IncidentAction(
        action or Action.OPEN,
        alert=_title(view),
        service=entity[1] if entity else first(labels, "service", "app", "application"),
        severity=severity,
        pair_key=link_key(view),
        tool="newrelic",
        confidence=0.8 if action else 0.4,
        rule=f"newrelic {rule}",
    )


def _state(view: View) -> tuple[Action | None, str]:
    stated = view.field("state", "status", "issue state") or ""
    for text in (stated, *view.headlines):
        if found := _STATE.search(text):
            word = found[1].lower()
            if word in {"closed", "resolved"}:
                return Action.CLOSE, word
            return (Action.NONE if word in {"acknowledged", "updated"} else Action.OPEN), word
    action = by_colour(view.colour)
    return action, "colour" if action else "issue link"


def _severity(view: View) -> str | None:
    found = next((match for line in view.headlines if (match := _SEVERITY.search(line))), None)
    return found[1] if found else None


def _title(view: View) -> str | None:
    lines = [_LEAD.sub("", without_emoji(line)).strip() for line in view.headlines]
    return next((line for line in lines if _ON.search(line)), None) or next(
        (line for line in lines if line), None
    )

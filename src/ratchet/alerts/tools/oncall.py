"""Grafana OnCall: one card per alert group, edited as its state changes.

https://github.com/grafana/oncall/blob/dev/engine/apps/alerts/incident_appearance/renderers/slack_renderer.py
"""

from __future__ import annotations

import re

from ratchet.alerts.labels import first, named_labels, service_of
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_LINK = "/alert-groups/"
_STATES = {"a30200": Action.OPEN, "daa038": Action.NONE, "dddddd": Action.NONE, "2eb886": Action.CLOSE}
_STATUS = re.compile(r"^[\s*_]*Status[*_]*:[*_]*\s*[*_]*(\w+)", re.IGNORECASE | re.MULTILINE)
_WORDS = {
    "firing": Action.OPEN,
    "resolved": Action.CLOSE,
    "acknowledged": Action.NONE,
    "silenced": Action.NONE,
}
_BY = re.compile(r"\b(Resolved|Acknowledged|Silenced) by\b")
_TITLE = re.compile(r"^[*_]*(#\d+ [^\n]{1,500})", re.MULTILINE)
_NUMBER = re.compile(r"^#\d+\s*")
_BRACKET = re.compile(r"^\[[^\]]*\]\s*")
_VALUES = re.compile(r"\s\([^()]*\)$")


def parse(view: View) -> IncidentAction | None:
    if not (_LINK in view.raw or ("oncall" in view.name and _STATUS.search(view.raw))):
        return None
    action, rule = _state(view)
    if action is None:
        return None
    labels = named_labels(view)
    return IncidentAction(
        action,
        alert=first(labels, "alertname") or _title(view),
        service=service_of(labels),
        severity=first(labels, "severity"),
        tool="oncall",
        confidence=0.95,
        rule=f"oncall {rule}",
    )


def _state(view: View) -> tuple[Action | None, str]:
    """The colour is OnCall's own state; the text below it comes from the alert's last payload."""
    for attachment in view.attachments:
        if attachment.colour in _STATES:
            return _STATES[attachment.colour], "colour"
    if by := _BY.search(view.raw):
        return _WORDS[by[1].lower()], "by whom"
    if status := _STATUS.search(view.raw):
        return _WORDS.get(status[1].lower()), "status"
    return None, ""


def _title(view: View) -> str | None:
    found = _TITLE.search(view.raw)
    stated = view.label_of(_LINK) or (found[1] if found else "")
    title = _BRACKET.sub("", _NUMBER.sub("", without_emoji(plain(stated))))
    return _VALUES.sub("", title).strip() or None

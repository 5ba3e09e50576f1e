"""Opsgenie: the title holds a number only, the name is in the text.

https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-slack-app/
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.labels import first, named_labels
from ratchet.alerts.view import View, plain
from ratchet.domain.incidents import Action, IncidentAction

_TITLE = re.compile(
    r"^\W*(?P<word>New|Closed|Resolved|Acknowledged|Unacknowledged|Snoozed|Escalated|Assigned|Updated|Deleted)"
    r"\s+alert\b:?\s*(?P<number>#\d+)?(?P<rest>.*)|^\W*Alert\s+(?P<word2>created|closed|acknowledged|resolved)\b(?P<rest2>.*)",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = {
    "new": Action.OPEN,
    "created": Action.OPEN,
    "closed": Action.CLOSE,
    "resolved": Action.CLOSE,
    "deleted": Action.CLOSE,
}
_QUOTED = re.compile(r"[\"“](.+?),?[\"”](?:\s|$)", re.DOTALL)
_NUMBER = re.compile(r"^#\d+:?\s*")
_CLOSED = re.compile(r"\bStatus\W+(?:closed|resolved)\b", re.IGNORECASE)


def parse(view: View) -> IncidentAction | None:
    known = "opsgenie" in view.name or view.linked("opsg.in") or view.linked("opsgenie.com")
    for line in view.headlines:
        found = _TITLE.match(line)
        if found and (known or found["number"]):
            return _alert(view, found)
    return None


def _alert(view: View, found: re.Match[str]) -> IncidentAction:
    word = (found["word"] or found["word2"]).lower()
    action = _WORDS.get(word, Action.NONE)
    if action is Action.OPEN and (by_colour(view.colour) is Action.CLOSE or _CLOSED.search(view.flat)):
        action = Action.CLOSE
    labels = named_labels(view)
    name = _name(view, found)
    return IncidentAction(
        action,
        alert=name,
        service=first(labels, "service", "app", "application"),
        severity=view.field("priority") or first(labels, "priority"),
        pair_key=link_key(view) or make_key(view, "opsgenie", found["number"] or name),
        tool="opsgenie",
        confidence=0.9,
        rule=f"opsgenie {word}",
    )


def _name(view: View, found: re.Match[str]) -> str | None:
    for source in (found["rest"] or found["rest2"] or "", *(plain(one.text) for one in view.attachments)):
        text = source.strip(" :-")
        if quoted := _QUOTED.search(text):
            return quoted[1].strip(" ,")
        text = _NUMBER.sub("", text).strip(' ",')
        if text and not text.startswith(("http", "(http")):
            return text.partition("\n")[0]
    return None

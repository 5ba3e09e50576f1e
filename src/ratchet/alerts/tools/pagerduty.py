"""PagerDuty: the words of its states; the layout differs between versions of the integration.

https://support.pagerduty.com/main/docs/slack-integration-guide
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.labels import first, named_labels
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_STATE = re.compile(
    r"(?:^|[*_>\]]|\bStatus\W{1,4}|\bIncident\s(?:#\d+\s)?(?:was\s|has\sbeen\s)?)\s*"
    r"(Triggered|Acknowledged|Unacknowledged|Resolved|Reassigned|Escalated|Snoozed|Unsnoozed|Reopened)\b",
    re.IGNORECASE | re.MULTILINE,
)
_LOOSE = re.compile(r"\b(Triggered|Acknowledged|Resolved|Reassigned|Escalated|Snoozed)\b", re.IGNORECASE)
_WORDS = {"triggered": Action.OPEN, "reopened": Action.OPEN, "resolved": Action.CLOSE}
_NUMBER = re.compile(
    r"^[\s:*-]*(?:\[?#\d+\]?:?\s*)?(?:(?:Triggered|Resolved|Acknowledged)\W*\s)?(?:\[?#\d+\]?:?\s*)?"
)
_SERVICE = re.compile(r"\bService:?\*?:?\s*\*?\s*(?:<[^|>\n]*\|([^<>\n]+)>|([^\n<*]+))")
_JUST_NUMBER = re.compile(r"^(?:Incident\s)?#?\d+$", re.IGNORECASE)


def parse(view: View) -> IncidentAction | None:
    if "pagerduty" not in view.name and not view.linked("pagerduty.com/"):
        return None
    state = _STATE.search(view.flat) or _STATE.search(view.raw) or _LOOSE.search(view.flat)
    if not state:
        return None
    word = state[1].lower()
    labels = named_labels(view)
    alert, service = _title(view), _service(view) or first(labels, "service")
    return IncidentAction(
        _WORDS.get(word, Action.NONE),
        alert=alert,
        service=service,
        severity=view.field("urgency", "priority", "severity")
        or first(labels, "urgency", "severity", "priority"),
        pair_key=link_key(view) or make_key(view, "pagerduty", alert, service),
        tool="pagerduty",
        confidence=0.8,
        rule=f"pagerduty {word}",
    )


def _title(view: View) -> str | None:
    label = view.label_of("pagerduty.com/", "incidents/")
    title = _NUMBER.sub("", plain(label)).strip() if label else ""
    if title and not _JUST_NUMBER.match(title):
        return title
    for line in view.headlines:
        title = _NUMBER.sub("", re.sub(r"\s\(?https?://\S+", "", without_emoji(line))).strip(" :-")
        if title and not _LOOSE.fullmatch(title):
            return title
    return None


def _service(view: View) -> str | None:
    if found := view.field("service", "impacted service"):
        return found
    match = _SERVICE.search(view.raw)
    return plain(match[1] or match[2]) if match else None

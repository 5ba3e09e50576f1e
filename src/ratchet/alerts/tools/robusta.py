"""Robusta: Prometheus alerts and Kubernetes events enriched with context.

https://docs.robusta.dev/master/configuration/sinks/slack.html
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import make_key
from ratchet.alerts.labels import first, named_labels
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_STATE = re.compile(
    r"(Prometheus Alert Firing|Prometheus resolved|K8s event detected|Alert Firing|Alert resolved)",
    re.IGNORECASE,
)
_PREVIEW = re.compile(r"^\W*\[(Firing|Resolved)\]\s*(.*)", re.IGNORECASE)
_SEVERITY = re.compile(r"(?<![\w])\*?(Critical|High|Medium|Low|Info|Debug)\*?(?![\w])")
_SOURCE = re.compile(r"\*?Source:?\*?:?\s*`?([\w.-]+)")
_SUMMARY = re.compile(r"Alerts? Summary", re.IGNORECASE)
_SUBJECT = (
    "service",
    "app",
    "deployment",
    "statefulset",
    "daemonset",
    "job",
    "namespace",
    "host",
    "instance",
)


def parse(view: View) -> IncidentAction | None:
    top = "\n".join(
        (view.text, *view.blocks[:4], *(block for one in view.attachments for block in one.blocks[:2]))
    )
    state = _STATE.search(top)
    preview = _PREVIEW.match(view.text)
    if "robusta" not in view.name and not state:
        return None
    if _SUMMARY.search(top):
        return IncidentAction(Action.NONE, tool="robusta", confidence=0.8, rule="robusta summary")
    if not state and not preview:
        return None
    return _finding(view, state, preview, top)


def _finding(
    view: View, state: re.Match[str] | None, preview: re.Match[str] | None, top: str
) -> IncidentAction:
    word = (state[1] if state else preview[1] if preview else "").lower()
    labels = named_labels(view)
    title = _title(view)
    alert = first(labels, "alertname") or title
    service = first(labels, *_SUBJECT)
    severity = _SEVERITY.search(top)
    source = _SOURCE.search(view.raw)
    return IncidentAction(
        Action.CLOSE if "resolved" in word else Action.OPEN,
        alert=alert,
        service=service,
        severity=severity[1] if severity else first(labels, "severity"),
        pair_key=make_key(
            view, "robusta", source[1] if source else "", alert, service, first(labels, "instance")
        ),
        tool="robusta",
        confidence=0.95,
        rule=f"robusta {word}",
    )


def _title(view: View) -> str | None:
    text = plain(view.text.partition("\n")[0])
    if preview := _PREVIEW.match(text):
        text = preview[2]
    return without_emoji(text) or None

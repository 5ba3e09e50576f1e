"""Grafana Alerting: Alertmanager's brackets, with every label named in the text.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/configure-slack/
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.labels import Labels, first, named_labels, service_of
from ratchet.alerts.tools.alertmanager import Group, read_group
from ratchet.alerts.view import Attachment, View, plain
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_FOOTER = re.compile(r"^grafana\s+v", re.IGNORECASE)
_IMAGE_REPLY = re.compile(r"^\*?(?:Firing|Resolved)\*?:\s.{0,400}\*?Labels\*?:", re.IGNORECASE)
_HEADING = re.compile(r"\*{1,2}(Firing|Resolved)\*{1,2}")
_LEGACY = re.compile(
    r"^\[(Alerting|OK|No Data|NoData|Pending|Paused|Unknown|Execution Error)\]\s*(.+)", re.IGNORECASE
)
_RULE = "/alerting/grafana/"
_SERVICE_LABELS = (
    "service",
    "service_name",
    "app",
    "application",
    "component",
    "job",
    "namespace",
    "instance",
)


def parse(view: View) -> IncidentAction | None:
    if _IMAGE_REPLY.match(view.text) and not view.attachments:
        return IncidentAction(Action.NONE, tool="grafana", rule="grafana image reply", confidence=0.9)
    answers = [found for one in view.attachments if (found := _attachment(view, one))]
    firing = [one for one in answers if one.action is Action.OPEN]
    return next(iter(firing or answers), None)


def _attachment(view: View, attachment: Attachment) -> IncidentAction | None:
    if not _is_grafana(view, attachment):
        return None
    title = attachment.title or attachment.fallback
    if legacy := _LEGACY.match(plain(title)):
        return _legacy(view, legacy)
    group = read_group(title) or read_group(attachment.text)
    action = _status(group, attachment)
    return _alerting(view, attachment, group, action) if action else None


def _is_grafana(view: View, attachment: Attachment) -> bool:
    return bool(
        _FOOTER.match(attachment.footer)
        or ("grafana" in view.name and "oncall" not in view.name)
        or _RULE in attachment.link
        or "/alerting/list" in attachment.link
        or ("grafana_folder = " in attachment.text)
    )


def _status(group: Group | None, attachment: Attachment) -> Action | None:
    if group:
        return group.action
    headings = {found.lower() for found in _HEADING.findall(attachment.text)}
    if headings:
        return Action.OPEN if "firing" in headings else Action.CLOSE
    return by_colour(attachment.colour)


def _alerting(view: View, attachment: Attachment, group: Group | None, action: Action) -> IncidentAction:
    labels = named_labels(view)
    alert = first(labels, "alertname") or _title_name(attachment, group)
    service = _service(labels)
    prefix = group.prefix if group else None
    return IncidentAction(
        action,
        alert=alert,
        service=service,
        severity=first(labels, "severity", "priority", "level"),
        pair_key=(make_key(view, "grafana", prefix) if prefix else link_key(view)),
        count=group.count if group else None,
        tool="grafana",
        confidence=0.98,
        rule="grafana bracket" if group else "grafana text",
    )


def _service(labels: Labels) -> str | None:
    return first(labels, *_SERVICE_LABELS) or service_of(labels)


def _title_name(attachment: Attachment, group: Group | None) -> str | None:
    if group:
        return group.prefix.split()[0] if group.prefix else None
    return without_emoji(plain(attachment.title)) or None


def _legacy(view: View, found: re.Match[str]) -> IncidentAction:
    """Grafana up to version 8: `[Alerting] name`, `[OK] name`."""
    state, alert = found[1].lower(), found[2].strip()
    action = Action.NONE
    if state in {"alerting", "no data", "nodata", "execution error"}:
        action = Action.OPEN
    elif state == "ok":
        action = Action.CLOSE
    return IncidentAction(
        action,
        alert=alert,
        pair_key=make_key(view, "grafana", alert),
        tool="grafana_legacy",
        confidence=0.95,
        rule=f"grafana legacy {state}",
    )

"""What every parser's answer goes through: heartbeats, priority, a key, clean values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from ratchet.alerts.keys import link_key, make_key, same_text
from ratchet.alerts.view import View
from ratchet.alerts.words import GREEN, HEARTBEATS, NO_POLICY, RED, priority_of, severity_word
from ratchet.domain.incidents import Action, IncidentAction, Priority

MAX_NAME = 300
OPERATOR = "rules"  # the tool of an answer by the operator's own rules

# None: not mine. An answer with Action.NONE: mine, and no incident.
Parser = Callable[[View], IncidentAction | None]

_NOT_LETTER = re.compile(r"[^a-z]+")


def settle(view: View, found: IncidentAction, policy: Mapping[str, Priority] = NO_POLICY) -> IncidentAction:
    """The parser's answer with what all tools share filled in. `policy`: priorities by severity."""
    severity = severity_word(found.severity)
    alert, service = _name(found.alert), _name(found.service)
    priority: Priority = "LOW"
    action, rule, key = found.action, found.rule, found.pair_key
    if found.tool != OPERATOR and _is_heartbeat(alert, severity):
        action, rule = Action.NONE, "heartbeat"
    if action is Action.NONE:
        key = None
    else:
        stated = found.priority == "HIGH" and severity not in policy
        priority = "HIGH" if stated else priority_of(severity, policy)
        key = key or link_key(view) or _own_key(view, found.tool, alert, service)
    return replace(
        found,
        action=action,
        alert=alert,
        service=service,
        severity=severity,
        priority=priority,
        pair_key=key,
        rule=rule,
    )


def _is_heartbeat(alert: str | None, severity: str | None) -> bool:
    return severity == "none" or (alert is not None and _NOT_LETTER.sub("", alert.lower()) in HEARTBEATS)


def _own_key(view: View, tool: str, alert: str | None, service: str | None) -> str | None:
    """The exact name when it is one word; free text without what changes."""
    if not alert:
        title = same_text(view.headlines[0]) if view.headlines else ""
        return make_key(view, tool, title, service) if title or service else None
    exact = " " not in alert
    return make_key(view, tool, alert if exact else same_text(alert) or alert.casefold(), service)


def _name(value: str | None) -> str | None:
    if not value:
        return None
    return " ".join(value.split())[:MAX_NAME].strip() or None


def by_colour(colour: str) -> Action | None:
    """Red opens, green closes; amber, grey and none say nothing."""
    if colour in RED:
        return Action.OPEN
    return Action.CLOSE if colour in GREEN else None

"""What every parser's answer goes through: heartbeats, priority, a key, clean values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ratchet.alerts.keys import link_key, make_key, same_text
from ratchet.alerts.view import View
from ratchet.alerts.words import GREEN, HEARTBEATS, RED, priority_of, severity_word
from ratchet.domain.incidents import Action, IncidentAction

MAX_NAME = 300

# None: not mine. An answer with Action.NONE: mine, and no incident.
Parser = Callable[[View], IncidentAction | None]

_IDENTIFIER = re.compile(r"\S+")


def settle(view: View, found: IncidentAction) -> IncidentAction:
    """The parser's answer with what all tools share filled in."""
    severity = severity_word(found.severity)
    found = replace(
        found,
        alert=_name(found.alert),
        service=_name(found.service),
        severity=severity,
        priority="HIGH" if found.priority == "HIGH" else priority_of(severity),
    )
    if _is_heartbeat(found):
        return replace(found, action=Action.NONE, rule="heartbeat", priority="LOW", pair_key=None)
    if found.action is Action.NONE:
        return replace(found, priority="LOW")
    return replace(found, pair_key=found.pair_key or link_key(view) or _own_key(view, found))


def _is_heartbeat(found: IncidentAction) -> bool:
    name = (found.alert or "").lower().replace(" ", "").replace("_", "").replace("-", "").replace("'", "")
    return name in HEARTBEATS or found.severity == "none"


def _own_key(view: View, found: IncidentAction) -> str | None:
    """The exact name when it is one word; free text without what changes."""
    if not found.alert:
        title = same_text(view.headlines[0]) if view.headlines else ""
        return make_key(view, found.tool, title, found.service) if title or found.service else None
    exact = _IDENTIFIER.fullmatch(found.alert)
    name = found.alert if exact else same_text(found.alert) or found.alert.casefold()
    return make_key(view, found.tool, name, found.service)


def _name(value: str | None) -> str | None:
    if not value:
        return None
    return " ".join(value.split())[:MAX_NAME].strip() or None


def by_colour(colour: str) -> Action | None:
    """Red opens, green closes; amber, grey and none say nothing."""
    if colour in RED:
        return Action.OPEN
    return Action.CLOSE if colour in GREEN else None

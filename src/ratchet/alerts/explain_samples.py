"""For `ratchet classify`: a JSON file in any accepted form -> one answer per message, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.alerts.classifier import classify
from ratchet.alerts.flattening import mappings
from ratchet.alerts.rules import NO_RULES, Rulebook
from ratchet.domain.incidents import IncidentAction


def messages_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages, in order. `document`: a message, an event, an edit, a body as a tool posts it, a capture
    with `payload`, or several in a list under `sequence` or `messages`."""
    for key in ("sequence", "messages"):
        if isinstance(document.get(key), list):
            return list(mappings(document[key]))
    return [document]


def judge(document: Mapping[str, Any], rules: Rulebook = NO_RULES) -> list[IncidentAction]:
    """One answer per message of the document."""
    return [classify(one, rules=rules) for one in messages_of(document)]


def to_json(action: IncidentAction) -> dict[str, Any]:
    """Plain JSON values. `start`: ISO 8601 in UTC; `duration`: seconds."""
    return {
        "action": action.action.value,
        "service": action.service,
        "alert": action.alert,
        "priority": action.priority,
        "severity": action.severity,
        "pair_key": action.pair_key,
        "count": action.count,
        "tool": action.tool,
        "confidence": action.confidence,
        "rule": action.rule,
        "start": action.stated_start.isoformat() if action.stated_start else None,
        "duration": action.stated_duration_s,
    }

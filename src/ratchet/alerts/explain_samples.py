"""For `ratchet classify`: a JSON file in any accepted form -> one answer per message, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.alerts.classifier import classify
from ratchet.alerts.flattening import mappings
from ratchet.domain.incidents import IncidentAction


def judge(document: Mapping[str, Any]) -> list[IncidentAction]:
    """One answer per message, in order. `document`: a message, an event, an edit, a body as a tool posts it,
    a capture with `payload`, or several in a list under `sequence` or `messages`."""
    for key in ("sequence", "messages"):
        if isinstance(document.get(key), list):
            return [classify(one) for one in mappings(document[key])]
    return [classify(document)]


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

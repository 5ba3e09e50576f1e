"""What a message says: flattened text, and what it means for an incident. Pure."""

from __future__ import annotations

from ratchet.alerts.classifier import classify
from ratchet.alerts.explain_samples import judge, to_json
from ratchet.alerts.flattening import flatten
from ratchet.alerts.own_classifier import own_request, parse_own_answer
from ratchet.alerts.view import unwrap

__all__ = ["classify", "flatten", "judge", "own_request", "parse_own_answer", "to_json", "unwrap"]

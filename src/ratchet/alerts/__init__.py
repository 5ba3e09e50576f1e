"""What a message says: flattened text, and what it means for an incident. Pure."""

from __future__ import annotations

from ratchet.alerts.classifier import classify
from ratchet.alerts.explain_samples import judge, messages_of, to_json
from ratchet.alerts.explaining import Explanation, explain
from ratchet.alerts.flattening import flatten
from ratchet.alerts.learned import AlertModel, undecided
from ratchet.alerts.own_classifier import own_request, parse_own_answer
from ratchet.alerts.rule_file import read_rules
from ratchet.alerts.rules import IGNORED, NO_RULES, Rulebook
from ratchet.alerts.template import template
from ratchet.alerts.view import unwrap

__all__ = [
    "IGNORED",
    "NO_RULES",
    "AlertModel",
    "Explanation",
    "Rulebook",
    "classify",
    "explain",
    "flatten",
    "judge",
    "messages_of",
    "own_request",
    "parse_own_answer",
    "read_rules",
    "template",
    "to_json",
    "undecided",
    "unwrap",
]

"""What a message says about an incident: the first parser that knows it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.alerts.judgement import Parser, settle
from ratchet.alerts.tools import PARSERS
from ratchet.alerts.view import View, is_bot, is_plain_person, unwrap
from ratchet.domain.incidents import NOTHING, IncidentAction


def classify(
    payload: Mapping[str, Any], text: str | None = None, *, rules: Sequence[Parser] = ()
) -> IncidentAction:
    """Never raises. A person's message is never an incident.

    `payload`: Slack's message object, its event wrapper, or a body as a tool posts it. `text`: the flattened
    text, when the caller has it. `rules`: the operator's own parsers, asked before the built-in ones.
    """
    if is_plain_person(payload):
        return NOTHING
    message = unwrap(payload)
    if not is_bot(message):
        return NOTHING
    view = View(message, text)
    for parse in (*rules, *PARSERS):
        found = parse(view)
        if found is not None:
            return settle(view, found)
    return NOTHING

"""What a message says about an incident: the operator's rules, then the first parser that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ratchet.alerts.judgement import settle
from ratchet.alerts.rules import NO_RULES, Rulebook
from ratchet.alerts.tools import PARSERS
from ratchet.alerts.view import View, channel_of, is_bot, is_plain_person, unwrap
from ratchet.domain.incidents import NOTHING, Action, IncidentAction

NO_PROGRAM: Final = IncidentAction(Action.NONE, rule="no program's message")


def classify(
    payload: Mapping[str, Any], text: str | None = None, *, channel: str = "", rules: Rulebook = NO_RULES
) -> IncidentAction:
    """Never raises. A person's message is never an incident.

    `payload`: Slack's message object, its event wrapper, or a body as a tool posts it. `text`: the flattened
    text, when the caller has it. `channel`: its id, when the payload may not say it. `rules`: the operator's
    own, asked before the built-in parsers.
    """
    if is_plain_person(payload):
        return NO_PROGRAM
    message = unwrap(payload)
    if not is_bot(message):
        return NO_PROGRAM
    return judge_view(View(message, text, channel or channel_of(payload)), rules)


def judge_view(view: View, rules: Rulebook) -> IncidentAction:
    """The answer about a bot's message."""
    return rules.judge(view, lambda one: built_in(one, rules))


def built_in(view: View, rules: Rulebook) -> IncidentAction:
    """What the parsers say; of the operator's rules only the priorities count."""
    for parse in PARSERS:
        found = parse(view)
        if found is not None:
            return settle(view, found, rules.severity_priority)
    return NOTHING

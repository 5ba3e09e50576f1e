"""Tools whose post is one fixed sentence: Gatus, HyperDX / ClickStack, UptimeRobot, Healthchecks, Checkly.

A line in `SENTENCES` adds one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.labels import first, named_labels
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import CLOSE_EMOJI, duration_s, from_first_word
from ratchet.domain.incidents import Action, IncidentAction


@dataclass(frozen=True, slots=True)
class Sentence:
    """A pattern with `alert` and `state`, optionally `took`; `closing` are the states that close."""

    tool: str
    pattern: re.Pattern[str]
    closing: frozenset[str]
    alert_is_service: bool = True


def _sentence(tool: str, pattern: str, closing: str, *, alert_is_service: bool = True) -> Sentence:
    words = frozenset(closing.split("|"))
    return Sentence(tool, re.compile(pattern, re.IGNORECASE), words, alert_is_service)


SENTENCES = (
    _sentence(
        "gatus",
        r"An alert for (?P<alert>.+?) has been (?P<state>triggered|resolved)\b(?: due to| after)?",
        "resolved",
    ),
    _sentence(
        "hyperdx",
        r"^(?P<state>)Alert for [\"“](?P<alert>.+?)[\"”]",
        "resolved",
        alert_is_service=False,
    ),
    _sentence(
        "uptimerobot",
        r"^Monitor is (?P<state>DOWN|UP)\b:?\s*(?P<alert>.+?)(?:\s+\(\s*\S+\s*\))?\.?"
        r"(?:\s+-\s+Reason:.*|\s*\(?It was down for (?P<took>[^)]+?)\)?\.?)?$",
        "up",
    ),
    _sentence(
        "healthchecks",
        r"^(?:The check )?[\"“](?P<alert>.+?)[\"”] is (?:now )?(?P<state>DOWN|UP)\b",
        "up",
    ),
    _sentence(
        "pingdom",
        r"^(?:Pingdom ?Alert|Check)\s+(?P<state>DOWN|UP):\s*(?P<alert>.+?)(?:\s+\([^()]*\))?"
        r"(?:\s+is (?:down|up).*)?$",
        "up",
    ),
    _sentence(
        "checkly",
        r"^Check [\"“'](?P<alert>.+?)[\"”'] (?:has |is )?"
        r"(?P<state>failed|failing|recovered|degraded)\b",
        "recovered",
    ),
    _sentence(
        "monitor",
        # `RESOLVED: web is down` is no sentence: the word in front says what is the matter.
        r"^(?!\w+:\s)(?:(?:service|host|monitor|check|site|website|server|endpoint) )?"
        r"(?P<alert>[\w./:@-]+(?: [\w./:@-]+){0,5}?) "
        r"(?:is|went|has gone) (?:now )?(?:back )?"
        r"(?P<state>down|up|online|offline|unreachable|recovered|unavailable|healthy|unhealthy)"
        r"(?: again)?(?:\s*[.!]*$|\s*[:(|,;–-].{0,200}$|\s(?:for|since|after)\s\d.{0,60}$)",
        "up|online|recovered|healthy",
    ),
)


def parse(view: View) -> IncidentAction | None:
    if view.is_reply and not view.attachments:
        return None
    for line in map(from_first_word, view.headlines):
        for sentence in SENTENCES:
            if found := sentence.pattern.search(line):
                return _judged(view, sentence, found)
    return None


def _judged(view: View, sentence: Sentence, found: re.Match[str]) -> IncidentAction:
    groups = found.groupdict()
    state = (groups["state"] or ("resolved" if CLOSE_EMOJI.search(view.raw[:200]) else "alert")).lower()
    alert = plain(groups["alert"]).strip(" :()")
    labels = named_labels(view)
    service = first(labels, "service", "app", "application")
    return IncidentAction(
        Action.CLOSE if state in sentence.closing else Action.OPEN,
        alert=alert,
        service=service or (alert if sentence.alert_is_service else None),
        severity=first(labels, "severity", "priority", "level"),
        pair_key=link_key(view) or make_key(view, sentence.tool, alert),
        stated_duration_s=duration_s(groups["took"].strip()) if groups.get("took") else None,
        tool=sentence.tool,
        confidence=0.85,
        rule=f"sentence {sentence.tool} {state}",
    )

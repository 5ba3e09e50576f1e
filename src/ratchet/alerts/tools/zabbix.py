"""Zabbix's Slack media type: the state is the title's prefix.

https://www.zabbix.com/integrations/slack
"""

from __future__ import annotations

import re

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.view import Attachment, View, plain
from ratchet.alerts.words import duration_s, timestamp
from ratchet.domain.incidents import Action, IncidentAction

_TITLE = re.compile(
    r"^\W*(?P<word>Problem|Resolved|Updated problem|Discovery|Autoregistration)(?:\s+started at [^:]*[\d:]*)?"
    r"(?:\s+in\s+(?P<took>[\d.]+[a-zA-Zµ]+(?:\s+[\d.]+[a-zA-Zµ]+)*))?\s*:\s*(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(r"\s*\[[^\]]*\]$|\s*\([\d.:a-f]+\)$")


def parse(view: View) -> IncidentAction | None:
    for attachment in view.attachments:
        if not _is_zabbix(view, attachment):
            continue
        if found := _TITLE.match(plain(attachment.title or attachment.fallback)):
            return _event(view, attachment, found)
    return None


def _is_zabbix(view: View, attachment: Attachment) -> bool:
    return bool(
        "zabbix" in view.name
        or "triggerid=" in attachment.link
        or "tr_events.php" in view.raw
        or (attachment.field("host") and attachment.field("event time", "severity"))
    )


def _event(view: View, attachment: Attachment, found: re.Match[str]) -> IncidentAction:
    word, name = found["word"].lower(), found["name"].strip()
    action = {"problem": Action.OPEN, "resolved": Action.CLOSE}.get(word, Action.NONE)
    if action is Action.OPEN and by_colour(attachment.colour) is Action.CLOSE:
        action = Action.CLOSE
    host = attachment.field("host")
    service = _ADDRESS.sub("", host).strip() if host else None
    when = attachment.field("event time", "problem started")
    return IncidentAction(
        action,
        alert=name,
        service=service,
        severity=attachment.field("severity"),
        pair_key=link_key(view) or make_key(view, "zabbix", service, name),
        stated_start=timestamp(when.replace(".", "-")) if when and action is Action.OPEN else None,
        stated_duration_s=duration_s(found["took"]) if found["took"] and action is Action.CLOSE else None,
        tool="zabbix",
        confidence=0.97,
        rule=f"zabbix {word}",
    )

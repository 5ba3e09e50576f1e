"""Statuspage and incident announcements: one post per update, or one that is edited.

https://support.atlassian.com/statuspage/docs/create-an-incident/
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import link_key, make_key, same_text
from ratchet.alerts.view import View, plain
from ratchet.alerts.words import without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_WORDS = {
    "investigating": Action.OPEN,
    "identified": Action.OPEN,
    "triage": Action.OPEN,
    "fixing": Action.OPEN,
    "monitoring": Action.NONE,
    "update": Action.NONE,
    "scheduled": Action.NONE,
    "in progress": Action.NONE,
    "verifying": Action.NONE,
    "postmortem": Action.NONE,
    "completed": Action.NONE,
    "resolved": Action.CLOSE,
    "closed": Action.CLOSE,
}
_ALTERNATION = "|".join(_WORDS)
_LINE = re.compile(rf"^\W*(?:Status\W{{1,4}})?({_ALTERNATION})\b\W*(?:-|–|:|$)", re.IGNORECASE)
_FIELD = re.compile(rf"\b(?:Current )?Status\W{{1,6}}({_ALTERNATION})\b", re.IGNORECASE)
_LINKS = ("statuspage.io", "stspg.io", "incident.io/")
_SEVERITY = re.compile(r"\b(?:Severity|Impact)\W{1,6}(\w+)", re.IGNORECASE)


def parse(view: View) -> IncidentAction | None:
    named = any(word in view.name for word in ("statuspage", "incident.io", "status page"))
    if not named and not any(view.linked(link) for link in _LINKS):
        return None
    word = _word(view)
    if word is None:
        return None
    title = _title(view)
    severity = _SEVERITY.search(view.flat)
    return IncidentAction(
        _WORDS[word],
        alert=title,
        service=view.field("affected components", "components", "service"),
        severity=severity[1] if severity else None,
        pair_key=link_key(view) or make_key(view, "statuspage", same_text(title or "")),
        tool="incident_io" if "incident.io" in view.name or "incident.io/" in view.raw else "statuspage",
        confidence=0.6,
        rule=f"statuspage {word}",
    )


def _word(view: View) -> str | None:
    stated = (view.field("status", "current status") or "").lower()
    if stated in _WORDS:
        return stated
    if found := _FIELD.search(view.flat):
        return found[1].lower()
    return next(
        (found[1].lower() for line in view.flat.splitlines() if (found := _LINE.match(plain(line)))), None
    )


def _title(view: View) -> str | None:
    for line in view.headlines:
        bare = re.sub(r"\s\(?https?://\S+", "", without_emoji(line)).strip(" :-")
        if bare and not _LINE.match(bare):
            return bare
    return None

"""Uptime Kuma: `[monitor] [🔴 Down] message`, and certificates that run out.

https://github.com/louislam/uptime-kuma/blob/master/server/notification-providers/slack.js
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import make_key
from ratchet.alerts.view import View, plain
from ratchet.domain.incidents import Action, IncidentAction

_LINE = re.compile(
    r"^\[(?P<monitor>.{1,200}?)\]\s*\[\W*(?::[\w+-]+:)?\s*"
    r"(?P<state>Down|Up|Pending|Maintenance|Under maintenance)\s*\]",
    re.IGNORECASE,
)
_EXPIRY = re.compile(
    r"^\[(?P<monitor>[^\]]{1,200})\]\s*(?:\[[^\]]*\]\s*)?(?:.{0,20}?)?"
    r"(?P<what>server certificate|certificate|Domain name)\b.{0,200}?\bwill expire in -?\d+ days?",
    re.IGNORECASE,
)
_STATES = {"down": Action.OPEN, "up": Action.CLOSE}


def parse(view: View) -> IncidentAction | None:
    for line in view.headlines:
        if found := _LINE.match(line):
            return _state(view, found)
        if found := _EXPIRY.match(line):
            return _expiry(view, found)
    if "kuma" in view.name or view.headlines[:1] == ("Uptime Kuma Alert",):
        return _anywhere(view)
    return None


def _anywhere(view: View) -> IncidentAction | None:
    """The card with a header: the line stands below the word Message."""
    for line in view.flat.splitlines():
        if found := _LINE.match(plain(line)):
            return _state(view, found)
    return None


def _state(view: View, found: re.Match[str]) -> IncidentAction:
    monitor = found["monitor"].strip()
    state = found["state"].lower()
    return IncidentAction(
        _STATES.get(state, Action.NONE),
        alert=monitor,
        service=monitor,
        pair_key=make_key(view, "uptime_kuma", monitor),
        tool="uptime_kuma",
        confidence=0.97,
        rule=f"uptime kuma {state}",
    )


def _expiry(view: View, found: re.Match[str]) -> IncidentAction:
    """Never resolves; a key of its own, so that `Up` does not close it."""
    what = "domain name" if found["what"].lower().startswith("domain") else "certificate"
    monitor = found["monitor"].strip()
    return IncidentAction(
        Action.OPEN,
        alert=f"{what} will expire",
        service=monitor,
        pair_key=make_key(view, "uptime_kuma", monitor, what),
        tool="uptime_kuma",
        confidence=0.9,
        rule="uptime kuma expiry",
    )

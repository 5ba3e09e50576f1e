"""Icinga 2 and Nagios notification scripts.

https://github.com/jjethwa/icinga2-slack-notification · https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import make_key
from ratchet.alerts.view import View, plain
from ratchet.domain.incidents import Action, IncidentAction

_TYPES = (
    "PROBLEM|RECOVERY|ACKNOWLEDGEMENT|DOWNTIMESTART|DOWNTIMEEND|DOWNTIMECANCELLED|DOWNTIMEREMOVED|"
    "FLAPPINGSTART|FLAPPINGSTOP|FLAPPINGEND|FLAPPINGDISABLED|CUSTOM"
)
_STATES = "UP|DOWN|UNREACHABLE|OK|WARNING|CRITICAL|UNKNOWN"
_FALLBACK = re.compile(
    rf"^\W*(?P<type>{_TYPES})\s*-\s*(?P<state>{_STATES}):\s*(?P<host>\S+)(?:\s+-\s+(?P<service>.+))?"
)
_TITLE = re.compile(rf"^\W*(?:Host|Service)\s+(?P<type>{_TYPES})\b", re.IGNORECASE)
_MAIL = re.compile(
    rf"^\W*(?P<type>{_TYPES})\W+(?:(?:Host|Service) Alert:\s*)?(?P<host>[^\s/]+)(?:/(?P<service>.+?))?"
    rf"\s+is\s+(?P<state>{_STATES})\b"
)
_LINE = r"^[\s*_]*{}[*_]*\s?:[*_]*\s*(.+?)[\s*_]*$"
_PARTS = {
    name: re.compile(_LINE.format(name), re.IGNORECASE | re.MULTILINE)
    for name in ("host", "service", "state")
}


def parse(view: View) -> IncidentAction | None:
    return _fields(view) or _titled(view) or _one_line(view)


def _fields(view: View) -> IncidentAction | None:
    kind, host = view.field("type", "notification type"), view.field("host", "hostname")
    state = view.field("state", "status")
    if not kind or not host or kind.upper() not in _TYPES.split("|"):
        return None
    return _notice(view, kind, state or "", host, view.field("service"))


def _titled(view: View) -> IncidentAction | None:
    for line in view.headlines:
        if found := _TITLE.match(line):
            host = _part(view, "host")
            return (
                _notice(view, found["type"], _part(view, "state") or "", host, _part(view, "service"))
                if host
                else None
            )
    return None


def _part(view: View, name: str) -> str | None:
    if field := view.field(name):
        return field
    found = _PARTS[name].search(view.flat)
    return plain(found[1]) if found else None


def _one_line(view: View) -> IncidentAction | None:
    for line in view.headlines:
        if found := _FALLBACK.match(line) or _MAIL.match(line):
            return _notice(view, found["type"], found["state"], found["host"], found["service"])
    return None


def _notice(view: View, kind: str, state: str, host: str, service: str | None) -> IncidentAction:
    action = {"PROBLEM": Action.OPEN, "RECOVERY": Action.CLOSE}.get(kind.upper(), Action.NONE)
    return IncidentAction(
        action,
        alert=service or "host down",
        service=host,
        severity=state if action is Action.OPEN else None,
        pair_key=make_key(view, "nagios", host, service),
        tool="icinga" if "icinga" in view.name or "icinga" in view.raw else "nagios",
        confidence=0.96,
        rule=f"nagios {kind.lower()}",
    )

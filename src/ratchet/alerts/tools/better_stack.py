"""Better Stack Uptime: `New incident for X: cause`, `Automatically resolved X incident`.

https://betterstack.com/docs/uptime/slack/
"""

from __future__ import annotations

import re

from ratchet.alerts.keys import link_key, make_key
from ratchet.alerts.view import View
from ratchet.domain.incidents import Action, IncidentAction

_NEW = re.compile(r"^\W*New incident (?:for|on) (?P<monitor>.+?)(?::\s+(?P<cause>.+))?$", re.IGNORECASE)
_DONE = re.compile(
    r"^\W*(?:(?:.{1,80}? )?(?P<how>automatically resolved|resolved|acknowledged|unacknowledged)) (?:the )?"
    r"(?P<monitor>.+?) incident\b",
    re.IGNORECASE,
)


def parse(view: View) -> IncidentAction | None:
    if "ncident" not in view.raw:
        return None
    for line in view.headlines:
        if found := _NEW.match(line):
            return _incident(view, Action.OPEN, found["monitor"], found["cause"], "new incident")
        if found := _DONE.match(line):
            how = found["how"].lower()
            action = Action.CLOSE if how.endswith("resolved") else Action.NONE
            return _incident(view, action, found["monitor"], None, how)
    return None


def _incident(view: View, action: Action, monitor: str, cause: str | None, rule: str) -> IncidentAction:
    return IncidentAction(
        action,
        alert=cause or monitor,
        service=monitor,
        pair_key=link_key(view) or make_key(view, "better_stack", monitor),
        tool="better_stack",
        confidence=0.9,
        rule=f"better stack {rule}",
    )

"""Datadog monitors: `Triggered: name`, `[Triggered] [P1] name`, `Recovered: name`.

https://docs.datadoghq.com/monitors/notify/
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from ratchet.alerts.view import View, plain
from ratchet.domain.incidents import Action, IncidentAction

_WORD = r"(?:Re-?)?Triggered|Alert|Warn(?:ing)?|Re-?Warn|(?:Re-?)?No data|Recovered|Renotify|Muted|Unmuted"
_TITLE = re.compile(
    rf"^[^\w\[]*(?:\[?Monitor Alert\]?\s*)?(?:\[?(?P<before>P[1-5])\]?\s*[:|-]?\s*)?"
    rf"(?:\[\s*(?P<b>{_WORD})(?P<on>\s+on\s+[^\]]*)?\s*\]|(?P<p>{_WORD})(?:\s+on\s+[^:]{{1,120}})?\s*:)\s*"
    rf"(?:\[(?P<after>P[1-5])\]\s*)?(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)
_SCOPE = re.compile(r"\s+on\s+\(?(?:[\w.-]+:[^\s,()]+)(?:,\s*[\w.-]+:[^\s,()]+)*\)?\s*$")
_TAG = re.compile(r"\b(?:service|app|application):([\w.@/-]+)")
_HOST = re.compile(r"\b(?:host|pod_name|kube_deployment|kube_namespace):([\w.@/-]+)")
_LINK = re.compile(r"(?:datadoghq\.\w+|ddog-gov\.com)/")


def parse(view: View) -> IncidentAction | None:
    if "datadog" not in view.name and not any(_LINK.search(link) for link in view.links):
        return None
    for line in view.headlines:
        if found := _TITLE.match(line):
            return _monitor(view, found)
    return None


def _monitor(view: View, found: re.Match[str]) -> IncidentAction:
    word = (found["b"] or found["p"]).lower().replace("-", "")
    action = Action.OPEN
    if word == "recovered":
        action = Action.CLOSE
    elif word in {"muted", "unmuted"}:
        action = Action.NONE
    severity = (
        found["before"] or found["after"] or ("warning" if word in {"warn", "warning", "rewarn"} else None)
    )
    return IncidentAction(
        action,
        alert=_SCOPE.sub("", found["name"]).strip(),
        service=_service(view, found["on"] or ""),
        severity=severity,
        tool="datadog",
        confidence=0.97,
        rule=f"datadog {word}",
    )


def _service(view: View, scope: str) -> str | None:
    links = " ".join(unquote(link) for link in view.links if "group=" in link)
    for text in (scope, links, plain(view.raw)):
        if tag := _TAG.search(text):
            return tag[1]
    for text in (scope, links):
        if host := _HOST.search(text):
            return host[1] if host[1] != "host.name" else None
    return None

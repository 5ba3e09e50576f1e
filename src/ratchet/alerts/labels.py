"""Labels that a message names: `service = x`, `*service:* \\`x\\``, `service="x"`, silence links, fields."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from ratchet.alerts.view import View, plain

SERVICE_KEYS = (
    "service",
    "service_name",
    "servicename",
    "app",
    "application",
    "app_kubernetes_io_name",
    "project",
    "component",
    "job",
    "deployment",
    "statefulset",
    "daemonset",
    "host",
    "hostname",
    "host_name",
    "namespace",
    "instance",
)
_KEYS = frozenset(
    (
        *SERVICE_KEYS,
        "alertname",
        "alert_name",
        "severity",
        "priority",
        "level",
        "rulename",
        "alert",
        "urgency",
    )
)
# At a line's start: bullets and mark-up, a name, a separator, the value to the end of the line.
_LINE = re.compile(
    r"^[\s>•·\-*_`–◦▪]{0,12}([A-Za-z][A-Za-z_]{1,24}(?: [A-Za-z]{1,12})?)"
    r"[*_`]{0,3}(?: ?[:=][*_]{0,3}|[ \t](?=`))[ \t]*([^\n]{1,300})$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"\b([A-Za-z_]{2,24})=[\"“]([^\"\n”]{1,300})[\"”]")
# Several on one line: ` • *alertname:* `X` • *job:* `y``
_TICKED = re.compile(r"\b([A-Za-z_]{2,24})[*_]{0,2}\s?[:=]?[*_]{0,2}\s?`([^`\n]{1,300})`")
_MATCHER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=\"?([^\",{}~!=]+)\"?")
_NO_VALUE = frozenset({"", "-", "n/a", "none", "null", "<no value>", "[no value]", "unknown"})

Labels = dict[str, list[str]]


def named_labels(view: View) -> Labels:
    """Label name (lower case, `_` for blanks) -> distinct values in reading order."""
    found: Labels = {}
    for link in view.links:
        if "silence" in link:
            _from_silence(link, found)
    for part in view.raw_parts:
        if "://" in part[:8]:
            continue
        _from_text(part, found)
    for attachment in view.attachments:
        for title, value in attachment.fields:
            name = title.strip(" *:").lower().replace(" ", "_")
            if name in _KEYS:
                _keep(found, name, value)
    return found


def _from_text(part: str, found: Labels) -> None:
    """Each pattern only where its separator occurs at all."""
    part = part.replace("&quot;", '"')
    ticked = "`" in part
    for pattern, possible in (
        (_LINE, ticked or ":" in part or " = " in part),
        (_QUOTED, '="' in part or "=“" in part),
        (_TICKED, ticked),
    ):
        for match in pattern.finditer(part) if possible else ():
            name = match[1].lower().replace(" ", "_")
            if name in _KEYS:
                _keep(found, name, match[2])


def _keep(found: Labels, key: str, value: str) -> None:
    clean = plain(value).strip(" \"'`,;")
    if clean.lower() in _NO_VALUE and not (key == "severity" and clean.lower() == "none"):
        return
    values = found.setdefault(key, [])
    if clean not in values:
        values.append(clean)


def _from_silence(link: str, found: Labels) -> None:
    """Alertmanager `#/silences/new?filter={a="b"}`, Grafana `silence/new?…&matcher=a%3Db`."""
    try:
        parts = urlsplit(link.replace("/#/", "/", 1))
    except ValueError:
        return
    for name, value in parse_qsl(parts.query, max_num_fields=60) if parts.query.count("&") < 60 else ():
        if name not in {"filter", "matcher", "matchers"}:
            continue
        for match in _MATCHER.finditer(unquote(value)):
            if match[1] in _KEYS:
                _keep(found, match[1], match[2])


def first(labels: Labels, *names: str) -> str | None:
    """The first value of the first of these labels that is there."""
    for name in names:
        if labels.get(name):
            return labels[name][0]
    return None


def service_of(labels: Labels) -> str | None:
    """What the labels say is affected, most specific name first."""
    return first(labels, *SERVICE_KEYS)

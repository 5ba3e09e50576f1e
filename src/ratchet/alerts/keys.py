"""What an open and its close have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from ratchet.alerts.view import View
from ratchet.alerts.words import STATUS, without_emoji

MAX_KEY = 400


def _whole(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda found: ":".join([kind, *(unquote(group) for group in found.groups() if group)])


# In this order: an incident of a pager is a closer name than the dashboard it links to.
_LINK_KEYS: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (needle, re.compile(pattern), _whole(kind))
    for needle, pattern, kind in (
        ("pagerduty.com", r"pagerduty\.com/(?:\w+/)*incidents/(\w+)", "pagerduty:incident"),
        ("betterstack", r"betterstack\.com/.*?incidents/(\w+)", "better_stack:incident"),
        ("betteruptime", r"betteruptime\.com/.*?incidents/(\w+)", "better_stack:incident"),
        ("incident.io", r"incident\.io/(?:[\w-]+/)?incidents/(\w+)", "incident_io:incident"),
        ("newrelic", r"newrelic\.com/.*?issues/([0-9a-fA-F-]{8,})", "newrelic:issue"),
        (
            "datadoghq",
            r"datadoghq\.\w+/monitors/(\d+)(?:\?(?:[^#\s]*&)?group=([^&#\s]*))?",
            "datadog:monitor",
        ),
        ("ddog-gov", r"ddog-gov\.com/monitors/(\d+)(?:\?(?:[^#\s]*&)?group=([^&#\s]*))?", "datadog:monitor"),
        ("sentry", r"sentry[^\s]*?/issues/(\d+)", "sentry:issue"),
        ("opsg.in", r"opsg\.in/a/i/([\w-]+)/([\w-]+)", "opsgenie:alert"),
        ("opsgenie", r"opsgenie\.com/alert(?:/detail|/show)?/([\w-]{8,})", "opsgenie:alert"),
        ("alarm", r"#alarmsV2:alarm/([^?\s]+)", "cloudwatch:alarm"),
        ("alarm", r"#alarm:(?:[\w=]+;)*name=([^;&\s]+)", "cloudwatch:alarm"),
        ("alert-groups", r"/alert-groups/(\w+)", "oncall:alert_group"),
        ("triggerid", r"triggerid=(\d+)(?:&amp;|&)eventid=(\d+)", "zabbix:event"),
        ("/alerting/grafana/", r"/alerting/grafana/([\w-]+)/view", "grafana:rule"),
        ("statuspage", r"statuspage\.io/incidents/(\w+)", "statuspage:incident"),
        ("stspg.io", r"stspg\.io/(\w+)", "statuspage:incident"),
        ("victorops", r"victorops\.com/.*?incident/(\d+)", "victorops:incident"),
    )
)

_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_VOLATILE = re.compile(
    rf"""https?://\S+
    | {_UUID}
    | \b\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?
    | \b\d{{1,2}}:\d\d(?::\d\d)?(?:\s?[AaPp][Mm])?\b
    | \b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d+)?\b
    | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{{12,}}\b
    """,
    re.VERBOSE,
)
# A number that compares (`> 2s`, `above 5%`) belongs to the rule's name and stays.
_THRESHOLD = (
    r"(?<![<>≥≤]\s)(?<![<>≥≤=]=\s)(?<![<>≥≤=])(?<!above\s)(?<!below\s)(?<!over\s)(?<!under\s)(?<!than\s)"
)
# 8.3%, 0.5s, 12 MB, 3h5m
_MEASURE = r"""
        \d+\.\d+\s?(?:[%\w/]+)?
      | \d+\s?(?:%|[kKMGT]i?[bB]?\b|[mnµ]?s\b|[hmd]\b|req/s|rps\b)(?:\s?\d+\s?[smh]\b)*
      | (?:\d+[dhms]){2,}"""
_MEASURED = re.compile(rf"{_THRESHOLD}(?<![\w.#-])(?:{_MEASURE})(?![\w%])", re.VERBOSE)
_VERB = r"(?:is|was|has|does|needs)\b"
_READING = re.compile(
    rf"""{_THRESHOLD}(?<![\w.#-])
    (?: {_MEASURE}
      | \d{{4,}}                                       # counts, process ids
      | (?<=is\s)\d+ | (?<=at\s)\d+ | (?<=was\s)\d+ | (?<=now\s)\d+ | (?<=value\s)\d+
      | (?<=[:=]\s)\d+ | (?<=[:=(])\d+
      | \d+(?=\s(?!{_VERB})(?:\w+\s(?!{_VERB}))?[a-z]+s\b)  # 5 errors, 12 log lines; not `disk 2 is full`
      | \d+(?=/\d+\b) | (?<=/)\d+
    )(?![\w%])""",
    re.VERBOSE,
)
_TOKEN = re.compile(r"[^\s]+")
_STATUS_PHRASE = re.compile(
    r"\b(?:is|are|was|has|have|been|now|back|state|changed|to|again|automatically|successfully)\b",
    re.IGNORECASE,
)


def link_key(view: View) -> str | None:
    """The key in the first address that names an incident, an issue or a rule."""
    if "://" not in view.raw:
        return None
    for needle, pattern, make in _LINK_KEYS:
        if needle not in view.raw:
            continue
        for link in view.links:
            if needle in link and (found := pattern.search(link)):
                return make(found)[:MAX_KEY]
    return None


def same_text(title: str) -> str:
    """A title without what changes between open and close: status, readings, addresses, ids, times.

    Numbers that belong to a name stay: `NodeDown1`, `p99`, `Disk 2`, `> 5%`, `#42`.
    """
    text = _STATUS_PHRASE.sub(" ", without_readings(title))
    words = (word.strip(".,;:!?()[]{}|\"'“”*_`–—-") for word in _TOKEN.findall(text.casefold()))
    return " ".join(word for word in words if word and word not in STATUS)


def without_readings(title: str) -> str:
    """A title without readings, links, times and ids; as `same_text`, but as written."""
    text = _READING.sub(" ", _VOLATILE.sub(" ", without_emoji(title)))
    return " ".join(text.split())


def holds_reading(name: str) -> bool:
    """Whether a value that was measured stands in it; a threshold (`> 2s`, `above 5%`) is none."""
    return _MEASURED.search(name) is not None


def make_key(view: View, tool: str, *parts: str | None) -> str:
    """`tool|sender|part|…`; missing parts leave their place empty, so that keys cannot shift."""
    return "|".join([tool, view.sender, *((part or "").strip() for part in parts)])[:MAX_KEY]

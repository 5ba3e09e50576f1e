"""What an open and its close have in common."""

from __future__ import annotations

import hashlib
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
    | (?<![\w:.])\d{{1,2}}:\d\d(?::\d\d)?(?:\s?[AaPp][Mm])?(?![\w:])
    | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{{12,}}\b
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b")
# A number that compares (`> 2s`, `above 5%`) belongs to the rule's name and stays.
_THRESHOLD = (
    r"(?<![<>≥≤]\s)(?<![<>≥≤=]=\s)(?<![<>≥≤=])(?<!above\s)(?<!below\s)(?<!over\s)(?<!under\s)(?<!than\s)"
)
# 8.3%, 0.5s, 12 MB, 3h5m
_MEASURE = r"""
        \d+\.\d+\s?(?:[%\w/]+)?
      | \d+\s?(?:%|[kKMGT]i?[bB]?\b|[mnµ]?s\b|[hmd]\b|req/s|rps\b)(?:\s?\d+\s?[smh]\b)*
      | (?:\d+[dhms]){2,}"""
_MEASURED = re.compile(rf"{_THRESHOLD}(?<![\w.#-])(?:{_MEASURE})(?![\w%]|\.\d)", re.VERBOSE)
# Where a count may stand: not after a noun, which it would number.
_COUNTING = (
    r"(?:^|(?<=[^\w\s]\s)|(?<=[(\[])"
    r"|(?<=\bhas\s)|(?<=\bhave\s)|(?<=\bwith\s)|(?<=\bfound\s)|(?<=\bare\s)|(?<=\bof\s)|(?<=\bafter\s))"
)
_VERB = r"(?:is|was|has|does|needs)\b"
_COUNTED = rf"(?=\s(?!{_VERB})(?:\w+\s(?!{_VERB}))?[a-z]+s\b)"
# A whole number is a reading only where something says so: two alerts may differ in nothing else.
_READING = re.compile(
    rf"""{_THRESHOLD}(?<![\w.#/-])
    (?: {_MEASURE}
      | {_COUNTING}\d+{_COUNTED}  # 5 errors, 12 log lines; not `disk 2 is full`, `shard 2 pods`
      | {_COUNTING}\d+/\d+ | \d+/\d+(?=\s(?:[a-z]+s|ready|up|down)\b)  # 3/5 pods; not `Gi1/0/2`
      | (?<=\bis\s)\d+ | (?<=\bat\s)\d+ | (?<=\bwas\s)\d+ | (?<=\bnow\s)\d+
    )(?![\w%/]|\.\d)""",
    re.VERBOSE,
)
_VALUE = re.compile(
    r"""\b(value|count|total|current|currently|reached|depth|length|lag|load|pid|[a-z]+[^\Wsiu]s(?=[:=]))
    (\s?[:=]\s?|\s)\d+(?![\w.%/-])""",
    re.VERBOSE | re.IGNORECASE,
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
                return _bounded(make(found))
    return None


def same_text(title: str) -> str:
    """A title without what changes between open and close: status, readings, ids, times.

    What may be all that tells two alerts apart stays: `NodeDown1`, `Disk 2`, `> 5%`, `#42`, `10.0.0.1`.
    """
    text = _STATUS_PHRASE.sub(" ", _without_readings(title))
    words = (word.strip(".,;:!?()[]{}|\"'“”*_`–—-") for word in _TOKEN.findall(text.casefold()))
    return " ".join(word for word in words if word and word not in STATUS)


def without_readings(title: str) -> str:
    """A title without readings, links, times, ids and addresses; as `same_text`, but as written."""
    return " ".join(_ADDRESS.sub(" ", _without_readings(title)).split())


def _without_readings(title: str) -> str:
    text = " ".join(_VOLATILE.sub(" ", without_emoji(title)).split())
    return _READING.sub(" ", _VALUE.sub(r"\1 ", text))


def holds_reading(name: str) -> bool:
    """Whether a value that was measured stands in it; a threshold (`> 2s`, `above 5%`) is none."""
    return _MEASURED.search(name) is not None


def make_key(view: View, tool: str, *parts: str | None) -> str:
    """`tool|sender|part|…`; missing parts leave their place empty, so that keys cannot shift."""
    return _bounded("|".join([tool, view.sender, *((part or "").strip() for part in parts)]))


def _bounded(key: str) -> str:
    """At most `MAX_KEY` characters, and still another one for another key: long names differ at their end."""
    if len(key) <= MAX_KEY:
        return key
    rest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{key[: MAX_KEY - len(rest) - 1]}#{rest}"

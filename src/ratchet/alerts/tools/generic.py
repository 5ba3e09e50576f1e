"""Any other tool, and people's own scripts: brackets, prefixes and colours that every tool has in common."""

from __future__ import annotations

import re
from dataclasses import replace

from ratchet.alerts.judgement import by_colour
from ratchet.alerts.keys import link_key, make_key, same_text
from ratchet.alerts.labels import Labels, first, named_labels, service_of
from ratchet.alerts.view import View
from ratchet.alerts.words import CLOSE_EMOJI, OPEN_EMOJI, STATUS, duration_s, from_first_word, without_emoji
from ratchet.domain.incidents import Action, IncidentAction

_WORDS = "|".join(sorted((re.escape(word) for word in STATUS), key=len, reverse=True))
_BRACKET = re.compile(
    rf"^(?:\[(?:P[1-5]|[\w.-]{{2,20}})\]\s*)??[\[(]\s*(?:[\w.-]{{1,20}}[ |:/-]\s?)?"
    rf"({_WORDS})(?:[ :|#-]\s?[\w.%]{{1,20}})?\s*[\])]\s*[:|–-]?\s*(?P<rest>.+)?",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    rf"^(?:\[[\w./-]{{2,30}}\]\s*)?(?:(?:monitor|alert|incident|alarm|issue|check|status)\s+)?"
    rf"({_WORDS})(?:\s+alert|\s+incident|\s+alarm)?\s*(?::|\s[-–—|]+\s|\s!+\s)\s*(?P<rest>.+)",
    re.IGNORECASE,
)
_HAPPENED = re.compile(
    r"^(?:prometheus\s)?(?:(?:alert|alarm|incident|rule)\s)?"
    r"(?P<subject>(?:[\w'\"“”.:/()#%-]+\s){0,12}?(?!not\b)[\w'\"“”.:/()#%-]+)"
    r"\s(?:has\s(?:been\s)?|was\s|is\snow\s|is\s)?"
    r"(?P<state>triggered|firing|resolved|recovered|cleared|acknowledged|silenced|back to normal|in alarm"
    r"|fired)\b"
    r"(?:\s(?:for|on|in)\s(?P<where>[\w./-]+))?\W*$",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"^(?:an?\s)?(?:incident|alert|alarm)\s(?:has been\s|was\s)?"
    r"(?P<state>triggered|opened|resolved|closed|acknowledged)(?P<subject>)(?P<where>)\W*$",
    re.IGNORECASE,
)
_TOOK = re.compile(
    r"\b(?:duration|lasted|down for|resolved (?:in|after))\W{1,3}((?:\d+(?:\.\d+)?\s?[a-z]+\s?)+)",
    re.IGNORECASE,
)
# `checkout | Error rate above 5%`
_COLUMNS = re.compile(r"^(?P<service>[\w./-]{2,60})\s\|\s(?P<alert>\S.*\s.*\S)$")
# Too common in a bot's ordinary posts to open or close without a colour or a red or green sign beside them.
_WEAK = frozenset(
    [
        "new",
        "open",
        "opened",
        "up",
        "ok",
        "good",
        "update",
        "updated",
        "custom",
        "test",
        "testing",
        "fixed",
        "close",
        "closed",
        "error",
        "warning",
        "failed",
        "failure",
        "failing",
        "alert",
        "warn",
        "pending",
        "online",
        "offline",
        "passing",
        "clear",
        "down",
        "problem",
        "monitoring",
        "identified",
        "paused",
    ]
)
_FAULT = re.compile(
    r"\balert|\bincident|\bdown\b|\berrors?\b|fail|threshold|exceed|above|below|breach|firing|unavailab|unhealthy|outage"
    r"|latenc|trigger|fired|\bactive|violat|anomal|alarm|timeout|\bhigh\b|critical|crash|degraded|unreachable|restart",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\bresolved\b|\brecover(?:ed|y)\b|\bback (?:up|to normal|online)\b|\bhealthy\b|\bcleared\b|\brestored\b",
    re.IGNORECASE,
)
# These bots report people's work; what they call closed or critical is a ticket.
_TRACKERS = re.compile(
    r"\b(?:jira|linear|asana|trello|github|gitlab|bitbucket|zendesk|intercom|notion|confluence|shortcut|clickup"
    r"|calendar|polly|poll|standup|geekbot|donut|rss|twitter|giphy|zoom|figma|miro)\b"
)
_OTHER_FOOTER = re.compile(
    r"powered by|https?:|\bv?\d+\.\d+|grafana|prometheus|alertmanager|slack|\bvia\b", re.IGNORECASE
)


def parse(view: View) -> IncidentAction | None:
    """A status word that a line begins with; then a whole sentence; then colour with words beside it."""
    if not view.headlines:
        return None
    if _TRACKERS.search(view.name):
        return IncidentAction(Action.NONE, tool="generic", confidence=0.5, rule="generic tracker")
    answers = [found for line in view.headlines if (found := _line(view, line))]
    firing = [one for one in answers if one.action is Action.OPEN]
    answer = next(iter(firing or answers), None) or _coloured(view)
    if answer and answer.action is Action.OPEN and view.is_reply and not view.attachments:
        return None
    return answer


def _line(view: View, line: str) -> IncidentAction | None:
    words = from_first_word(line)
    if found := _BRACKET.match(words):
        return _stated(view, found[1], found["rest"] or "", line, ("bracket", 0.8))
    if found := _PREFIX.match(words):
        return _stated(view, found[1], found["rest"], line, ("prefix", 0.65))
    if found := _WHOLE.match(words) or _HAPPENED.match(words):
        answer = _stated(view, found["state"], found["subject"] or line, line, ("sentence", 0.55))
        where = found["where"]
        return replace(answer, service=where) if answer and where and not answer.service else answer
    return None


def _stated(view: View, word: str, rest: str, line: str, rule: tuple[str, float]) -> IncidentAction | None:
    status = word.lower()
    action = {"back to normal": Action.CLOSE, "in alarm": Action.OPEN, "fired": Action.OPEN}.get(
        status
    ) or STATUS[status]
    sign = _sign(view, line)
    if sign in {Action.OPEN, Action.CLOSE} and status in {"alert", "problem", "status"}:
        action = sign
    if status in _WEAK and not _supported(view, action, sign, rule[0]):
        return None
    labels = named_labels(view)
    title = _title(rest, line)
    column = _COLUMNS.match(title)
    return IncidentAction(
        action,
        alert=_alert(labels, column["alert"] if column else title),
        service=service_of(labels) or (column["service"] if column else _footer_service(view)),
        severity=_severity(labels, status, action),
        pair_key=link_key(view)
        or make_key(view, "generic", same_text(title), first(labels, "host", "instance")),
        stated_duration_s=_took(view) if action is Action.CLOSE else None,
        tool=_tool(view),
        confidence=rule[1],
        rule=f"generic {rule[0]} {status}",
    )


def _sign(view: View, line: str) -> Action | None:
    """What colour, or an emoji in front, says."""
    coloured = by_colour(view.colour)
    if coloured:
        return coloured
    front = f"{line[:24]} {view.raw[:24]}"
    if CLOSE_EMOJI.search(front):
        return Action.CLOSE
    return Action.OPEN if OPEN_EMOJI.search(front) else None


def _supported(view: View, action: Action, sign: Action | None, rule: str) -> bool:
    if action is Action.NONE:
        return True
    if sign is not None:
        return sign is action
    return rule == "bracket" or view.colour == "daa038" or _known(view)


def _known(view: View) -> bool:
    return link_key(view) is not None or any(
        word in view.name for word in ("alert", "monitor", "prometheus", "status")
    )


def _title(rest: str, line: str) -> str:
    title = re.sub(r"\s\(?https?://\S+\)?$", "", without_emoji(from_first_word(rest))).strip(' :|–-*_`"“”')
    return title or without_emoji(line)


def _alert(labels: Labels, title: str) -> str:
    named = first(labels, "alertname", "alert_name", "rulename")
    if named:
        return named
    return re.sub(r"^(?:\[[^\]]{1,30}\]\s*)+", "", title) or title


def _severity(labels: Labels, status: str, action: Action) -> str | None:
    stated = first(labels, "severity", "priority", "level", "urgency")
    if stated or action is not Action.OPEN:
        return stated
    return (
        status
        if status in {"critical", "crit", "warning", "warn", "error", "fatal", "emergency", "disaster"}
        else None
    )


def _took(view: View) -> float | None:
    found = _TOOK.search(view.flat)
    return duration_s(found[1].strip()) if found else None


def _footer_service(view: View) -> str | None:
    """A short footer usually says where it comes from: `Checkout - on-call name`."""
    for one in view.attachments:
        footer = one.footer.strip()
        if footer and len(footer) <= 80 and not _OTHER_FOOTER.search(footer):
            return footer.split(" - ")[0].split(" | ")[0].strip() or None
    return None


def _coloured(view: View) -> IncidentAction | None:
    """No status word in front: red with words of a fault opens, green with words of an end closes."""
    line = view.headlines[0]
    text = " ".join(view.headlines[:4])
    sign = _sign(view, line)
    link = link_key(view)
    if (sign is Action.OPEN and (link or _FAULT.search(text))) or (
        sign is Action.CLOSE and (_OVER.search(text) or (link and by_colour(view.colour)))
    ):
        rule = "colour"
    else:
        return None
    labels = named_labels(view)
    title = _title(line, line)
    return IncidentAction(
        sign,
        alert=_alert(labels, title),
        service=service_of(labels) or _footer_service(view),
        severity=first(labels, "severity", "priority", "level", "urgency"),
        pair_key=link or make_key(view, "generic", same_text(title), first(labels, "host", "instance")),
        tool=_tool(view),
        confidence=0.45,
        rule=f"generic {rule}",
    )


def _tool(view: View) -> str:
    return "keep" if "keep" in view.name.split() else "generic"

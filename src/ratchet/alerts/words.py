"""The vocabulary of alerting: severities, priorities, status words, colours, durations, times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from ratchet.domain.incidents import Action, Priority

NO_POLICY: Final[Mapping[str, Priority]] = MappingProxyType({})

# Adjustable: what counts as HIGH. All else is LOW.
HIGH = frozenset(
    [
        "critical",
        "crit",
        "high",
        "page",
        "error",
        "p0",
        "p1",
        "p2",
        "sev0",
        "sev1",
        "sev2",
        "sev-0",
        "sev-1",
        "sev-2",
        "disaster",
        "fatal",
        "emergency",
        "urgent",
        "down",
        "unreachable",
        "alarm",
    ]
)
HEARTBEATS = frozenset({"watchdog", "infoinhibitor", "deadmansswitch", "deadmanswitch"})

# First the words that can hardly be anything else, then those that may be another label's value.
CERTAIN_SEVERITIES = frozenset(
    [
        "critical",
        "crit",
        "warning",
        "warn",
        "page",
        "info",
        "task",
        "emergency",
        "fatal",
        "p0",
        "p1",
        "p2",
        "p3",
        "p4",
        "p5",
        "sev0",
        "sev1",
        "sev2",
        "sev3",
        "sev4",
        "sev5",
        "sev-1",
        "sev-2",
        "sev-3",
        "sev-4",
    ]
)
POSSIBLE_SEVERITIES = frozenset(
    ["none", "error", "high", "medium", "low", "major", "minor", "ticket", "notice", "debug"]
)

OPEN, CLOSE, NONE = Action.OPEN, Action.CLOSE, Action.NONE

STATUS: dict[str, Action] = {
    **dict.fromkeys(
        [
            "firing",
            "alerting",
            "alert",
            "alarm",
            "alarming",
            "triggered",
            "re-triggered",
            "retriggered",
            "problem",
            "critical",
            "crit",
            "warning",
            "warn",
            "error",
            "down",
            "failed",
            "failure",
            "failing",
            "fatal",
            "emergency",
            "disaster",
            "unhealthy",
            "degraded",
            "unreachable",
            "activated",
            "opened",
            "open",
            "breached",
            "breach",
            "outage",
            "investigating",
            "identified",
            "unavailable",
            "offline",
            "new",
        ],
        OPEN,
    ),
    **dict.fromkeys(
        [
            "resolved",
            "resolve",
            "ok",
            "recovered",
            "recovery",
            "up",
            "closed",
            "close",
            "cleared",
            "clear",
            "healthy",
            "normal",
            "restored",
            "passing",
            "good",
            "fixed",
            "online",
        ],
        CLOSE,
    ),
    **dict.fromkeys(
        [
            "acknowledged",
            "acknowledgement",
            "ack",
            "acked",
            "silenced",
            "suppressed",
            "snoozed",
            "muted",
            "maintenance",
            "downtime",
            "downtimestart",
            "downtimeend",
            "downtimecancelled",
            "flapping",
            "flappingstart",
            "flappingstop",
            "flappingdisabled",
            "custom",
            "updated",
            "update",
            "pending",
            "unknown",
            "paused",
            "monitoring",
            "test",
            "testing",
            "reassigned",
            "escalated",
            "assigned",
            "insufficient_data",
            "unacknowledged",
            "unsnoozed",
        ],
        NONE,
    ),
}

RED = frozenset(
    [
        "a30200",
        "d63232",
        "e01e5a",
        "ff0000",
        "dc3545",
        "f4511e",
        "fa4747",
        "d92534",
        "d00000",
        "dd0000",
        "ff5566",
        "cc0000",
    ]
)
GREEN = frozenset(
    [
        "2eb886",
        "36a64f",
        "44bb77",
        "4dc771",
        "009900",
        "28a745",
        "00ff00",
        "6cc644",
        "43b581",
        "5cdd8b",
        "2eb67d",
    ]
)

OPEN_EMOJI = re.compile(
    r"🚨|🔥|🔴|❌|💥|:rotating_light:|:fire:|:red_circle:|:x:|:no_entry(?:_sign)?:|:boom:|:alert:|:siren:"
)
CLOSE_EMOJI = re.compile(
    r"✅|🟢|✔|👍|:white_check_mark:|:heavy_check_mark:|:large_green_circle:|:green_circle:|:lgtm:|:thumbsup:|:\+1:"
)
# A ten, a colon and a name is an emoji; `10:30:15` is a time.
_EMOJI = re.compile(r":[a-z_+][\w+'-]*:|[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f\u200d]+")

_FRONT = re.compile(
    r"^(?:@(?:here|channel|everyone)\b|<[@!][^<>]{1,60}>|:[a-z_+][\w+'-]{0,60}:|[^\w\[(\"'“])*"
)

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "y": 31536000,
    "M": 2592000,
}
_DURATION = re.compile(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*(ns|us|µs|μs|ms|[smhdwyM])(?![a-zA-Z])\s*")
_SPELT = re.compile(r"\s*(\d{1,9})\s*(second|minute|hour|day|week)s?,?\s*(?:and\s+)?")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s*(Z|UTC|[+-]\d\d:?\d\d)?(?:\s+UTC)?",
)


def priority_of(severity: str | None, policy: Mapping[str, Priority] = NO_POLICY) -> Priority:
    """As `policy` says of the severity (lower case), else HIGH for the words of `HIGH`, LOW for the rest."""
    if severity is not None and severity in policy:
        return policy[severity]
    return "HIGH" if severity is not None and severity.replace(" ", "") in HIGH else "LOW"


def severity_word(text: str | None) -> str | None:
    """The tool's own word, lower case, emoji and mark-up taken off; None when it is empty."""
    if not text:
        return None
    return without_emoji(text).strip(" *_`\"'.,:;()[]").lower()[:40] or None


def from_first_word(text: str) -> str:
    """Without the mentions, emoji and signs in front; an opening bracket or quote stays."""
    return _FRONT.sub("", text, count=1)


def without_emoji(text: str) -> str:
    return " ".join(_EMOJI.sub(" ", text).split())


def duration_s(text: str) -> float | None:
    """Seconds of `12m5.511s`, `1d 2h 3m`, `90 seconds`; None when it is not wholly a duration."""
    for pattern, unit in ((_DURATION, _UNITS.__getitem__), (_SPELT, lambda word: _UNITS[word[0]])):
        total, at = 0.0, 0
        while found := pattern.match(text, at):
            total, at = total + float(found[1]) * unit(found[2]), found.end()
        if at and at == len(text):
            return total
    return None


def timestamp(text: str) -> datetime | None:
    """The first ISO-like time in the text, UTC when it names no zone; None when there is none."""
    found = _ISO.search(text)
    if not found:
        return None
    zone = (found[3] or "Z").replace("UTC", "Z")
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{zone.replace('Z', '+00:00')}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch(seconds: str) -> datetime | None:
    """A Unix time in digits; None when it is no plausible one."""
    return datetime.fromtimestamp(int(seconds), UTC) if 9 <= len(seconds) <= 10 else None

"""How a channel is to be set, in the words people use. Pure.

One table. What is not in it, word for word, is a question like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ratchet.domain.channels import Changes
from ratchet.domain.messages import ChannelMode
from ratchet.domain.schedules import CHANNEL_REPORT, GAP_LIST

MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """How it is to behave in a channel. `mode` None and what `changes` does not name: as it is."""

    mode: ChannelMode | None = None
    changes: Changes = field(default_factory=dict)
    # A kind of `domain.schedules` and its cron; without one it is to end.
    schedule: tuple[str, str | None] | None = None


_HERE: Final = r"(?: here| in here| in this channel)?"
_BY_ITSELF: Final = r"(?:on your own|by yourself|unasked|without being (?:asked|mentioned))"
_WHEN_ASKED: Final = (
    r"(?:when|if) (?:(?:you are |you're )?(?:mentioned|asked)"
    r"|(?:i|we|someone|somebody|people) (?:mentions?|asks?) you)"
)
_STOP: Final = r"(?:stop posting|do not post|don['’]t post|post no(?: more)?)"
_ANY_MORE: Final = r"(?: any ?more)?"
_START: Final = r"(?:start posting|post)"
_AGAIN: Final = r"(?: again)?"

_NO_ANSWER: Final = r"(?:when|if) you (?:have|know|find) no answer"
_BELONG: Final = r"belong (?:in|into) the (?:docs|documents|documentation)"

# What is said -> what it means. A group `channel` is the id of the channel that is named; `group` or `handle`
# are the owners.
PHRASES: Final[tuple[tuple[str, Wish], ...]] = (
    (rf"only (?:answer|reply|respond|speak){_HERE} {_WHEN_ASKED}", Wish("mention")),
    (rf"(?:answer|reply|respond|speak) only{_HERE} {_WHEN_ASKED}", Wish("mention")),
    (rf"(?:answer|reply to) questions{_HERE} {_BY_ITSELF}", Wish("auto")),
    (
        rf"(?:show|send|post) (?:me |us )?drafts(?: of your answers)?{_HERE} (?:to|in) "
        r"<#(?P<channel>[CG][A-Z0-9]{1,40})(?:\|[^>\n]{0,80})?>",
        Wish("draft"),
    ),
    (rf"(?:turn|switch) yourself off{_HERE}", Wish("off")),
    (rf"{_STOP} runbooks{_HERE}{_ANY_MORE}", Wish(changes={"runbooks": False})),
    (rf"{_START} runbooks{_HERE}{_AGAIN}", Wish(changes={"runbooks": True})),
    (rf"{_STOP} notes under repeated alerts{_HERE}{_ANY_MORE}", Wish(changes={"repeats": False})),
    (rf"{_START} notes under repeated alerts{_HERE}{_AGAIN}", Wish(changes={"repeats": True})),
    (rf"{_STOP} summaries of storms{_HERE}{_ANY_MORE}", Wish(changes={"storms": False})),
    (rf"{_START} summaries of storms{_HERE}{_AGAIN}", Wish(changes={"storms": True})),
    (
        rf"(?:take|answer) follow-?ups{_HERE} without (?:a |being )?mention(?:ed)?",
        Wish(changes={"follow_ups": True}),
    ),
    (rf"(?:take|answer) follow-?ups{_HERE} only {_WHEN_ASKED}", Wish(changes={"follow_ups": False})),
    (
        r"offer to (?:call|ask|ping) (?:<!subteam\^(?P<group>S[A-Z0-9]{1,40})(?:\|[^>\n]{0,80})?>"
        rf"|(?P<handle>@[a-z0-9][a-z0-9._-]{{0,79}})){_HERE} {_NO_ANSWER}",
        Wish(changes={"owner_group": "@owners"}),
    ),
    (
        rf"(?:do not|don['’]t|stop offering to) (?:call|ask|ping) anybody{_HERE}(?: {_NO_ANSWER})?",
        Wish(changes={"owner_group": None}),
    ),
    (rf"ask{_HERE} (?:whether|if) answers {_BELONG}", Wish(changes={"suggest_docs": True})),
    (
        rf"(?:stop asking|do not ask|don['’]t ask){_HERE} (?:whether|if) answers {_BELONG}",
        Wish(changes={"suggest_docs": False}),
    ),
)
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_REPORT: Final = r"(?:this|that|the|a)(?: weekly| daily| channel)? report"
_GAPS: Final = (
    r"(?:this|that|the|a)(?: weekly| daily)? "
    r"(?:gap list|list of (?:gaps|what (?:the|our) (?:docs|documents|documentation) lacks?))"
)
_SEND: Final = re.compile(
    rf"(?:send|post)(?: me| us)? (?:{_REPORT}|(?P<gaps>{_GAPS})){_HERE} "
    r"(?:(?P<often>weekly|daily)|(?:every|each|on) "
    rf"(?P<day>day|weekday|working day|{'|'.join(_DAYS)})s?)"
    r"(?: at (?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-5][0-9]))? ?(?P<half>am|pm|o['’]clock|h)?)?",
    re.IGNORECASE,
)
_SEND_NO_MORE: Final = re.compile(
    rf"(?:stop (?:sending|posting)|do not (?:send|post)|don['’]t (?:send|post))(?: me| us)?"
    rf" (?:{_REPORT}|(?:these |the )?reports|(?P<gaps>{_GAPS})){_HERE}{_ANY_MORE}",
    re.IGNORECASE,
)
_COMPILED: Final = tuple((re.compile(phrase, re.IGNORECASE), wish) for phrase, wish in PHRASES)
_FRAME: Final = re.compile(
    r"(?:please,? )?(?:(?:in this channel|in here|here|from now on),? ){0,2}(?:please,? )?(?P<said>.{3,200}?)"
    r"(?:,? (?:in this channel|in here|here|from now on)){0,2}(?:,? please)?[.!]{0,3}",
    re.IGNORECASE,
)


def wish(asked: str) -> Wish | None:
    """What is wished, by the whole of what was said to Ratchet; None for anything else."""
    frame = _FRAME.fullmatch(" ".join(asked.split())) if len(asked) <= MAX_CHARS else None
    if frame is None or "\n" in asked:
        return None
    if (scheduled := _scheduled(frame["said"])) is not None:
        return scheduled
    for phrase, meant in _COMPILED:
        if found := phrase.fullmatch(frame["said"]):
            named = found.groupdict()
            if channel := named.get("channel"):
                return Wish(meant.mode, {"review_channel": channel})
            owners = named.get("group") or (named.get("handle") or "").lower()
            return Wish(meant.mode, {"owner_group": owners}) if owners else meant
    return None


def _scheduled(said: str) -> Wish | None:
    """«send this report every Monday at 9», «stop sending the report», «post the gap list weekly»."""
    if ended := _SEND_NO_MORE.fullmatch(said):
        return Wish(schedule=(_kind(ended), None))
    found = _SEND.fullmatch(said)
    hour = _hour(found) if found else None
    if found is None or hour is None:
        return None
    day = (found["day"] or found["often"]).lower()
    days = {"day": "*", "daily": "*", "weekly": "1", "weekday": "1-5", "working day": "1-5"}
    return Wish(
        schedule=(
            _kind(found),
            f"{int(found['minute'] or 0)} {hour} * * {days.get(day) or _DAYS.index(day)}",
        )
    )


def _kind(found: re.Match[str]) -> str:
    return GAP_LIST if found["gaps"] else CHANNEL_REPORT


def _hour(found: re.Match[str]) -> int | None:
    """0 to 23; nine o'clock where none is said; None for one that no clock shows."""
    hour, half = int(found["hour"] or 9), (found["half"] or "").lower()
    if half in ("am", "pm"):
        return hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else None
    return hour if hour < 24 else None

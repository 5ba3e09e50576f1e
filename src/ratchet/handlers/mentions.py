"""When a message is addressed to Ratchet, and what it then asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from ratchet.domain.channels import span
from ratchet.handlers.base import Trigger
from ratchet.handlers.wishes import Wish, wish

_RUNBOOK: Final = re.compile(
    r"(?:show |give me )?(?:the )?runbook(?: for| of)? "
    r"`?(?:(?P<service>[\w.:-]{1,200})/)?(?P<alert>[\w.:-]{1,200})`?[.?!]?",
    re.IGNORECASE,
)
_NAMED: Final = r"`?(?:(?P<service>[\w.:-]{1,200})/)?(?P<alert>[\w.:-]{0,199}\w)`?"
_CORRECT: Final = re.compile(
    rf"the (?:new |right |real )?fix(?: (?:for|of) {_NAMED})? is(?: now)?[:,]?\s+(?P<words>\S.{{2,4000}})",
    re.IGNORECASE | re.DOTALL,
)
# «The runbook for X is wrong, use … instead.»
_WRONG: Final = re.compile(
    rf"(?:the|this|that|your) runbook(?: (?:for|of) {_NAMED})? is (?:wrong|old|outdated|out of date)"
    r"[,.;:!]?\s+(?:please,? )?(?:instead,? )?(?:it is|it's|do|run|use|say)[:,]?\s+(?P<words>\S.{2,4000}?)"
    r"(?:\s+instead)?(?:,? please)?[.!]{0,3}",
    re.IGNORECASE | re.DOTALL,
)
_PIN: Final = re.compile(
    rf"(?:please,? )?(?P<verb>pin|unpin) (?:this |the )?runbook(?: (?:for|of) {_NAMED})?"
    r"(?:,? please)?[.!]{0,3}",
    re.IGNORECASE,
)
_STOP: Final = re.compile(r"(?:please,? )?stop(?: it| that| now|,? please)?[.!]{0,3}", re.IGNORECASE)
_HELP: Final = re.compile(
    r"(?:(?:please )?help(?: me| us)?(?:,? please)?|what can you do(?: here| for (?:me|us))?|commands)?"
    r"[.!?]{0,3}",
    re.IGNORECASE,
)
_QUIET: Final = re.compile(
    r"(?:please,? )?(?:(?:be|keep|stay|go) )?quiet(?: for (?P<span>[a-z0-9 ]{1,20}?))?"
    r"(?:,? please)?[.!]{0,3}",
    re.IGNORECASE,
)
_SPEAK: Final = re.compile(
    r"(?:please,? )?(?:you (?:can|may) )?(?:speak|talk) again(?:,? please)?[.!]{0,3}", re.IGNORECASE
)
QUIET_UNLESS_SAID: Final = timedelta(hours=24)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def addressed(trigger: Trigger) -> bool:
    """Whether a person asks Ratchet something it may answer.

    In a direct message every message does. Elsewhere it takes a mention outside code; an edit counts only
    when it adds the mention.
    """
    if trigger.message.sender.kind != "person" or not _may_speak(trigger):
        return False
    if trigger.channel.kind == "im":
        return not trigger.edited
    if not mentions(trigger.message.text, trigger.me_user_id):
        return False
    if not trigger.edited:
        return True
    return trigger.previous_text is not None and not mentions(trigger.previous_text, trigger.me_user_id)


def mentions(text: str, user_id: str) -> bool:
    """Whether the user is mentioned outside code."""
    return _mention(user_id).search(_CODE.sub(" ", text)) is not None


def question(text: str, user_id: str) -> str:
    """What is asked: the text without the mentions of the user."""
    return re.sub(r"[ \t]{2,}", " ", _mention(user_id).sub(" ", text)).strip(" \t\r\n,:;–-")


def asked_runbook(text: str, user_id: str) -> tuple[str | None, str] | None:
    """`(service, alert)` of «runbook for checkout/HighErrorRate», «runbook HighErrorRate»; else None."""
    found = _RUNBOOK.fullmatch(question(text, user_id))
    return (found["service"], found["alert"]) if found else None


def asked_quiet(text: str, user_id: str) -> timedelta | None:
    """How long to be quiet, by «quiet for 2h», «be quiet»; zero for «speak again»; else None."""
    asked = question(text, user_id)
    if _SPEAK.fullmatch(asked):
        return timedelta()
    found = _QUIET.fullmatch(asked)
    if found is None:
        return None
    return span(found["span"]) if found["span"] else QUIET_UNLESS_SAID


@dataclass(frozen=True, slots=True)
class RunbookChange:
    """What somebody wants of a runbook. Without an alert: that of the alert in whose thread it was said."""

    kind: Literal["correct", "pin", "unpin"]
    service: str | None
    alert: str | None
    words: str = ""


def asked_change(text: str, user_id: str) -> RunbookChange | None:
    """«the fix is now …», «the runbook for checkout/X is wrong, use …», «pin the runbook»; else None."""
    asked = question(text, user_id)
    if found := _CORRECT.fullmatch(asked) or _WRONG.fullmatch(asked):
        return RunbookChange("correct", found["service"], found["alert"], found["words"].strip())
    if found := _PIN.fullmatch(asked):
        kind: Literal["pin", "unpin"] = "pin" if found["verb"].lower() == "pin" else "unpin"
        return RunbookChange(kind, found["service"], found["alert"])
    return None


def asked_stop(text: str, user_id: str) -> bool | None:
    """True for «stop»: an answer that is being worked on is no longer wanted; else None."""
    return True if _STOP.fullmatch(question(text, user_id)) else None


def asked_help(text: str, user_id: str) -> bool | None:
    """True for «help», «what can you do?» and a mention without a word; else None."""
    return True if _HELP.fullmatch(question(text, user_id)) else None


def asked_wish(text: str, user_id: str) -> Wish | None:
    """«only answer when mentioned» and the other phrases of `wishes`; else None."""
    return wish(question(text, user_id))


# Each has a handler of its own: one line here keeps the assistant from answering too.
REQUESTS: Final[tuple[Callable[[str, str], object | None], ...]] = (
    asked_runbook,
    asked_quiet,
    asked_change,
    asked_stop,
    asked_help,
    asked_wish,
)


def is_request(text: str, user_id: str) -> bool:
    """Whether another handler than the assistant answers it."""
    return any(asked(text, user_id) is not None for asked in REQUESTS)


def _may_speak(trigger: Trigger) -> bool:
    return trigger.channel.speaks and not trigger.channel.archived


def _mention(user_id: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(user_id)}(?:\|[^>]{{0,80}})?>")

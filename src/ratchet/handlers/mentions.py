"""When a message is addressed to Ratchet, and what it then asks. Pure."""

from __future__ import annotations

import re
from typing import Final

from ratchet.handlers.base import Trigger

_RUNBOOK: Final = re.compile(
    r"(?:show |give me )?(?:the )?runbook(?: for| of)? "
    r"`?(?:(?P<service>[\w.:-]{1,200})/)?(?P<alert>[\w.:-]{1,200})`?[.?!]?",
    re.IGNORECASE,
)
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


def _may_speak(trigger: Trigger) -> bool:
    channel = trigger.channel
    return channel.mode != "off" and not channel.external and not channel.archived


def _mention(user_id: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(user_id)}(?:\|[^>]{{0,80}})?>")

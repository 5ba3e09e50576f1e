"""The question that is answered, and those put to Ratchet before: they answer nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ratchet.domain.messages import Message

_GREETING: Final = r"(?:(?:hi|hey|hello|ok|okay|thanks|and|so)[\s,:!.–-]{0,4})?"
_LINK: Final = re.compile(r"[a-z]{2,20}://", re.IGNORECASE)
# Who tells Ratchet something writes a statement: that is worth finding.
_ASKS: Final = re.compile(
    r"(?:please,? |can you |could you )?"
    r"(?:what|why|how|who|where|when|which|is|are|was|were|do|does|did|has|have|can|could|should|any|anyone|show"
    r"|give|tell|find|list|look|search|explain|summari[sz]e|help|stop|(?:the )?(?:report|runbook))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """The message that is answered. `me`: Ratchet's user id."""

    message: Message
    me: str

    def others(self, found: Iterable[Message]) -> list[Message]:
        """What was found, without the question itself and without what only asks Ratchet something."""
        return [one for one in found if one.ref != self.message.ref and not only_asks(one, self.me)]

    def beside(self, message: Message) -> bool:
        """Whether it stands in the thread of the question."""
        here = self.message
        return (message.channel_id, message.thread_ts) == (here.channel_id, here.thread_ts)


def only_asks(message: Message, me: str) -> bool:
    """Whether a person asks Ratchet in it, and says nothing else: no command, no address, no statement.

    In a direct message no mention is needed.
    """
    if message.sender.kind != "person" or "`" in message.text or _LINK.search(message.text):
        return False
    mention = rf"<@{re.escape(me)}(?:\|[^>]{{0,80}})?>"
    begins = re.match(rf"\s*{_GREETING}{mention}[\s,:–-]*", message.text, re.IGNORECASE)
    ends = re.search(rf"{mention}[\s?!.]*\Z", message.text)
    if not begins and not ends and not message.channel_id.startswith("D"):
        return False
    asked = message.text[begins.end() if begins else 0 : ends.start() if ends else None].strip()
    return not asked or asked.endswith("?") or _ASKS.match(asked) is not None

"""Messages, as every room sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from ratchet.domain.channels import Manners

SenderKind = Literal["person", "bot", "self", "system"]
ChannelKind = Literal["public", "private", "im", "mpim"]
ChannelMode = Literal["off", "mention", "draft", "auto"]
Rating = Literal["up", "down", "all"]


def posted_at(ts: str) -> datetime:
    """The time of a Slack ts (`seconds.micros` since the UTC epoch)."""
    seconds, _, micros = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micros[:6].ljust(6, "0") or 0))


@dataclass(frozen=True, slots=True, order=True)
class MessageRef:
    """What Slack knows a message by."""

    channel_id: str
    ts: str

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.ts}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote a message. `id` is the user id (U…), else the bot id (B…); "" when Slack names nobody.

    `self` is Ratchet; `system` is Slack itself (joins, topics).
    """

    kind: SenderKind
    id: str
    name: str = ""
    bot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message in one version.

    `parent_ts` is None for a message that is not a reply (a thread's root included).
    `version` is the event ts of the event that gave it this form: greater is newer.
    `text` is flattened (blocks, attachments, files), in one string that people and models can read.
    `payload` is Slack's message object as received.
    `reactions` maps a reaction's name to the users who gave it, in order.
    """

    channel_id: str
    ts: str
    sender: Sender
    text: str
    version: str
    parent_ts: str | None = None
    subtype: str | None = None
    edited: bool = False
    payload: Mapping[str, Any] = field(default_factory=dict)
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)

    @property
    def thread_ts(self) -> str:
        """The ts of the thread's root: the parent's, or its own."""
        return self.parent_ts or self.ts

    @property
    def posted_at(self) -> datetime:
        return posted_at(self.ts)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as recorded. `last_seen_ts` is the newest ts known to be stored without a gap before it."""

    id: str
    name: str
    kind: ChannelKind = "public"
    mode: ChannelMode = "mention"
    member: bool = True
    archived: bool = False
    external: bool = False
    last_seen_ts: str | None = None
    manners: Manners = field(default_factory=Manners)

    @property
    def speaks(self) -> bool:
        """Whether Ratchet says anything here, to somebody who asks included."""
        return self.mode != "off" and (not self.external or self.manners.external_allowed)

    @property
    def when_asked(self) -> Channel:
        """As it is to an operator who asks: nothing is held back for the sake of quiet, or for a review."""
        manners = Manners(external_allowed=self.manners.external_allowed)
        return replace(self, mode="off" if self.mode == "off" else "mention", manners=manners)

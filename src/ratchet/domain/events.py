"""What Slack tells us, as values. `slack.parse` makes them; `pipeline.intake` records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ratchet.domain.messages import ChannelKind, Sender


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """A message in the form Slack gives it, new or (`change`) edited.

    `version` is the event's own ts. `payload` is the message object, without the envelope. `external`: the
    channel is shared with another organisation. `read_at` is the ts at which Slack was asked, for a message
    from its history: Slack does not always say that a message was edited, and never when.
    """

    channel_id: str
    channel_kind: ChannelKind
    ts: str
    version: str
    sender: Sender
    payload: Mapping[str, Any]
    parent_ts: str | None = None
    subtype: str | None = None
    change: bool = False
    external: bool = False
    read_at: str | None = None


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    channel_id: str
    ts: str
    version: str


@dataclass(frozen=True, slots=True)
class ReactionChanged:
    channel_id: str
    ts: str
    user_id: str
    reaction: str
    added: bool
    version: str


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """Rename, archive, unarchive, delete, or an external share. None means: unchanged."""

    channel_id: str
    name: str | None = None
    archived: bool | None = None
    external: bool | None = None


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """Someone joined or left, at the ts `at`. `is_self`: it is Ratchet, which starts or ends recording."""

    channel_id: str
    user_id: str
    joined: bool
    is_self: bool
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A person clicked a button or used a shortcut. `action_id` and `value` as rendered by us."""

    kind: Literal["block_actions", "message_action", "shortcut", "view_submission"]
    user_id: str
    action_id: str
    value: str
    channel_id: str | None
    message_ts: str | None
    thread_ts: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """A person opened Ratchet's direct messages. `thread_ts`: Slack began a conversation with it."""

    channel_id: str
    user_id: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class SessionStopped:
    """A person pressed Slack's own stop button under a thread in which Ratchet works, at the ts `at`."""

    channel_id: str
    thread_ts: str
    user_id: str
    at: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Deliberately not recorded, or not understood; `reason` is a static label for the metric."""

    reason: str


SlackEvent = (
    MessagePosted
    | MessageDeleted
    | ReactionChanged
    | ChannelChanged
    | MembershipChanged
    | Interaction
    | ConversationOpened
    | SessionStopped
    | Ignored
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One Socket Mode delivery. `event_id` is None for interactions."""

    id: str
    event_id: str | None
    event: SlackEvent
    retry_attempt: int = 0

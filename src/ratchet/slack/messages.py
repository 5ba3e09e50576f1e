"""A Slack message object -> `MessagePosted`. Pure; obeys https://docs.slack.dev/reference/events/message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ratchet.domain.events import Ignored, MessagePosted
from ratchet.domain.messages import ChannelKind, Sender
from ratchet.slack.clean import Malformed
from ratchet.slack.identity import Identity

Json = Mapping[str, Any]

# Longer than any of Slack, and short enough for an index.
MAX_ID: Final = 128

HOUSEKEEPING: Final = frozenset(
    {
        "bot_add", "bot_disable", "bot_enable", "bot_remove",
        "channel_archive", "channel_canvas_updated", "channel_convert_to_private",
        "channel_convert_to_public", "channel_join", "channel_leave", "channel_name",
        "channel_posting_permissions", "channel_purpose", "channel_topic", "channel_unarchive",
        "ekm_access_denied",
        "group_archive", "group_join", "group_leave", "group_name", "group_purpose", "group_topic",
        "group_unarchive",
        "huddle_thread", "joiner_notification", "joiner_notification_for_inviter",
        "pinned_item", "reminder_add", "reminder_delete", "sh_room_created", "sh_room_shared",
        "tabbed_canvas_updated", "unpinned_item",
    }
)  # fmt: skip
CONVERSATION: Final = frozenset(
    {"bot_message", "thread_broadcast", "file_share", "me_message", "file_comment", "tombstone"}
)

_TS: Final = re.compile(r"[0-9]{10}\.[0-9]{6}")
_KIND_OF_TYPE: Final[Mapping[str, ChannelKind]] = {
    "channel": "public",
    "group": "private",
    "im": "im",
    "mpim": "mpim",
    "app_home": "im",
}
_KIND_OF_PREFIX: Final[Mapping[str, ChannelKind]] = {"D": "im", "G": "private"}
_SLACKBOT: Final = "USLACKBOT"


def text_at(values: Json, key: str) -> str:
    """The string under `key`, "" when there is none or it is of another type."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def json_at(values: Json, key: str) -> Json:
    """The object under `key`, empty when there is none or it is of another type."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def ts_or_none(values: Json, *keys: str) -> str | None:
    """The first Slack ts (`seconds.micros`) under `keys`."""
    for key in keys:
        if _TS.fullmatch(text_at(values, key)):
            return text_at(values, key)
    return None


def ts_at(values: Json, *keys: str) -> str:
    """As `ts_or_none`. Raises `Malformed` when there is none."""
    ts = ts_or_none(values, *keys)
    if ts is None:
        raise Malformed("malformed ts")
    return ts


def kind_of_channel(channel_id: str, channel_type: str) -> ChannelKind:
    """By Slack's `channel_type`, else by what the id's first letter says."""
    return _KIND_OF_TYPE.get(channel_type) or _KIND_OF_PREFIX.get(channel_id[:1], "private")


def why_not_recorded(message: Json) -> str | None:
    """The reason to leave a message out, None to record it. A subtype unknown to us counts by its content."""
    subtype = text_at(message, "subtype")
    if subtype in HOUSEKEEPING:
        return "housekeeping"
    if message.get("is_ephemeral") is True or (message.get("hidden") is True and subtype != "tombstone"):
        return "hidden"
    if not subtype or subtype in CONVERSATION:
        return None
    has_content = any(message.get(key) for key in ("text", "attachments", "blocks", "files"))
    return None if has_content else "unknown message subtype"


def message_posted(
    where: tuple[str, ChannelKind], message: Json, version: str, me: Identity, *, change: bool = False
) -> MessagePosted | Ignored:
    """A cleaned message object in channel `where` (id, kind). Raises `Malformed`."""
    reason = why_not_recorded(message)
    if reason is not None:
        return Ignored(reason)
    ts = ts_at(message, "ts")
    return MessagePosted(
        channel_id=where[0],
        channel_kind=where[1],
        ts=ts,
        version=version,
        sender=sender_of(message, me),
        payload=message,
        parent_ts=_parent_ts(message, ts),
        subtype=text_at(message, "subtype") or None,
        change=change,
    )


def _parent_ts(message: Json, ts: str) -> str | None:
    thread_ts = ts_or_none(message, "thread_ts")
    return thread_ts if thread_ts != ts else None


def sender_of(message: Json, me: Identity) -> Sender:
    """Who wrote it. An `app_id` beside a `user` and without a bot means: a person, by way of an app."""
    profile = json_at(message, "bot_profile")
    bot_id = (text_at(message, "bot_id") or text_at(profile, "id"))[:MAX_ID]
    user = (text_at(message, "user") or text_at(json_at(message, "comment"), "user"))[:MAX_ID]
    app_id = text_at(message, "app_id") or text_at(profile, "app_id")
    by_app = bool(bot_id or profile or text_at(message, "subtype") == "bot_message" or (app_id and not user))
    ours = _ours(user, me.user_id) or _ours(bot_id, me.bot_id) or (by_app and _ours(app_id, me.app_id))
    if ours or by_app or user == _SLACKBOT:
        name = text_at(message, "username") or text_at(profile, "name")
        return Sender("self" if ours else "bot", user or bot_id, name, bot_id or None)
    return Sender("person", user, _name_of_person(message))


def _ours(value: str, own: str) -> bool:
    return bool(own) and value == own


def _name_of_person(message: Json) -> str:
    profile = json_at(message, "user_profile")
    names = (text_at(profile, "display_name"), text_at(profile, "real_name"), text_at(message, "username"))
    return next((name for name in names if name), "")

"""What Slack delivers -> values. Pure, and raises nothing: what makes no sense becomes `Ignored`.

Obeys https://docs.slack.dev/apis/events-api/using-socket-mode and https://docs.slack.dev/reference/events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from ratchet.domain.events import (
    ChannelChanged,
    ConversationOpened,
    Envelope,
    Ignored,
    Interaction,
    MembershipChanged,
    MessageDeleted,
    MessagePosted,
    ReactionChanged,
    SessionStopped,
    SlackEvent,
)
from ratchet.domain.messages import Channel, ChannelKind
from ratchet.slack.clean import Malformed, clean
from ratchet.slack.identity import NOBODY, Account, Identity
from ratchet.slack.messages import Json, json_at, kind_of_channel, message_posted, text_at, ts_at, ts_or_none

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")  # keys of an index, so of bounded length

MAX_REACTION: Final = 256

__all__ = [
    "NOBODY",
    "Account",
    "Identity",
    "parse_channel",
    "parse_envelope",
    "parse_message",
    "parse_stored_message",
]


def parse_envelope(raw: Mapping[str, Any], me: Identity) -> Envelope:
    """One Socket Mode envelope. Never raises: `Ignored("malformed …")` when it is not what Slack sends."""
    try:
        envelope = clean(raw)
        if not isinstance(envelope, dict):
            raise Malformed("malformed envelope")
    except Malformed as problem:
        return Envelope(_id_of(raw), None, Ignored(problem.reason))
    attempt = envelope.get("retry_attempt")
    event = _event(envelope, me)
    if isinstance(event, MessagePosted) and json_at(envelope, "payload").get("is_ext_shared_channel") is True:
        event = replace(event, external=True)
    return Envelope(
        id=text_at(envelope, "envelope_id"),
        event_id=_event_id(json_at(envelope, "payload")),
        event=event,
        retry_attempt=attempt if type(attempt) is int and attempt > 0 else 0,
    )


def parse_stored_message(
    channel_id: str, channel_kind: ChannelKind, message: Mapping[str, Any], me: Identity
) -> MessagePosted | Ignored:
    """A message from history, replies or an export; `Ignored` says why one is left out. Never raises."""
    try:
        cleaned = clean(message)
        if not isinstance(cleaned, dict):
            raise Malformed("malformed message")
        ts = ts_at(cleaned, "ts")
        version = ts_or_none(json_at(cleaned, "edited"), "ts") or ts
        return message_posted((channel_id, channel_kind), cleaned, version, me)
    except Malformed as problem:
        return Ignored(problem.reason)


def parse_message(
    channel_id: str, channel_kind: ChannelKind, message: Mapping[str, Any], me: Identity
) -> MessagePosted | None:
    """As `parse_stored_message`, None for whatever is left out."""
    parsed = parse_stored_message(channel_id, channel_kind, message, me)
    return parsed if isinstance(parsed, MessagePosted) else None


def parse_channel(raw: Mapping[str, Any]) -> Channel | None:
    """A conversation object from conversations.info, .list or an export's channels.json. None: not one."""
    try:
        channel = clean(raw)
    except Malformed:
        return None
    if not isinstance(channel, dict) or not text_at(channel, "id"):
        return None
    channel_id = text_at(channel, "id")
    return Channel(
        id=channel_id,
        name=text_at(channel, "name") or text_at(channel, "user") or channel_id,
        kind=_kind_of_conversation(channel, channel_id),
        member=channel.get("is_member") is True or channel.get("is_im") is True,
        archived=channel.get("is_archived") is True,
        external=channel.get("is_ext_shared") is True,
    )


def _kind_of_conversation(channel: Json, channel_id: str) -> ChannelKind:
    for flag, kind in _KIND_OF_FLAG.items():
        if channel.get(flag) is True:
            return kind
    if channel.get("is_channel") is True and channel.get("is_private") is False:
        return "public"
    return kind_of_channel(channel_id, "")


# mpim before private: a group direct message is also marked private
_KIND_OF_FLAG: Final[Mapping[str, ChannelKind]] = {
    "is_im": "im",
    "is_mpim": "mpim",
    "is_private": "private",
    "is_group": "private",
}


def _id_of(raw: Any) -> str:
    """The id even of an envelope too odd to parse, so that it can be acknowledged and does not come again."""
    value = raw.get("envelope_id") if isinstance(raw, Mapping) else None
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _event_id(payload: Json) -> str | None:
    event_id = text_at(payload, "event_id")
    return event_id if _ID.fullmatch(event_id) else None


def _event(envelope: Json, me: Identity) -> SlackEvent:
    kind, payload = text_at(envelope, "type"), envelope.get("payload")
    if not kind:
        return Ignored("malformed envelope")
    if kind == "slash_commands":
        return Ignored("slash command")
    if kind not in {"events_api", "interactive"}:
        return Ignored("unknown envelope type")
    if not isinstance(payload, dict):
        return Ignored("malformed payload")
    try:
        return _from_events_api(payload, me) if kind == "events_api" else _interaction(payload)
    except Malformed as problem:
        return Ignored(problem.reason)


def _from_events_api(payload: Json, me: Identity) -> SlackEvent:
    event = payload.get("event")
    if not isinstance(event, dict) or not text_at(event, "type"):
        return Ignored("malformed event")
    parse = _EVENTS.get(text_at(event, "type"))
    return parse(event, me) if parse else Ignored("unknown event type")


def _channel_id(event: Json) -> str:
    """Events name a channel by its id or by an object with an id."""
    channel_id = text_at(event, "channel") or text_at(json_at(event, "channel"), "id")
    if not _ID.fullmatch(channel_id):
        raise Malformed("malformed channel")
    return channel_id


def _message(event: Json, me: Identity) -> SlackEvent:
    subtype = text_at(event, "subtype")
    if subtype == "message_replied":
        return Ignored("thread bookkeeping")
    channel_id = _channel_id(event)
    version = ts_at(event, "event_ts", "ts")
    if subtype == "message_deleted":
        return MessageDeleted(channel_id, _deleted_ts(event), version)
    where = channel_id, kind_of_channel(channel_id, text_at(event, "channel_type"))
    if subtype != "message_changed":
        return message_posted(where, event, version, me)
    message = event.get("message")
    if not isinstance(message, dict):
        return Ignored("malformed message")
    return message_posted(where, message, version, me, change=True)


def _deleted_ts(event: Json) -> str:
    previous = json_at(event, "previous_message")
    return ts_at({"deleted_ts": event.get("deleted_ts"), "ts": previous.get("ts")}, "deleted_ts", "ts")


def _reaction(event: Json, _me: Identity) -> SlackEvent:
    item = json_at(event, "item")
    if text_at(item, "type") in {"file", "file_comment"}:
        return Ignored("reaction on a file")
    user_id, reaction = text_at(event, "user"), text_at(event, "reaction")
    if text_at(item, "type") != "message" or not user_id or not reaction or len(reaction) > MAX_REACTION:
        return Ignored("malformed reaction")
    return ReactionChanged(
        channel_id=_channel_id(item),
        ts=ts_at(item, "ts"),
        user_id=user_id,
        reaction=reaction,
        added=text_at(event, "type") == "reaction_added",
        version=ts_at(event, "event_ts"),
    )


def _membership(event: Json, me: Identity) -> SlackEvent:
    user_id = text_at(event, "user")
    if not user_id:
        return Ignored("malformed member")
    joined = text_at(event, "type") == "member_joined_channel"
    at = ts_or_none(event, "event_ts")
    return MembershipChanged(_channel_id(event), user_id, joined, is_self=user_id == me.user_id, at=at)


def _left_ourselves(event: Json, me: Identity) -> SlackEvent:
    return MembershipChanged(_channel_id(event), me.user_id, joined=False, is_self=True)


def _renamed(event: Json, _me: Identity) -> SlackEvent:
    name = text_at(json_at(event, "channel"), "name") or text_at(event, "name")
    return ChannelChanged(_channel_id(event), name=name) if name else Ignored("malformed channel")


def _archived(event: Json, _me: Identity) -> SlackEvent:
    return ChannelChanged(_channel_id(event), archived=True)


def _unarchived(event: Json, _me: Identity) -> SlackEvent:
    return ChannelChanged(_channel_id(event), archived=False)


def _shared(event: Json, _me: Identity) -> SlackEvent:
    return ChannelChanged(_channel_id(event), external=True)


def _unshared(event: Json, _me: Identity) -> SlackEvent:
    """Unshared with one team; `is_ext_shared` says whether others remain."""
    return ChannelChanged(_channel_id(event), external=event.get("is_ext_shared") is True)


def _home_opened(event: Json, _me: Identity) -> SlackEvent:
    """Its tab with the direct messages is where people talk to it; the other shows nothing of ours."""
    if text_at(event, "tab") != "messages":
        return Ignored("app home")
    user_id = text_at(event, "user")
    return ConversationOpened(_channel_id(event), user_id) if user_id else Ignored("malformed app home")


def _conversation_started(event: Json, _me: Identity) -> SlackEvent:
    thread = json_at(event, "assistant_thread")
    user_id = text_at(thread, "user_id")
    if not user_id:
        return Ignored("malformed assistant thread")
    channel_id = _channel_id({"channel": thread.get("channel_id")})
    return ConversationOpened(channel_id, user_id, ts_at(thread, "thread_ts"))


def _session_stopped(event: Json, _me: Identity) -> SlackEvent:
    """https://docs.slack.dev/reference/events/agent_session_stopped"""
    user_id = text_at(event, "user")
    if not user_id:
        return Ignored("malformed agent session")
    return SessionStopped(_channel_id(event), ts_at(event, "thread_ts"), user_id, ts_at(event, "event_ts"))


def _ignoring(reason: str) -> Callable[[Json, Identity], SlackEvent]:
    return lambda _event, _me: Ignored(reason)


_EVENTS: Final[Mapping[str, Callable[[Json, Identity], SlackEvent]]] = {
    "message": _message,
    "app_mention": _ignoring("duplicate of message"),
    "reaction_added": _reaction,
    "reaction_removed": _reaction,
    "member_joined_channel": _membership,
    "member_left_channel": _membership,
    "channel_left": _left_ourselves,
    "group_left": _left_ourselves,
    "channel_rename": _renamed,
    "group_rename": _renamed,
    "channel_archive": _archived,
    "group_archive": _archived,
    "channel_deleted": _archived,
    "group_deleted": _archived,
    "channel_unarchive": _unarchived,
    "group_unarchive": _unarchived,
    "channel_shared": _shared,
    "channel_unshared": _unshared,
    "app_home_opened": _home_opened,
    "assistant_thread_started": _conversation_started,
    "assistant_thread_context_changed": _ignoring("assistant context"),
    "agent_session_stopped": _session_stopped,
}


_InteractionKind = Literal["block_actions", "message_action", "shortcut", "view_submission"]


def _interaction(payload: Json) -> SlackEvent:
    kind = text_at(payload, "type")
    user_id = text_at(json_at(payload, "user"), "id")
    if not kind or not user_id:
        return Ignored("malformed interaction")
    match kind:
        case "block_actions":
            action_id, value = _first_action(payload)
        case "message_action" | "shortcut":
            action_id, value = text_at(payload, "callback_id"), ""
        case "view_submission":
            view = json_at(payload, "view")
            action_id, value = text_at(view, "callback_id"), text_at(view, "private_metadata")
        case _:
            return Ignored("unknown interaction type")
    if not action_id:
        return Ignored("malformed interaction")
    return _clicked(kind, user_id, (action_id, value), payload)


def _clicked(kind: _InteractionKind, user_id: str, action: tuple[str, str], payload: Json) -> Interaction:
    container, message = json_at(payload, "container"), json_at(payload, "message")
    channel_id = text_at(json_at(payload, "channel"), "id") or text_at(container, "channel_id")
    times = {
        "ts": message.get("ts"),
        "container": container.get("message_ts"),
        "own": payload.get("message_ts"),
    }
    threads = {"thread": message.get("thread_ts"), "container": container.get("thread_ts")}
    return Interaction(
        kind=kind,
        user_id=user_id,
        action_id=action[0],
        value=action[1],
        channel_id=channel_id or None,
        message_ts=ts_or_none(times, "ts", "container", "own"),
        thread_ts=ts_or_none(threads, "thread", "container"),
        payload={key: value for key, value in payload.items() if key != "token"},  # a secret of the app
    )


def _first_action(payload: Json) -> tuple[str, str]:
    """`(action_id, value)`. Slack sends one action per click, in a list."""
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], dict):
        raise Malformed("malformed interaction")
    action = actions[0]
    return text_at(action, "action_id"), text_at(action, "value") or text_at(
        json_at(action, "selected_option"), "value"
    )

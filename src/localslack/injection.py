"""Recorded events: sent as they are, and, when asked, applied to the workspace too."""

from __future__ import annotations

from typing import Any

from localslack import stamps
from localslack.model import Channel, Json, User
from localslack.workspace import Workspace

ENVELOPES = ("events_api", "interactive", "slash_commands")


def as_envelope(ws: Workspace, item: Any) -> Json:
    """`{"type", "payload"}` from an envelope, an `event_callback` payload, or a bare event."""
    if isinstance(item, dict) and item.get("type") in ENVELOPES and "payload" in item:
        return {"type": item["type"], "payload": item["payload"]}
    if isinstance(item, dict) and item.get("type") == "event_callback":
        return {"type": "events_api", "payload": item}
    if isinstance(item, dict):
        return {"type": "events_api", "payload": ws.event_payload(item)}
    return {"type": "events_api", "payload": item}


def apply(ws: Workspace, envelope: Json) -> None:
    """Make history agree with a recorded message or reaction event; anything else changes nothing."""
    payload = envelope["payload"]
    event = payload.get("event") if isinstance(payload, dict) else None
    if not isinstance(event, dict):
        return
    if event.get("type") == "message" and stamps.is_ts(event.get("ts")):
        _apply_message(ws, event)
    elif event.get("type") in ("reaction_added", "reaction_removed"):
        _apply_reaction(ws, event)


def _apply_message(ws: Workspace, event: Json) -> None:
    channel = _channel(ws, str(event.get("channel")))
    subtype = event.get("subtype")
    if subtype == "message_deleted":
        if stamps.is_ts(event.get("deleted_ts")):
            _delete(channel, stamps.micros(event["deleted_ts"]))
    elif subtype == "message_changed":
        message = event.get("message")
        if isinstance(message, dict) and stamps.is_ts(message.get("ts")):
            _store(ws, channel, message)
    elif subtype != "message_replied":
        kept = {k: v for k, v in event.items() if k not in ("channel", "event_ts", "channel_type")}
        _store(ws, channel, kept)


def _store(ws: Workspace, channel: Channel, message: Json) -> None:
    at = stamps.micros(message["ts"])
    root = message.get("thread_ts")
    root_at = stamps.micros(root) if root else None
    reply = root_at is not None and root_at != at
    channel.put(
        at, message, root=root_at, in_history=not reply or message.get("subtype") == "thread_broadcast"
    )
    user = message.get("user")
    if isinstance(user, str) and user not in ws.users:
        ws.users[user] = User(user, user.lower(), user)
    ws.changed("edited", channel=channel.id, ts=message["ts"], thread_ts=root)


def _delete(channel: Channel, at: int) -> None:
    if at in channel.messages:
        channel.drop(at)


def _apply_reaction(ws: Workspace, event: Json) -> None:
    item = event.get("item") or {}
    channel = ws.channels.get(str(item.get("channel")))
    if channel is None or not stamps.is_ts(item.get("ts")):
        return
    message = channel.messages.get(stamps.micros(item["ts"]))
    if message is None:
        return
    users = {entry["name"]: dict.fromkeys(entry["users"]) for entry in message.get("reactions", [])}
    people = users.setdefault(str(event.get("reaction")), {})
    if event["type"] == "reaction_added":
        people[str(event.get("user"))] = None
    else:
        people.pop(str(event.get("user")), None)
    message["reactions"] = [{"name": n, "users": list(u), "count": len(u)} for n, u in users.items() if u]


def _channel(ws: Workspace, channel_id: str) -> Channel:
    if channel_id not in ws.channels:
        kind = {"D": "im", "G": "private"}.get(channel_id[:1])
        named = channel_id.lower()
        if kind == "im":
            ws.add_channel(named, kind="im", members=(ws.bot.id,), channel_id=channel_id)
        elif kind == "private":
            ws.add_channel(named, kind="private", members=(ws.bot.id,), channel_id=channel_id)
        else:
            ws.add_channel(named, members=(ws.bot.id,), channel_id=channel_id)
    return ws.channels[channel_id]

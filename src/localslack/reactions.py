"""Reactions: a set of people per name."""

from __future__ import annotations

from localslack import messages
from localslack.errors import SlackError
from localslack.model import Channel, Json
from localslack.workspace import Workspace


def add(ws: Workspace, channel: Channel, ts: str, name: str, user: str) -> None:
    """Raises message_not_found, invalid_name, already_reacted, too_many_reactions."""
    message = messages.find(channel, ts)
    name = _name(name)
    reactions: list[Json] = message.setdefault("reactions", [])
    entry = next((item for item in reactions if item["name"] == name), None)
    if entry is None:
        if len(reactions) >= 50:
            raise SlackError("too_many_reactions")
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    if user in entry["users"]:
        raise SlackError("already_reacted")
    entry["users"].append(user)
    entry["count"] = len(entry["users"])
    _announce(ws, "reaction_added", channel, message, name, user)


def remove(ws: Workspace, channel: Channel, ts: str, name: str, user: str) -> None:
    """Raises message_not_found, no_reaction."""
    message = messages.find(channel, ts)
    name = _name(name)
    entry = next((item for item in message.get("reactions", []) if item["name"] == name), None)
    if entry is None or user not in entry["users"]:
        raise SlackError("no_reaction")
    entry["users"].remove(user)
    entry["count"] = len(entry["users"])
    if not entry["users"]:
        message["reactions"].remove(entry)
    if not message["reactions"]:
        del message["reactions"]
    _announce(ws, "reaction_removed", channel, message, name, user)


def _name(name: str) -> str:
    bare = name.strip(":")
    if not bare or not all(part.isalnum() or part in "_-+'" for part in bare.replace("::", "")):
        raise SlackError("invalid_name")
    return bare


def _announce(ws: Workspace, kind: str, channel: Channel, message: Json, name: str, user: str) -> None:
    item = {"type": "message", "channel": channel.id, "ts": message["ts"]}
    event = {"type": kind, "user": user, "reaction": name, "item": item}
    if message.get("user"):
        event["item_user"] = message["user"]
    ws.emit({**event, "event_ts": ws.next_ts()}, channel)
    ws.changed("edited", channel=channel.id, ts=message["ts"], thread_ts=message.get("thread_ts"))

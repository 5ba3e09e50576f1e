"""Messages: posting, editing, deleting, and the events each of them makes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from localslack import stamps
from localslack.errors import SlackError
from localslack.model import Channel, Json, User
from localslack.normalise import attachments_as_read, blocks_as_read
from localslack.workspace import Workspace

TEXT_LIMIT = 40_000
UPDATE_TEXT_BYTES = 4_000
"""chat.update refuses a longer `text` (bytes of the escaped text), where chat.postMessage cuts at 40,000."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to post. `author` holds the identity keys the message will carry."""

    channel: Channel
    author: Json
    text: str = ""
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    files: list[Json] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    subtype: str | None = None
    ts: str | None = None


def bot_author(ws: Workspace, bot: User) -> Json:
    """How Slack signs what an installed app posts: a user and a bot, and no subtype."""
    return {"user": bot.id, "bot_id": bot.bot_id, "app_id": bot.app_id, "bot_profile": _profile(ws, bot)}


def _profile(ws: Workspace, bot: User) -> Json:
    return {
        "id": bot.bot_id,
        "app_id": bot.app_id,
        "user_id": bot.id,
        "name": bot.name,
        "icons": {},
        "deleted": False,
        "updated": 0,
        "team_id": ws.team_id,
    }


def find(channel: Channel, ts: str) -> Json:
    """The stored message; raises message_not_found."""
    found = channel.messages.get(stamps.micros(ts)) if stamps.is_ts(ts) else None
    if found is None:
        raise SlackError("message_not_found")
    return found


def post(ws: Workspace, draft: Draft) -> Json:
    """Store a new message, send its events, return it as stored."""
    root = _root(draft)
    ts = draft.ts or ws.next_ts()
    message = _build(ws, draft, ts, root)
    ws.has_seen(stamps.micros(ts))
    at, root_at = stamps.micros(ts), stamps.micros(root["ts"]) if root else None
    draft.channel.put(at, message, root=root_at, in_history=root is None or draft.broadcast)
    ws.statuses.pop((draft.channel.id, draft.thread_ts or ts), None)
    announce(ws, draft.channel, message)
    ws.changed("message", channel=draft.channel.id, ts=ts, thread_ts=message.get("thread_ts"))
    return message


def announce(ws: Workspace, channel: Channel, message: Json) -> None:
    """The `message` event of a new message, and `app_mention` when that is subscribed to."""
    event = _as_event(channel, message)
    ws.emit(event, channel)
    by_bot = message.get("user") == ws.bot.id or message.get("subtype")
    if ws.app_mentions and not by_bot and f"<@{ws.bot.id}>" in message.get("text", ""):
        mention = {key: value for key, value in event.items() if key != "channel_type"}
        ws.emit({**mention, "type": "app_mention"}, channel)


def edit(ws: Workspace, channel: Channel, ts: str, *, editor: str, **changes: object) -> Json:
    """Change text, blocks, attachments, files or metadata; None leaves a key, an empty list takes it away."""
    old = find(channel, ts)
    new = {**old, **{key: value for key, value in changes.items() if value is not None}}
    for key in ("blocks", "attachments", "files"):
        if not new.get(key):
            new.pop(key, None)
    new |= _read_form(ws, new)
    new["edited"] = {"user": editor, "ts": ws.next_ts()}
    channel.messages[stamps.micros(ts)] = new
    _announce_change(ws, channel, new, old)
    return new


def delete(ws: Workspace, channel: Channel, ts: str) -> None:
    """Remove a message. The root of a thread leaves a tombstone, which Slack announces as an edit."""
    old = find(channel, ts)
    at = stamps.micros(ts)
    if channel.threads.get(at):
        grave = {
            "type": "message",
            "subtype": "tombstone",
            "text": "This message was deleted.",
            "user": "USLACKBOT",
            "hidden": True,
            "ts": ts,
            "thread_ts": ts,
        }
        channel.messages[at] = grave
        _announce_change(ws, channel, grave, old)
        return
    channel.drop(at)
    event_ts = ws.next_ts()
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts}
    event |= {"previous_message": public(old), "channel": channel.id, "channel_type": channel.type}
    ws.emit({**event, "ts": event_ts, "event_ts": event_ts}, channel)
    ws.changed("deleted", channel=channel.id, ts=ts, thread_ts=old.get("thread_ts"))


def public(message: Json, *, metadata: bool = False) -> Json:
    """The message as an answer or an event shows it."""
    if metadata or "metadata" not in message:
        return message
    return {key: value for key, value in message.items() if key != "metadata"}


def as_read(channel: Channel, at: int, *, metadata: bool = False) -> Json:
    """The message as history and replies show it: a thread's root carries the thread's figures."""
    message = public(channel.messages[at], metadata=metadata)
    replies = channel.threads.get(at)
    if not replies:
        return message
    users = dict.fromkeys(author_of(channel.messages[reply]) for reply in replies)
    ts = stamps.text(at)
    return {
        **message,
        "thread_ts": ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": stamps.text(replies[-1]),
        "reply_users": list(users)[:5],
        "is_locked": False,
        "subscribed": False,
    }


def author_of(message: Json) -> str:
    return str(message.get("user") or message.get("bot_id") or "")


def _root(draft: Draft) -> Json | None:
    if not draft.thread_ts:
        return None
    root = draft.channel.messages.get(stamps.argument(draft.thread_ts, "invalid_thread_ts"))
    if root is None:
        raise SlackError("thread_not_found")
    parent = root.get("thread_ts")
    if parent and parent != root["ts"]:
        root = draft.channel.messages.get(stamps.micros(parent), root)
    return root


def _build(ws: Workspace, draft: Draft, ts: str, root: Json | None) -> Json:
    message: Json = {"type": "message", **draft.author, "text": draft.text[:TEXT_LIMIT], "ts": ts}
    message["team"] = ws.team_id
    for key in ("blocks", "attachments", "files", "metadata", "subtype"):
        value = getattr(draft, key)
        if value:
            message[key] = copy.deepcopy(value)
    if root is not None:
        message |= {"thread_ts": root["ts"], "parent_user_id": author_of(root)}
        if draft.broadcast:
            message |= {"subtype": "thread_broadcast", "root": copy.deepcopy(public(root))}
    return message | _read_form(ws, message)


def _read_form(ws: Workspace, message: Json) -> Json:
    """Blocks and attachments as Slack gives them back."""
    read: Json = {}
    if message.get("blocks"):
        read["blocks"] = blocks_as_read(message["blocks"], lambda: ws.count("block"))
    if message.get("attachments"):
        read["attachments"] = attachments_as_read(message["attachments"], lambda: ws.count("block"))
    return read


def _as_event(channel: Channel, message: Json) -> Json:
    return {
        **public(message),
        "channel": channel.id,
        "event_ts": message["ts"],
        "channel_type": channel.type,
    }


def _announce_change(ws: Workspace, channel: Channel, new: Json, old: Json) -> None:
    event_ts = ws.next_ts()
    event = {
        "type": "message",
        "subtype": "message_changed",
        "message": public(new),
        "previous_message": public(old),
        "channel": channel.id,
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": channel.type,
    }
    ws.emit(event, channel)
    ws.changed("edited", channel=channel.id, ts=new["ts"], thread_ts=new.get("thread_ts"))

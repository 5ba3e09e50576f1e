"""Channels: who is in them, what they are called, whether they are archived; and the events of it."""

from __future__ import annotations

from localslack import messages
from localslack.errors import SlackError
from localslack.model import Channel, Json, User
from localslack.workspace import Workspace


def as_json(ws: Workspace, channel: Channel) -> Json:
    if channel.kind == "im":
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_org_shared": False,
            "is_archived": channel.archived,
            "user": channel.partner,
            "is_user_deleted": False,
            "context_team_id": ws.team_id,
        }
    private = channel.kind != "public"
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_im": False,
        "is_mpim": channel.kind == "mpim",
        "is_private": private,
        "is_archived": channel.archived,
        "is_general": channel.name == "general",
        "is_shared": channel.ext_shared,
        "is_ext_shared": channel.ext_shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "is_member": ws.is_member(channel),
        "created": channel.created,
        "creator": channel.creator,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "previous_names": [],
        "num_members": len(channel.members),
        "context_team_id": ws.team_id,
        "updated": channel.created * 1000,
    }


def join(ws: Workspace, channel: Channel, user: User, *, inviter: str | None = None) -> bool:
    """Someone joins or is invited. False when they were in already."""
    if user.id in channel.members:
        return False
    channel.members[user.id] = None
    extra = {"inviter": inviter} if inviter else {}
    event = {"type": "member_joined_channel", "user": user.id, "channel": channel.id}
    event |= {"channel_type": _letter(channel), "team": ws.team_id, "event_ts": ws.next_ts(), **extra}
    ws.emit(event, channel)
    subtype = "channel_join" if channel.kind == "public" else "group_join"
    _notice(ws, channel, user.id, subtype, f"<@{user.id}> has joined the channel")
    ws.changed("channels", channel=channel.id)
    return True


def leave(ws: Workspace, channel: Channel, user: User) -> None:
    """Someone leaves or is removed; raises not_in_channel.

    The removed app itself hears `channel_left` (`group_left`), not `member_left_channel`: so does Slack.
    """
    if user.id not in channel.members:
        raise SlackError("not_in_channel")
    if user.id == ws.bot.id:
        kind = "channel_left" if channel.kind == "public" else "group_left"
        ws.emit({"type": kind, "channel": channel.id, "event_ts": ws.next_ts()}, channel)
        del channel.members[user.id]
    else:
        del channel.members[user.id]
        event = {"type": "member_left_channel", "user": user.id, "channel": channel.id}
        event |= {"channel_type": _letter(channel), "team": ws.team_id, "event_ts": ws.next_ts()}
        ws.emit(event, channel)
    subtype = "channel_leave" if channel.kind == "public" else "group_leave"
    _notice(ws, channel, user.id, subtype, f"<@{user.id}> has left the channel")
    ws.changed("channels", channel=channel.id)


def rename(ws: Workspace, channel: Channel, name: str, *, by: str) -> None:
    """Raises name_taken."""
    if any(other.name == name and other is not channel for other in ws.channels.values()):
        raise SlackError("name_taken")
    old, channel.name = channel.name, name
    event_ts = ws.next_ts()
    kind = "channel_rename" if channel.kind == "public" else "group_rename"
    details = {"id": channel.id, "name": name, "name_normalized": name, "created": channel.created}
    details |= {"is_channel": channel.kind == "public", "is_mpim": False}
    ws.emit({"type": kind, "channel": details, "event_ts": event_ts}, channel)
    text = f'has renamed the channel from "{old}" to "{name}"'
    _notice(ws, channel, by, "channel_name", text, old_name=old, name=name)
    ws.changed("channels", channel=channel.id)


def archive(ws: Workspace, channel: Channel, *, by: str, archived: bool = True) -> None:
    """Raises already_archived or not_archived."""
    if channel.archived == archived:
        raise SlackError("already_archived" if archived else "not_archived")
    channel.archived = archived
    word = "archive" if archived else "unarchive"
    kind = f"channel_{word}" if channel.kind == "public" else f"group_{word}"
    ws.emit({"type": kind, "channel": channel.id, "user": by, "event_ts": ws.next_ts()}, channel)
    _notice(ws, channel, by, f"channel_{word}", f"<@{by}> {word}d the channel")
    ws.changed("channels", channel=channel.id)


def share_externally(ws: Workspace, channel: Channel, *, shared: bool = True) -> None:
    """Slack Connect: another organisation is in the channel now."""
    channel.ext_shared = shared
    kind = "channel_shared" if shared else "channel_unshared"
    event = {"type": kind, "connected_team_id": "T0EXTERNAL", "channel": channel.id}
    ws.emit({**event, "event_ts": ws.next_ts()}, channel)
    ws.changed("channels", channel=channel.id)


def open_home(ws: Workspace, user: User, *, tab: str = "home") -> None:
    """A person opens the app's page: `app_home_opened`."""
    channel = ws.direct_channel(user.id)
    event = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
    ws.emit({**event, "event_ts": ws.next_ts()})


def open_conversation(ws: Workspace, user: User, *, context: str = "") -> tuple[Channel, str]:
    """A person begins a conversation beside the channel they look at: `assistant_thread_started`."""
    channel = ws.direct_channel(user.id)
    author = messages.bot_author(ws, ws.bot)
    draft = messages.Draft(channel, author, text="New conversation", subtype="assistant_app_thread")
    thread_ts = str(messages.post(ws, draft)["ts"])
    seen = {"channel_id": context, "team_id": ws.team_id, "enterprise_id": None} if context else {}
    thread = {"user_id": user.id, "context": seen, "channel_id": channel.id, "thread_ts": thread_ts}
    ws.emit({"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": ws.next_ts()})
    return channel, thread_ts


def stop_session(ws: Workspace, user: User, channel: Channel, thread_ts: str) -> None:
    """A person presses the stop button, which is shown under a thread while the app works in it."""
    if ws.sessions.get((channel.id, thread_ts)) != "processing":
        raise SlackError("no_stop_button")
    stopped = {"channel": channel.id, "thread_ts": thread_ts, "user": user.id, "streaming_message_ts": []}
    ws.emit({"type": "agent_session_stopped", **stopped, "event_ts": ws.next_ts()}, channel)


def _letter(channel: Channel) -> str:
    return "C" if channel.kind == "public" else "G"


def _notice(ws: Workspace, channel: Channel, user: str, subtype: str, text: str, **extra: str) -> None:
    draft = messages.Draft(channel, {"user": user, **extra}, text=text, subtype=subtype)
    messages.post(ws, draft)

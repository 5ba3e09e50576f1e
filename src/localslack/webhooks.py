"""Incoming webhooks: how alerting tools post."""

from __future__ import annotations

from localslack import blocks as kit
from localslack import messages
from localslack.errors import SlackError
from localslack.model import Json, Webhook
from localslack.workspace import Workspace


def add(ws: Workspace, channel: str, *, username: str = "incoming-webhook", path: str = "") -> Webhook:
    path = path or f"{ws.team_id}/B{ws.count('webhook'):08d}/localslack"
    hook = Webhook(path, channel, ws.new_id("B"), username)
    ws.webhooks[path] = hook
    return hook


def receive(ws: Workspace, path: str, payload: Json) -> Json:
    """Post what a tool sent. Raises channel_not_found, channel_is_archived, no_text, invalid_blocks.

    An unknown path under the team's id is taken as a new webhook, one bot per path, so that a tool can be
    pointed at any `/services/T…/B…/…`.
    """
    hook = ws.webhooks.get(path)
    if hook is None:
        hook = add(ws, _default_channel(ws), path=path)
    channel = ws.channel(str(payload.get("channel") or hook.channel))
    if channel.archived:
        raise SlackError("channel_is_archived")
    return messages.post(ws, _draft(ws, hook, payload, channel.id))


def of_tool(ws: Workspace, username: str) -> Webhook:
    """The webhook that a tool of this name uses, made when it has none."""
    for hook in ws.webhooks.values():
        if hook.username == username:
            return hook
    return add(ws, _default_channel(ws), username=username)


def _draft(ws: Workspace, hook: Webhook, payload: Json, channel: str) -> messages.Draft:
    text = str(payload.get("text") or "")
    blocks, attachments = payload.get("blocks") or None, payload.get("attachments") or None
    if blocks:
        kit.check_message(blocks)
    if attachments:
        kit.check_attachments(attachments)
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    author: Json = {"bot_id": hook.bot_id, "username": str(payload.get("username") or hook.username)}
    if payload.get("icon_emoji"):
        author["icons"] = {"emoji": payload["icon_emoji"]}
    return messages.Draft(
        ws.channels[channel],
        author,
        text=text,
        blocks=blocks,
        attachments=attachments,
        thread_ts=payload.get("thread_ts"),
        subtype="bot_message",
    )


def _default_channel(ws: Workspace) -> str:
    public = [
        channel for channel in ws.channels.values() if channel.kind == "public" and not channel.archived
    ]
    for channel in public:
        if "alert" in channel.name:
            return channel.id
    if not public:
        raise SlackError("no_service")
    return public[0].id

"""What people do: write, with marks, files and rich text as Slack's own client sends them."""

from __future__ import annotations

from typing import Any

from localslack import compose, files, messages
from localslack.errors import SlackError
from localslack.model import Channel, Json, User
from localslack.workspace import Workspace


def write(ws: Workspace, user: User, channel: Channel, body: Json) -> Json:
    """Post as a person.

    `body`: `text` (Slack's form; `typed` true for what was typed), `thread_ts`, `broadcast`, `attachments`,
    `blocks`, `ts`, `files` (titles, or `{name, title, content}`).
    """
    if channel.archived:
        raise SlackError("is_archived")
    text, blocks = str(body.get("text") or ""), body.get("blocks")
    if body.get("typed"):
        text, blocks = compose.typed(ws, text)
    shared = [_file(ws, user, item) for item in body.get("files") or []]
    if not text and not blocks and not shared and not body.get("attachments"):
        raise SlackError("no_text")
    draft = messages.Draft(
        channel,
        {"user": user.id, "client_msg_id": f"00000000-0000-4000-8000-{ws.count('client'):012d}"},
        text=text,
        blocks=blocks,
        attachments=body.get("attachments"),
        files=shared,
        thread_ts=body.get("thread_ts") or None,
        broadcast=bool(body.get("broadcast")),
        subtype="file_share" if shared else None,
        ts=body.get("ts"),
    )
    channel.members.setdefault(user.id, None)
    return messages.post(ws, draft)


def rewrite(ws: Workspace, channel: Channel, ts: str, body: Json) -> Json:
    """Edit any message, as its author does; also what alerting tools do when they resolve by editing."""
    old = messages.find(channel, ts)
    changes = {key: body[key] for key in ("text", "attachments", "blocks") if key in body}
    if body.get("typed"):
        changes["text"], changes["blocks"] = compose.typed(ws, str(body.get("text") or ""))
    return messages.edit(ws, channel, ts, editor=messages.author_of(old), **changes)


def _file(ws: Workspace, user: User, item: Any) -> Json:
    described = item if isinstance(item, dict) else {"title": str(item)}
    title = str(described.get("title") or described.get("name") or "file")
    content = str(described.get("content") or "").encode()
    file = files.create(
        ws, str(described.get("name") or title), size=len(content), user=user.id, content=content
    )
    file.title = title
    return files.as_json(ws, file)

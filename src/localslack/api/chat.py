"""chat.*: what a bot says."""

from __future__ import annotations

from typing import Any

from localslack import blocks as kit
from localslack import messages, stamps
from localslack.api.call import Call, Method
from localslack.errors import SlackError
from localslack.messages import Draft
from localslack.model import Channel, Json


def post_message(call: Call) -> Json:
    channel = _destination(call)
    draft = Draft(
        channel,
        _author(call),
        thread_ts=call.text("thread_ts") or None,
        broadcast=call.flag("reply_broadcast"),
        subtype="bot_message" if _custom_name(call) else None,
        metadata=_metadata(call),
        **_content(call),
    )
    message = messages.post(call.ws, draft)
    answer: Json = {"channel": channel.id, "ts": message["ts"], "message": message}
    if len(draft.text) > messages.TEXT_LIMIT:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def update(call: Call) -> Json:
    channel = call.member_channel()
    ts = call.required("ts")
    _own(call, channel, ts, "cant_update_message")
    content = _content(call, needed=False)
    if len(content["text"].encode()) > messages.UPDATE_TEXT_BYTES:
        raise SlackError("msg_too_long")
    metadata = _metadata(call)
    if not any(content.values()) and metadata is None and "blocks" not in call.args:
        raise SlackError("no_text")
    changes: Json = {**content, "metadata": metadata}
    changes["text"] = content["text"] if "text" in call.args or "markdown_text" in call.args else None
    if content["text"] and content["blocks"] is None:
        changes["blocks"] = []  # Slack: a new text without blocks takes the old blocks away
    message = messages.edit(call.ws, channel, ts, editor=call.bot.id, **changes)
    return {"channel": channel.id, "ts": ts, "text": message.get("text", ""), "message": message}


def delete(call: Call) -> Json:
    channel = call.member_channel()
    ts = call.required("ts")
    _own(call, channel, ts, "cant_delete_message")
    messages.delete(call.ws, channel, ts)
    return {"channel": channel.id, "ts": ts}


def post_ephemeral(call: Call) -> Json:
    channel = _destination(call)
    user = call.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    ts = call.ws.next_ts()
    content = {key: value for key, value in _content(call).items() if value}
    seen = {"channel": channel.id, "to": user, "ts": ts, "is_ephemeral": True, **_author(call), **content}
    call.ws.ephemerals.append({**seen, "thread_ts": call.text("thread_ts") or None})
    call.ws.changed("ephemeral", channel=channel.id, ts=ts)
    return {"message_ts": ts}


def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = messages.find(channel, call.required("message_ts"))
    return {"channel": channel.id, "permalink": call.ws.permalink(channel, message)}


def _destination(call: Call) -> Channel:
    """An id, a name, or a person's id, who is then written to directly."""
    wanted = call.required("channel")
    ws = call.ws
    person = ws.users.get(wanted)
    if person is not None:
        if person.is_bot:
            raise SlackError("cannot_dm_bot")
        return ws.direct_channel(wanted)
    channel = ws.channel(wanted)
    if call.token.user not in channel.members and "chat:write.public" not in call.token.scopes:
        raise SlackError("not_in_channel" if channel.kind == "public" else "channel_not_found")
    if channel.archived:
        raise SlackError("is_archived")
    return channel


def _content(call: Call, *, needed: bool = True) -> dict[str, Any]:
    text, blocks = call.text("text"), call.json("blocks", "invalid_blocks_format")
    attachments = call.json("attachments", "invalid_attachments")
    markdown = call.text("markdown_text")
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        blocks = [{"type": "markdown", "text": markdown}]
        text = markdown
    if blocks:
        kit.check_message(blocks)
    if attachments:
        kit.check_attachments(attachments)
    if needed and not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    return {"text": text, "blocks": blocks, "attachments": attachments}


def _metadata(call: Call) -> Json | None:
    metadata = call.json("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    kit.check_metadata(metadata)
    return dict(metadata)


def _custom_name(call: Call) -> str:
    return call.text("username") if "chat:write.customize" in call.token.scopes else ""


def _author(call: Call) -> Json:
    name = _custom_name(call)
    if name:
        return {"bot_id": call.bot.bot_id, "app_id": call.bot.app_id, "username": name}
    return messages.bot_author(call.ws, call.bot)


def _own(call: Call, channel: Channel, ts: str, refusal: str) -> None:
    stamps.argument(ts, "message_not_found")
    if messages.find(channel, ts).get("bot_id") != call.bot.bot_id:
        raise SlackError(refusal)


METHODS = {
    "chat.postMessage": Method(post_message, scope="chat:write", tier=None),
    "chat.update": Method(update, scope="chat:write"),
    "chat.delete": Method(delete, scope="chat:write"),
    "chat.postEphemeral": Method(post_ephemeral, scope="chat:write", tier=4),
    "chat.getPermalink": Method(get_permalink, tier=None),
}

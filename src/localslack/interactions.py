"""What a person does to a bot's message: click a button, use a shortcut, send a form."""

from __future__ import annotations

from collections.abc import Iterator

from localslack import messages, views
from localslack.errors import SlackError
from localslack.model import Channel, Json, User
from localslack.workspace import Workspace


def click(
    ws: Workspace, user: User, channel: Channel, ts: str, action_id: str, value: str | None = None
) -> Json:
    """Send the `block_actions` of a click; `value` picks a feedback button or an option.

    Raises message_not_found, action_not_found, not_our_app (somebody else's message).
    """
    message = messages.find(channel, ts)
    if message.get("app_id") != ws.app_id:
        raise SlackError("not_our_app")
    for block_id, element in elements(message):
        if element.get("action_id") == action_id:
            payload = _common(ws, user, "block_actions") | _place(ws, channel, message)
            payload["actions"] = [_action(ws, block_id, element, value)]
            payload["state"] = {"values": {}}
            ws.send("interactive", payload)
            return payload
    raise SlackError("action_not_found")


def shortcut(ws: Workspace, user: User, channel: Channel, ts: str, callback_id: str) -> Json:
    """A message shortcut: `message_action`."""
    message = messages.find(channel, ts)
    payload = _common(ws, user, "message_action")
    payload |= {"callback_id": callback_id, "message_ts": ts, "action_ts": ws.next_ts()}
    payload |= {
        "channel": _channel(channel),
        "message": messages.public(message),
        "response_url": _response_url(ws, channel, ts),
    }
    ws.send("interactive", payload)
    return payload


def global_shortcut(ws: Workspace, user: User, callback_id: str) -> Json:
    payload = _common(ws, user, "shortcut") | {"callback_id": callback_id, "action_ts": ws.next_ts()}
    ws.send("interactive", payload)
    return payload


def submit(ws: Workspace, user: User, view_id: str, values: Json) -> Json:
    """Send a modal's form: `view_submission`; `values` as Slack nests them, block_id → action_id → state."""
    view = ws.views.get(view_id)
    if view is None or not view.open:
        raise SlackError("view_not_found")
    payload = _common(ws, user, "view_submission")
    payload |= {"view": views.as_json(ws, view, values), "response_urls": []}
    ws.send("interactive", payload)
    return payload


def settle(ws: Workspace, payload: Json, answer: Json) -> None:
    """The app acknowledged a form: it closes, unless the answer says `update`, `push` or `errors`."""
    if payload.get("type") != "view_submission":
        return
    view = ws.views.get(payload["view"]["id"])
    action = answer.get("response_action")
    if view is None or action == "errors":
        return
    if action in ("update", "push") and isinstance(answer.get("view"), dict):
        views.replace(ws, view, answer["view"])
        return
    view.open = False
    ws.changed("view", view=view.id, user=view.user)


def slash_command(ws: Workspace, user: User, channel: Channel, command: str, text: str) -> Json:
    payload = {
        "token": "localslack-verification",
        "team_id": ws.team_id,
        "team_domain": ws.domain,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": ws.app_id,
        "is_enterprise_install": "false",
        "response_url": _response_url(ws, channel, None),
        "trigger_id": views.new_trigger(ws, user),
    }
    ws.send("slash_commands", payload)
    return payload


def elements(message: Json) -> Iterator[tuple[str, Json]]:
    """Everything that can be clicked in a message: (block_id, element)."""
    blocks = list(message.get("blocks", []))
    for attachment in message.get("attachments", []):
        blocks.extend(attachment.get("blocks", []))
    for block in blocks:
        inside = block.get("elements", []) if block.get("type") in ("actions", "context_actions") else []
        for element in [*inside, *filter(None, [block.get("accessory")])]:
            yield block.get("block_id", ""), element


def _action(ws: Workspace, block_id: str, element: Json, value: str | None) -> Json:
    action: Json = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": ws.next_ts(),
    }
    if element["type"] == "feedback_buttons":
        sides = [element["positive_button"], element["negative_button"]]
        chosen = next((side for side in sides if side.get("value") == value), sides[0])
        return {**action, "text": chosen["text"], "value": chosen.get("value", "")}
    if element["type"] == "button":
        return action | {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    chosen = next((o for o in element.get("options", []) if o.get("value") == value), None)
    return {**action, "selected_option": chosen or {"value": value}}


def _common(ws: Workspace, user: User, type_: str) -> Json:
    return {
        "type": type_,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": ws.team_id},
        "api_app_id": ws.app_id,
        "token": "localslack-verification",
        "trigger_id": views.new_trigger(ws, user),
        "team": {"id": ws.team_id, "domain": ws.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _place(ws: Workspace, channel: Channel, message: Json) -> Json:
    container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id}
    container["is_ephemeral"] = False
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    return {
        "container": container,
        "channel": _channel(channel),
        "message": messages.public(message),
        "response_url": _response_url(ws, channel, message["ts"]),
    }


def _channel(channel: Channel) -> Json:
    name = {"private": "privategroup", "im": "directmessage"}.get(channel.kind, channel.name)
    return {"id": channel.id, "name": name}


def _response_url(ws: Workspace, channel: Channel, ts: str | None) -> str:
    key = str(ws.count("response"))
    ws.response_urls[key] = {"channel": channel.id, "ts": ts, "left": 5}
    return f"{ws.base_url}/actions/{ws.team_id}/{key}"


def respond(ws: Workspace, key: str, body: Json) -> None:
    """A bot uses a response_url: at most five times. Raises used_url, no_text."""
    known = ws.response_urls.get(key)
    if known is None or known["left"] <= 0:
        raise SlackError("used_url")
    known["left"] -= 1
    channel = ws.channels[known["channel"]]
    if body.get("delete_original") and known["ts"]:
        messages.delete(ws, channel, known["ts"])
        return
    content = {key: body[key] for key in ("text", "blocks", "attachments") if body.get(key)}
    if not content:
        raise SlackError("no_text")
    if body.get("replace_original") and known["ts"]:
        messages.edit(ws, channel, known["ts"], editor=ws.bot.id, **content)
        return
    if body.get("response_type") == "in_channel":
        author = messages.bot_author(ws, ws.bot)
        messages.post(ws, messages.Draft(channel, author, thread_ts=body.get("thread_ts"), **content))
        return
    seen = {"channel": channel.id, "ts": ws.next_ts(), "is_ephemeral": True, **content}
    ws.ephemerals.append(seen)
    ws.changed("ephemeral", channel=channel.id, ts=seen["ts"])

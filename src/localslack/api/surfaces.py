"""views.*, assistant.threads.* and agents.sessions.*: what a bot shows beside messages."""

from __future__ import annotations

from typing import Final

from localslack import blocks as kit
from localslack import views
from localslack.api.call import Call, Method
from localslack.errors import SlackError
from localslack.model import Channel, Json, View

SESSION_STATUSES: Final = ("processing", "active", "suspended", "closed")


def open_view(call: Call) -> Json:
    view = _view(call, "modal")
    user = views.take_trigger(call.ws, call.required("trigger_id"))
    return {"view": views.as_json(call.ws, views.store(call.ws, user, view))}


def publish(call: Call) -> Json:
    user = call.required("user_id")
    if user not in call.ws.users:
        raise SlackError("user_not_found")
    view = _view(call, "home")
    for old in [old for old in call.ws.views.values() if old.user == user and old.content["type"] == "home"]:
        del call.ws.views[old.id]
    return {"view": views.as_json(call.ws, views.store(call.ws, user, view))}


def update_view(call: Call) -> Json:
    view = _find(call)
    if call.text("hash") and call.text("hash") != view.hash:
        raise SlackError("hash_conflict")
    content = call.json("view")
    kit.check_view(content)
    views.replace(call.ws, view, dict(content))
    return {"view": views.as_json(call.ws, view)}


def _view(call: Call, kind: str) -> Json:
    view = call.json("view")
    kit.check_view(view)
    if view["type"] != kind:
        raise SlackError("invalid_arguments")
    return dict(view)


def _find(call: Call) -> View:
    wanted, external = call.text("view_id"), call.text("external_id")
    for view in call.ws.views.values():
        if view.id == wanted or (external and view.content.get("external_id") == external):
            return view
    raise SlackError("not_found")


def set_status(call: Call) -> Json:
    channel, thread_ts = _thread(call)
    loading = call.json("loading_messages") or []
    if len(loading) > 10 or any(len(str(item)) > 50 for item in loading):
        raise SlackError("invalid_arguments")
    key = (channel.id, thread_ts)
    status = call.text("status")
    if status:
        call.ws.statuses[key] = {"status": status, "loading_messages": loading, "at": call.ws.clock()}
    else:
        call.ws.statuses.pop(key, None)
    call.ws.changed("status", channel=channel.id, thread_ts=thread_ts, status=status)
    return {}


def set_session(call: Call) -> Json:
    """https://docs.slack.dev/reference/methods/agents.sessions.setStatus"""
    channel, thread_ts = _thread(call)
    status = call.required("status")
    if status not in SESSION_STATUSES:
        raise SlackError("invalid_arguments")
    call.ws.sessions[channel.id, thread_ts] = status
    return {"status": status}


def set_title(call: Call) -> Json:
    channel, thread_ts = _thread(call)
    call.ws.titles[channel.id, thread_ts] = call.required("title")
    return {}


def set_prompts(call: Call) -> Json:
    """`thread_ts` only in a conversation that began with `assistant_thread_started`."""
    channel = call.channel(name="channel_id")
    prompts = call.json("prompts")
    valid = isinstance(prompts, list) and 0 < len(prompts) <= 4
    if not valid or not all(isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts):
        raise SlackError("invalid_arguments")
    call.ws.prompts[channel.id, call.text("thread_ts")] = prompts
    return {}


def _thread(call: Call) -> tuple[Channel, str]:
    if not {"assistant:write", "chat:write"} & call.token.scopes:
        call.need("assistant:write")
    return call.member_channel(name="channel_id"), call.required("thread_ts")


METHODS = {
    "views.open": Method(open_view, tier=4),
    "views.push": Method(open_view, tier=4),
    "views.publish": Method(publish, tier=4),
    "views.update": Method(update_view, tier=4),
    "assistant.threads.setStatus": Method(set_status, tier=4),
    "agents.sessions.setStatus": Method(set_session),
    "assistant.threads.setTitle": Method(set_title, scope="assistant:write"),
    "assistant.threads.setSuggestedPrompts": Method(set_prompts, scope="assistant:write"),
}

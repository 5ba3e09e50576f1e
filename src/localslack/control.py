"""The control API's actions: what tests and the page make happen. A body in, an answer out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from localslack import apps, channels, injection, interactions, messages, people, reactions, stamps, webhooks
from localslack.errors import SlackError
from localslack.faults import ApiFault, SocketFaults
from localslack.hub import Hub
from localslack.model import Channel, ChannelKind, Json, User

Action = Callable[[Hub, Json], Json]


def _channel(hub: Hub, body: Json) -> Channel:
    return hub.ws.channel(str(body.get("channel") or ""))


def _user(hub: Hub, body: Json, key: str = "user") -> User:
    """The person named; the app itself when nobody is."""
    return hub.ws.user(str(body[key])) if body.get(key) else hub.ws.bot


def add_user(hub: Hub, body: Json) -> Json:
    user = hub.ws.add_user(
        str(body["name"]),
        real_name=str(body.get("real_name") or ""),
        email=body.get("email"),
        is_bot=bool(body.get("is_bot")),
    )
    return {"user": user.id}


def add_group(hub: Hub, body: Json) -> Json:
    """A user group of `members`, called `handle`."""
    group = f"S0L{len(hub.ws.groups) + 1:07}"
    hub.ws.groups[group] = [hub.ws.user(str(name)).id for name in body.get("members") or []]
    hub.ws.handles[group] = str(body.get("handle") or "")
    return {"group": group}


def add_channel(hub: Hub, body: Json) -> Json:
    """`kind` public | private | im (with `user`). The app is in it from the start, unless `bot` is false."""
    ws = hub.ws
    if body.get("kind") == "im":
        return {"channel": ws.direct_channel(_user(hub, body).id).id}
    members = [ws.user(str(name)).id for name in body.get("members") or []]
    if body.get("bot", True):
        members.append(ws.bot.id)
    shared = bool(body.get("ext_shared"))
    kind: ChannelKind = body.get("kind") or "public"
    channel = ws.add_channel(str(body["name"]), kind=kind, members=members, ext_shared=shared)
    return {"channel": channel.id}


def rename(hub: Hub, body: Json) -> Json:
    channels.rename(hub.ws, _channel(hub, body), str(body["name"]), by=_user(hub, body).id)
    return {}


def archive(hub: Hub, body: Json) -> Json:
    archived = bool(body.get("archived", True))
    channels.archive(hub.ws, _channel(hub, body), by=_user(hub, body).id, archived=archived)
    return {}


def share(hub: Hub, body: Json) -> Json:
    channels.share_externally(hub.ws, _channel(hub, body), shared=bool(body.get("shared", True)))
    return {}


def join(hub: Hub, body: Json) -> Json:
    inviter = hub.ws.user(str(body["inviter"])).id if body.get("inviter") else None
    return {"joined": channels.join(hub.ws, _channel(hub, body), _user(hub, body), inviter=inviter)}


def leave(hub: Hub, body: Json) -> Json:
    channels.leave(hub.ws, _channel(hub, body), _user(hub, body))
    return {}


def post(hub: Hub, body: Json) -> Json:
    channel = _channel(hub, body)
    message = people.write(hub.ws, _user(hub, body), channel, body)
    return {"channel": channel.id, "ts": message["ts"]}


def edit(hub: Hub, body: Json) -> Json:
    people.rewrite(hub.ws, _channel(hub, body), str(body["ts"]), body)
    return {}


def delete(hub: Hub, body: Json) -> Json:
    messages.delete(hub.ws, _channel(hub, body), str(body["ts"]))
    return {}


def react(hub: Hub, body: Json) -> Json:
    change = reactions.remove if body.get("remove") else reactions.add
    change(hub.ws, _channel(hub, body), str(body["ts"]), str(body["name"]), _user(hub, body).id)
    return {}


def click(hub: Hub, body: Json) -> Json:
    channel, action = _channel(hub, body), str(body["action_id"])
    interactions.click(hub.ws, _user(hub, body), channel, str(body["ts"]), action, body.get("value"))
    return {}


def shortcut(hub: Hub, body: Json) -> Json:
    user, callback = _user(hub, body), str(body["callback_id"])
    if not body.get("channel"):
        interactions.global_shortcut(hub.ws, user, callback)
    else:
        interactions.shortcut(hub.ws, user, _channel(hub, body), str(body["ts"]), callback)
    return {}


def submit(hub: Hub, body: Json) -> Json:
    interactions.submit(hub.ws, _user(hub, body), str(body["view_id"]), body.get("values") or {})
    return {}


def command(hub: Hub, body: Json) -> Json:
    text = str(body.get("text") or "")
    interactions.slash_command(hub.ws, _user(hub, body), _channel(hub, body), str(body["command"]), text)
    return {}


def home(hub: Hub, body: Json) -> Json:
    channels.open_home(hub.ws, _user(hub, body), tab=str(body.get("tab") or "home"))
    return {}


def conversation(hub: Hub, body: Json) -> Json:
    channel, thread_ts = channels.open_conversation(
        hub.ws, _user(hub, body), context=str(body.get("context") or "")
    )
    return {"channel": channel.id, "thread_ts": thread_ts}


def stop(hub: Hub, body: Json) -> Json:
    channels.stop_session(hub.ws, _user(hub, body), _channel(hub, body), str(body["thread_ts"]))
    return {}


def add_webhook(hub: Hub, body: Json) -> Json:
    username = str(body.get("username") or "incoming-webhook")
    hook = webhooks.add(hub.ws, _channel(hub, body).id, username=username)
    return {"url": f"{hub.ws.base_url}/services/{hook.path}", "bot_id": hook.bot_id}


def add_app(hub: Hub, body: Json) -> Json:
    user = hub.ws.add_app(str(body["name"]), str(body["token"]))
    return {"user": user.id, "bot_id": user.bot_id}


def create_app(hub: Hub, body: Json) -> Json:
    """From the text of a `manifest`; without one, there is no app any more."""
    if "manifest" not in body:
        apps.remove(hub.ws)
        return {}
    return apps.create(hub.ws, str(body["manifest"]))


def install_app(hub: Hub, body: Json) -> Json:
    return apps.install(hub.ws)


def app_token(hub: Hub, body: Json) -> Json:
    return apps.app_token(hub.ws, body.get("scopes") or ())


def inject(hub: Hub, body: Json) -> Json:
    """`events`: envelopes, payloads or bare events; `{"frame": text}` is written as it is.

    `apply` also changes the workspace as the events say.
    """
    events = body.get("events")
    if not isinstance(events, list):
        raise SlackError("events_must_be_a_list")
    for item in events:
        if isinstance(item, dict) and set(item) == {"frame"}:
            hub.socket.send_frame(str(item["frame"]))
            continue
        envelope = injection.as_envelope(hub.ws, item)
        if body.get("apply"):
            injection.apply(hub.ws, envelope)
        hub.socket.send(envelope)
    return {"sent": len(events)}


def fire(hub: Hub, body: Json) -> Json:
    """Do one step of a scenario: post its payload as the alerting tool would."""
    for scenario in hub.ws.scenarios:
        if scenario.get("id") == body.get("scenario"):
            step = scenario["steps"][int(body.get("step") or 0)]
            posts = step.get("webhooks") or [step["webhook"]]
            return [_fire(hub, {"channel": scenario.get("channel"), **payload}) for payload in posts][-1]
    raise SlackError("unknown_scenario")


def _fire(hub: Hub, payload: Json) -> Json:
    hook = webhooks.of_tool(hub.ws, str(payload.get("username") or "incoming-webhook"))
    message = webhooks.receive(hub.ws, hook.path, payload)
    return {"channel": hub.ws.channel(str(payload["channel"])).id, "ts": message["ts"]}


def add_fault(hub: Hub, body: Json) -> Json:
    if "seed" in body:
        hub.faults.seed(int(body["seed"]))
    known = {field.name for field in dataclasses.fields(ApiFault)}
    return {"id": hub.faults.add(ApiFault(**{key: value for key, value in body.items() if key in known}))}


def clear_faults(hub: Hub, body: Json) -> Json:
    hub.faults.clear()
    hub.socket.make_deaf(False)
    return {}


def socket_faults(hub: Hub, body: Json) -> Json:
    """Sets the named ones, leaves the others. `blackhole` holds for open connections and those to come."""
    if "seed" in body:
        hub.faults.seed(int(body["seed"]))
    known = {field.name for field in dataclasses.fields(SocketFaults)}
    changes = {key: value for key, value in body.items() if key in known}
    hub.faults.socket = dataclasses.replace(hub.faults.socket, **changes)
    hub.socket.make_deaf(hub.faults.socket.blackhole)
    return {"socket": dataclasses.asdict(hub.faults.socket)}


def disconnect(hub: Hub, body: Json) -> Json:
    reason = str(body.get("reason") or "refresh_requested")
    close, abrupt = bool(body.get("close", True)), bool(body.get("abrupt"))
    return {"connections": hub.socket.disconnect(reason, close=close, abrupt=abrupt)}


def token(hub: Hub, body: Json) -> Json:
    """`kind` bot | app; `revoked`, or `scopes` anew."""
    known = hub.ws.tokens[hub.ws.app_token if body.get("kind") == "app" else hub.ws.bot_token]
    known.revoked = bool(body.get("revoked", known.revoked))
    if "scopes" in body:
        known.scopes = frozenset(body["scopes"])
    return {"revoked": known.revoked, "scopes": sorted(known.scopes)}


def rate_limits(hub: Hub, body: Json) -> Json:
    hub.limits.enabled = bool(body["enabled"])
    return {}


def app_mentions(hub: Hub, body: Json) -> Json:
    """Whether `app_mention` is subscribed to, beside `message`."""
    hub.ws.app_mentions = bool(body["enabled"])
    return {}


def links(hub: Hub, body: Json) -> Json:
    """What the page's header links to: `[{"label", "url"}]`, http only."""
    wanted = body.get("links") or []
    if not all(str(link.get("url", "")).startswith(("http://", "https://")) for link in wanted):
        raise SlackError("invalid_url")
    hub.ws.links = [{"label": str(link["label"]), "url": str(link["url"])} for link in wanted]
    hub.ws.changed("links")
    return {}


def shortcuts(hub: Hub, body: Json) -> Json:
    """Message shortcuts the app offers, for the page: `[{"label", "callback_id"}]`."""
    wanted = body.get("shortcuts") or []
    hub.ws.shortcuts = [{"label": str(w["label"]), "callback_id": str(w["callback_id"])} for w in wanted]
    hub.ws.changed("links")
    return {}


def reset_counters(hub: Hub, body: Json) -> Json:
    hub.delivery.figures = type(hub.delivery.figures)()
    hub.api_calls.clear()
    hub.api_errors.clear()
    return {}


ACTIONS: dict[str, Action] = {
    "users": add_user,
    "groups": add_group,
    "channels": add_channel,
    "channels/rename": rename,
    "channels/archive": archive,
    "channels/share": share,
    "channels/join": join,
    "channels/leave": leave,
    "messages": post,
    "messages/edit": edit,
    "messages/delete": delete,
    "reactions": react,
    "click": click,
    "shortcut": shortcut,
    "submit": submit,
    "command": command,
    "home": home,
    "conversation": conversation,
    "stop": stop,
    "webhooks": add_webhook,
    "apps": add_app,
    "app": create_app,
    "app/install": install_app,
    "app/token": app_token,
    "events": inject,
    "scenarios/fire": fire,
    "faults": add_fault,
    "faults/clear": clear_faults,
    "faults/socket": socket_faults,
    "disconnect": disconnect,
    "token": token,
    "rate-limits": rate_limits,
    "app-mentions": app_mentions,
    "links": links,
    "shortcuts": shortcuts,
    "counters/reset": reset_counters,
}


def read_messages(hub: Hub, query: dict[str, str]) -> Json:
    """All messages of `channel` (replies too), or of the thread `thread_ts`, oldest first, with metadata."""
    channel = _channel(hub, dict(query))
    wanted = sorted(channel.messages)
    if query.get("thread_ts"):
        root = stamps.micros(query["thread_ts"])
        wanted = [at for at in (root, *channel.threads.get(root, [])) if at in channel.messages]
    return {"messages": [messages.as_read(channel, at, metadata=True) for at in wanted]}


def read_state(hub: Hub) -> Json:
    ws = hub.ws
    return {
        "team_id": ws.team_id,
        "app_id": ws.app_id,
        "bot": {"user": ws.bot.id, "bot_id": ws.bot.bot_id, "name": ws.bot.name},
        "channels": [channels.as_json(ws, channel) for channel in ws.channels.values()],
        "users": [user.as_json(ws.team_id) for user in ws.users.values()],
        "ephemerals": ws.ephemerals,
        "views": [{"id": v.id, "user": v.user, "open": v.open, "view": v.content} for v in ws.views.values()],
        "statuses": [{"channel": c, "thread_ts": ts, **status} for (c, ts), status in ws.statuses.items()],
        "sessions": [{"channel": c, "thread_ts": ts, "status": s} for (c, ts), s in ws.sessions.items()],
        "titles": [{"channel": c, "thread_ts": ts, "title": title} for (c, ts), title in ws.titles.items()],
        "prompts": [{"channel": c, "thread_ts": ts, "prompts": p} for (c, ts), p in ws.prompts.items()],
        "connections": len(hub.socket.connections),
        "faults": {str(number): dataclasses.asdict(f) for number, f in hub.faults.api.items()},
        "socket_faults": dataclasses.asdict(hub.faults.socket),
        "responses": hub.delivery.responses,
    }


def read_counters(hub: Hub, *, with_list: bool = False) -> Json:
    figures = hub.delivery.figures
    ordered = sorted(figures.latencies)
    answer: Json = {
        "events": {
            "queued": figures.queued,
            "sent": figures.sent,
            "acked": figures.acked,
            "redelivered": figures.redelivered,
            "dropped": figures.dropped,
            "unknown_acks": figures.unknown_acks,
            "pending": len(hub.delivery.pending),
        },
        "ack_latency_ms": {name: _percentile(ordered, share) for name, share in _SHARES.items()},
        "api_calls": dict(hub.api_calls),
        "api_errors": dict(hub.api_errors),
        "connections": len(hub.socket.connections),
        "connects": hub.socket.made,
    }
    if with_list:
        answer["latencies_ms"] = [round(latency * 1000, 3) for latency in figures.latencies]
    return answer


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _percentile(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3)


def condition(hub: Hub, query: dict[str, str]) -> Callable[[], bool]:
    """What /control/wait waits for; see `Control.wait_for`. Raises unknown_condition."""
    count = int(query.get("count") or 1)
    conditions: dict[str, Callable[[], bool]] = {
        "acked": lambda: not hub.delivery.pending,
        "acks": lambda: hub.delivery.figures.acked >= count,
        "connected": lambda: len(hub.socket.connections) >= count,
        "connects": lambda: hub.socket.made >= count,
        "disconnected": lambda: not hub.socket.connections,
        "calls": lambda: hub.api_calls[query.get("method", "")] >= count,
        "messages": lambda: _count_messages(hub, query) >= count,
    }
    found = conditions.get(query.get("for", "acked"))
    if found is None:
        raise SlackError("unknown_condition")
    return found


def _count_messages(hub: Hub, query: dict[str, str]) -> int:
    """Messages of `channel` (and `thread_ts`) by `user` or `bot_id`, whose JSON contains `text`."""
    found: list[Any] = read_messages(hub, query)["messages"]
    for key in ("user", "bot_id"):
        if query.get(key):
            found = [message for message in found if message.get(key) == query[key]]
    if query.get("by") == "bot":
        found = [message for message in found if message.get("bot_id") == hub.ws.bot.bot_id]
    return sum(query.get("text", "") in _shown(message) for message in found)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(_shown(item) for item in value.values())
    if isinstance(value, list):
        return "\n".join(_shown(item) for item in value)
    return value if isinstance(value, str) else ""

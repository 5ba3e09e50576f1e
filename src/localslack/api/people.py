"""users.* and reactions.*."""

from __future__ import annotations

from localslack import messages, reactions
from localslack.api.call import Call, Method, page
from localslack.errors import SlackError
from localslack.model import Channel, Json, User


def _shown(call: Call, user: User) -> Json:
    return user.as_json(call.ws.team_id, with_email="users:read.email" in call.token.scopes)


def info(call: Call) -> Json:
    user = call.ws.users.get(call.required("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": _shown(call, user)}


def list_(call: Call) -> Json:
    everybody = list(call.ws.users.values())
    shown, metadata = page(call, everybody, default=max(1, len(everybody)), most=1000)
    answer = [_shown(call, user) for user in shown]
    return {"members": answer, "cache_ts": call.ws.now(), "response_metadata": metadata}


def lookup_by_email(call: Call) -> Json:
    email = call.required("email").lower()
    for user in call.ws.users.values():
        if (user.email or "").lower() == email and not user.deleted:
            return {"user": _shown(call, user)}
    raise SlackError("users_not_found")


def react(call: Call) -> Json:
    channel, ts = _target(call)
    reactions.add(call.ws, channel, ts, call.required("name"), call.bot.id)
    return {}


def unreact(call: Call) -> Json:
    channel, ts = _target(call)
    reactions.remove(call.ws, channel, ts, call.required("name"), call.bot.id)
    return {}


def get_reactions(call: Call) -> Json:
    channel, ts = _target(call)
    message = messages.public(messages.find(channel, ts))
    link = call.ws.permalink(channel, message)
    return {"type": "message", "channel": channel.id, "message": {**message, "permalink": link}}


def group_members(call: Call) -> Json:
    members = call.ws.groups.get(call.required("usergroup"))
    if members is None:
        raise SlackError("no_such_subteam")
    return {"users": members}


def groups(call: Call) -> Json:
    return {"usergroups": [{"id": id_, "handle": call.ws.handles.get(id_, "")} for id_ in call.ws.groups]}


def _target(call: Call) -> tuple[Channel, str]:
    if not call.text("timestamp"):
        raise SlackError("no_item_specified")
    return call.member_channel(), call.text("timestamp")


METHODS = {
    "usergroups.list": Method(groups, scope="usergroups:read", tier=2),
    "usergroups.users.list": Method(group_members, scope="usergroups:read", tier=2),
    "users.info": Method(info, scope="users:read", tier=4),
    "users.list": Method(list_, scope="users:read", tier=2),
    "users.lookupByEmail": Method(lookup_by_email, scope="users:read.email"),
    "reactions.add": Method(react, scope="reactions:write"),
    "reactions.remove": Method(unreact, scope="reactions:write", tier=2),
    "reactions.get": Method(get_reactions, scope="reactions:read"),
}

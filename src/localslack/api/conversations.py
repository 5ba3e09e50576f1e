"""conversations.*: channels, their history, threads and members."""

from __future__ import annotations

import bisect

from localslack import channels, messages, stamps
from localslack.api.call import Call, Method, next_page, page
from localslack.errors import SlackError
from localslack.model import Channel, Json

_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
_READ_SCOPE = {
    "public": "channels:read",
    "private": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
_FAR = 10**18


def list_(call: Call) -> Json:
    found = _visible(call, _kinds(call))
    if call.flag("exclude_archived"):
        found = [channel for channel in found if not channel.archived]
    shown, metadata = page(call, found, default=100, most=1000)
    return {
        "channels": [channels.as_json(call.ws, channel) for channel in shown],
        "response_metadata": metadata,
    }


def info(call: Call) -> Json:
    channel = call.channel("read")
    answer = channels.as_json(call.ws, channel)
    if not call.flag("include_num_members"):
        answer.pop("num_members", None)
    return {"channel": answer}


def history(call: Call) -> Json:
    """Newest first. A reply is here only when it was broadcast."""
    channel = call.member_channel("history")
    low, high = _window(call, channel.top)
    if call.cursor():
        high = min(high, bisect.bisect_left(channel.top, _cursor_micros(call)))
    limit = call.limit(100, 999)
    start = max(low, high - limit)
    metadata = call.flag("include_all_metadata")
    shown = [messages.as_read(channel, at, metadata=metadata) for at in reversed(channel.top[start:high])]
    more = start > low
    answer: Json = {"messages": shown, "has_more": more, "pin_count": 0}
    if call.text("latest"):
        answer["latest"] = call.text("latest")
    if call.text("oldest"):
        answer["oldest"] = call.text("oldest")
    if more:
        answer["response_metadata"] = next_page(channel.top[start])
    return answer


def replies(call: Call) -> Json:
    """The root first, on every page, then replies from the oldest on. A reply's own ts gives that reply."""
    channel = call.member_channel("history")
    root = stamps.argument(call.required("ts"), "invalid_ts_latest")
    if root not in channel.messages:
        raise SlackError("thread_not_found")
    thread = channel.threads.get(root, [])
    low, high = _window(call, thread)
    if call.cursor():
        low = max(low, bisect.bisect_right(thread, _cursor_micros(call)))
    limit = call.limit(100, 1000)
    end = min(high, low + max(1, limit - 1))
    metadata = call.flag("include_all_metadata")
    shown = [root, *thread[low:end]]
    answer: Json = {
        "messages": [messages.as_read(channel, at, metadata=metadata) for at in shown],
        "has_more": end < high,
    }
    if end < high:
        answer["response_metadata"] = next_page(thread[end - 1])
    return answer


def members(call: Call) -> Json:
    channel = call.channel("read")
    shown, metadata = page(call, list(channel.members), default=100, most=1000)
    return {"members": shown, "response_metadata": metadata}


def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    call.need("channels:join")
    news = channels.join(call.ws, channel, call.bot)
    answer: Json = {"channel": channels.as_json(call.ws, channel)}
    if not news:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return answer


def leave(call: Call) -> Json:
    channel = call.channel()
    if call.bot.id not in channel.members:
        return {"not_in_channel": True}
    channels.leave(call.ws, channel, call.bot)
    return {}


def open_(call: Call) -> Json:
    """A direct conversation with one person."""
    call.need("im:write")
    if call.text("channel"):
        channel = call.channel()
    else:
        people = [user for user in call.required("users").split(",") if user]
        if len(people) != 1:
            raise SlackError("method_not_supported_for_channel_type")
        if people[0] not in call.ws.users:
            raise SlackError("user_not_found")
        channel = call.ws.direct_channel(people[0])
    answer = channels.as_json(call.ws, channel) if call.flag("return_im") else {"id": channel.id}
    return {"channel": answer, "no_op": False, "already_open": False}


def mark(call: Call) -> Json:
    call.member_channel()
    return {}


def _kinds(call: Call) -> set[str]:
    names = [name.strip() for name in (call.text("types") or "public_channel").split(",")]
    unknown = [name for name in names if name not in _KINDS]
    if unknown:
        raise SlackError("invalid_types")
    kinds = {_KINDS[name] for name in names}
    for kind in sorted(kinds):
        call.need(_READ_SCOPE[kind])
    return kinds


def _visible(call: Call, kinds: set[str], member: str | None = None) -> list[Channel]:
    """What this bot sees, by id: public channels, and private ones it is in."""
    seen = (
        channel
        for channel in call.ws.channels.values()
        if channel.kind in kinds and (channel.kind == "public" or call.token.user in channel.members)
    )
    return sorted((c for c in seen if member is None or member in c.members), key=lambda c: c.id)


def of_user(call: Call) -> Json:
    """users.conversations: those the bot, or `user`, is in."""
    user = call.text("user") or call.token.user
    if user not in call.ws.users:
        raise SlackError("user_not_found")
    found = _visible(call, _kinds(call), user)
    if call.flag("exclude_archived"):
        found = [channel for channel in found if not channel.archived]
    shown, metadata = page(call, found, default=100, most=999)
    return {"channels": [channels.as_json(call.ws, c) for c in shown], "response_metadata": metadata}


def _window(call: Call, ordered: list[int]) -> tuple[int, int]:
    """The slice of `ordered` between oldest and latest, which count only when `inclusive`."""
    oldest = stamps.argument(call.text("oldest") or "0", "invalid_ts_oldest")
    latest = stamps.argument(call.text("latest"), "invalid_ts_latest") if call.text("latest") else _FAR
    if call.flag("inclusive"):
        return bisect.bisect_left(ordered, oldest), bisect.bisect_right(ordered, latest)
    return bisect.bisect_right(ordered, oldest), bisect.bisect_left(ordered, latest)


def _cursor_micros(call: Call) -> int:
    opened = call.cursor()
    if not opened.isdigit():
        raise SlackError("invalid_cursor")
    return int(opened)


METHODS = {
    "conversations.list": Method(list_, tier=2),
    "conversations.info": Method(info),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "conversations.members": Method(members, tier=4),
    "conversations.join": Method(join),
    "conversations.leave": Method(leave),
    "conversations.open": Method(open_),
    "conversations.mark": Method(mark),
    "users.conversations": Method(of_user),
}

"""The things a workspace is made of."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any, Literal

from localslack import stamps

Json = dict[str, Any]
ChannelKind = Literal["public", "private", "im", "mpim"]

CHANNEL_TYPE: dict[ChannelKind, str] = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
"""How an event's `channel_type` names each kind."""

MANIFEST_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
)


@dataclass(slots=True)
class User:
    id: str
    name: str
    real_name: str
    email: str | None = None
    is_bot: bool = False
    deleted: bool = False
    tz: str = "UTC"
    title: str = ""
    app_id: str | None = None
    bot_id: str | None = None

    def as_json(self, team_id: str, *, with_email: bool = True) -> Json:
        profile: Json = {
            "real_name": self.real_name,
            "display_name": self.name,
            "real_name_normalized": self.real_name,
            "display_name_normalized": self.name,
            "title": self.title,
            "team": team_id,
        }
        if self.email and with_email:
            profile["email"] = self.email
        if self.bot_id:
            profile |= {"bot_id": self.bot_id, "api_app_id": self.app_id or ""}
        return {
            "id": self.id,
            "team_id": team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": 0,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_admin": False,
            "updated": 0,
            "profile": profile,
        }


@dataclass(slots=True)
class Channel:
    """`messages` by microseconds; `top` is what history shows, `threads` the replies of each root."""

    id: str
    name: str
    kind: ChannelKind = "public"
    created: int = 0
    creator: str = "USLACKBOT"
    members: dict[str, None] = field(default_factory=dict)
    archived: bool = False
    ext_shared: bool = False
    topic: str = ""
    purpose: str = ""
    partner: str | None = None
    messages: dict[int, Json] = field(default_factory=dict)
    top: list[int] = field(default_factory=list)
    threads: dict[int, list[int]] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return CHANNEL_TYPE[self.kind]

    def put(self, at: int, message: Json, *, root: int | None, in_history: bool) -> None:
        """Store a message; a second one at the same ts replaces the first."""
        self.messages[at] = message
        if in_history:
            _insert(self.top, at)
        if root is not None and root != at:
            _insert(self.threads.setdefault(root, []), at)

    def drop(self, at: int) -> Json:
        """Take a message out of the channel and of the thread it was a reply in."""
        message = self.messages.pop(at)
        _remove(self.top, at)
        root = stamps.micros(message.get("thread_ts") or 0)
        if root in self.threads:
            _remove(self.threads[root], at)
            if not self.threads[root]:
                del self.threads[root]
        return message


def _insert(ordered: list[int], at: int) -> None:
    if not ordered or ordered[-1] < at:
        ordered.append(at)
        return
    index = bisect.bisect_left(ordered, at)
    if index == len(ordered) or ordered[index] != at:
        ordered.insert(index, at)


def _remove(ordered: list[int], at: int) -> None:
    index = bisect.bisect_left(ordered, at)
    if index < len(ordered) and ordered[index] == at:
        del ordered[index]


@dataclass(slots=True)
class File:
    id: str
    name: str
    title: str
    mimetype: str
    filetype: str
    size: int
    user: str
    created: int
    content: bytes | None = None
    uploaded: bool = False
    completed: bool = False


@dataclass(slots=True)
class Token:
    """`kind` is "bot" (xoxb) or "app" (xapp); `user` is the bot user it speaks as."""

    value: str
    kind: Literal["bot", "app"]
    scopes: frozenset[str]
    user: str
    revoked: bool = False


@dataclass(slots=True)
class Webhook:
    """An incoming webhook: the part of its URL after /services/, and how its posts are signed."""

    path: str
    channel: str
    bot_id: str
    username: str = "incoming-webhook"


@dataclass(slots=True)
class View:
    id: str
    user: str
    content: Json
    hash: str
    open: bool = True

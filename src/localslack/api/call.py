"""One call of the Web API: its arguments, its token, and what Slack says when they are wrong."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from localslack.errors import SlackError
from localslack.model import Channel, Json, Token, User
from localslack.workspace import Workspace

_PREFIX = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True, slots=True)
class Call:
    ws: Workspace
    token: Token
    args: Mapping[str, Any]

    @property
    def bot(self) -> User:
        """The bot user that calls."""
        return self.ws.users[self.token.user]

    def text(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise SlackError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def flag(self, name: str) -> bool:
        return str(self.args.get(name, "")).lower() in ("1", "true", "yes")

    def limit(self, default: int, most: int) -> int:
        try:
            asked = int(self.text("limit") or default)
        except ValueError:
            raise SlackError("invalid_limit") from None
        if asked < 0:
            raise SlackError("invalid_limit")
        return min(asked or default, most)

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """An argument that is JSON: sent as such, or as text in a form. None when absent or empty."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None

    def cursor(self) -> str:
        """What the previous page put into its cursor, or an empty text."""
        raw = self.text("cursor")
        if not raw:
            return ""
        try:
            opened = base64.b64decode(raw, validate=True).decode()
        except (binascii.Error, ValueError):
            raise SlackError("invalid_cursor") from None
        if not opened.startswith("next:"):
            raise SlackError("invalid_cursor")
        return opened.removeprefix("next:")

    def need(self, scope: str) -> None:
        """Raises missing_scope."""
        if scope not in self.token.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.token.scopes)))

    def channel(self, scope: str = "", name: str = "channel") -> Channel:
        """A conversation by id, as far as this bot may see it. `scope` is "read" or "history"."""
        channel = self.ws.channels.get(self.required(name))
        if channel is None or (channel.kind != "public" and self.token.user not in channel.members):
            raise SlackError("channel_not_found")
        if scope:
            self.need(f"{_PREFIX[channel.kind]}:{scope}")
        return channel

    def member_channel(self, scope: str = "", name: str = "channel") -> Channel:
        """The same, and the bot is in it; raises not_in_channel."""
        channel = self.channel(scope, name)
        if self.token.user not in channel.members:
            raise SlackError("not_in_channel")
        return channel


def next_page(value: object) -> Json:
    """The part of an answer that leads to the next page."""
    return {"next_cursor": base64.b64encode(f"next:{value}".encode()).decode()}


def page(call: Call, items: list[Any], *, default: int, most: int) -> tuple[list[Any], Json]:
    """One page of a list, and its response_metadata."""
    limit = call.limit(default, most)
    opened = call.cursor() or "0"
    if not opened.isdigit() or int(opened) > len(items):
        raise SlackError("invalid_cursor")
    end = int(opened) + limit
    return items[int(opened) : end], next_page(end) if end < len(items) else {"next_cursor": ""}


Run = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """`tier` is Slack's rate tier; None is unlimited here."""

    run: Run
    scope: str = ""
    token: Literal["bot", "app", "any"] = "bot"
    tier: int | None = 3

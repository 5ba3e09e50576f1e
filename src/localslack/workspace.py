"""The workspace: everything Slack would know, in memory. No I/O; the clock is passed in.

Rules live beside it, one file per subject (`messages`, `channels`, `reactions`, …): functions that take
the workspace, change it, and tell its listeners what happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from localslack import stamps
from localslack.errors import SlackError
from localslack.manifest import Manifest
from localslack.model import MANIFEST_SCOPES, Channel, ChannelKind, File, Json, Token, User, View, Webhook

BOT_TOKEN = "xoxb-localslack-bot"
APP_TOKEN = "xapp-localslack-app"

Listener = Callable[[Json], None]


class Workspace:
    """One team with one installed app: Ratchet, or whatever bot is under test.

    `clock` returns seconds since the UTC epoch. `on_payload` listeners get what Socket Mode must carry
    (`{"type": "events_api" | "interactive", "payload": …}`), `on_change` listeners what a page must redraw.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        name: str = "Local workspace",
        bot_name: str = "ratchet",
        scopes: Iterable[str] = MANIFEST_SCOPES,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        app_mentions: bool = False,
    ) -> None:
        self.clock = clock
        self.name = name
        self.domain = "localslack"
        self.team_id = "T0LOCAL00"
        self.app_id = "A0LOCAL00"
        self.base_url = "http://127.0.0.1"
        self.app_mentions = app_mentions
        # The app comes with the workspace, and hears everything, unless it is made from a manifest (apps.py).
        self.manifest: Manifest | None = None
        self.subscribed: Callable[[Json, Channel | None], bool] = lambda event, channel: True
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, User] = {}
        # User groups: members by id.
        self.groups: dict[str, list[str]] = {}
        self.handles: dict[str, str] = {}
        self.files: dict[str, File] = {}
        self.views: dict[str, View] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.triggers: dict[str, tuple[float, str]] = {}
        self.tickets: set[str] = set()
        self.response_urls: dict[str, Json] = {}
        self.statuses: dict[tuple[str, str], Json] = {}
        # Of the app's sessions: "processing", "active", "suspended" or "closed".
        self.sessions: dict[tuple[str, str], str] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.prompts: dict[tuple[str, str], list[Json]] = {}
        self.ephemerals: list[Json] = []
        self.scenarios: list[Json] = []
        self.links: list[Json] = []
        self.shortcuts: list[Json] = []
        self.on_payload: list[Listener] = []
        self.on_change: list[Listener] = []
        self.bot_token, self.app_token = bot_token, app_token
        self._counters: dict[str, int] = {}
        self._last_ts = 0
        self.bot = self.add_user(bot_name, real_name=bot_name.title(), is_bot=True)
        self.bot.app_id, self.bot.bot_id = self.app_id, self.new_id("B")
        self.tokens = {
            bot_token: Token(bot_token, "bot", frozenset(scopes), self.bot.id),
            app_token: Token(app_token, "app", frozenset({"connections:write"}), self.bot.id),
        }

    # Ids and time

    def new_id(self, prefix: str) -> str:
        """`C0L0000001`, `U0L0000001`, …: counted, never random, skipping ids an export brought."""
        while True:
            number = self._counters[prefix] = self._counters.get(prefix, 0) + 1
            made = f"{prefix}0L{number:07d}"
            if made not in self.channels and made not in self.users and made not in self.files:
                return made

    def count(self, name: str) -> int:
        """The next number of a series: events, envelopes, blocks."""
        self._counters[name] = self._counters.get(name, 0) + 1
        return self._counters[name]

    def now(self) -> int:
        """Seconds since the UTC epoch, for fields that Slack gives in whole seconds."""
        return int(self.clock())

    def next_ts(self) -> str:
        """Unique and increasing over the whole workspace, also when the clock stands still."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return stamps.text(self._last_ts)

    def has_seen(self, at: int) -> None:
        """A ts that came from outside: later ones are later."""
        self._last_ts = max(self._last_ts, at)

    # Who and where

    def add_user(
        self,
        name: str,
        *,
        real_name: str = "",
        email: str | None = None,
        is_bot: bool = False,
        user_id: str | None = None,
    ) -> User:
        user = User(user_id or self.new_id("U"), name, real_name or name, email, is_bot)
        self.users[user.id] = user
        self.changed("users", user=user.id)
        return user

    def add_app(self, name: str, token: str) -> User:
        """Another installed app, which posts with its own token and hears nothing."""
        user = self.add_user(name, real_name=name, is_bot=True)
        user.bot_id, user.app_id = self.new_id("B"), self.new_id("A")
        scopes = frozenset({*MANIFEST_SCOPES, "chat:write.public", "chat:write.customize"})
        self.tokens[token] = Token(token, "bot", scopes, user.id)
        return user

    def add_channel(
        self,
        name: str,
        *,
        kind: ChannelKind = "public",
        members: Iterable[str] = (),
        ext_shared: bool = False,
        channel_id: str | None = None,
    ) -> Channel:
        prefix = "D" if kind == "im" else "C"
        channel = Channel(channel_id or self.new_id(prefix), name, kind, self.now(), ext_shared=ext_shared)
        channel.members = dict.fromkeys(members)
        self.channels[channel.id] = channel
        self.changed("channels", channel=channel.id)
        return channel

    def channel(self, name_or_id: str) -> Channel:
        """By id, or by name with or without `#`; raises channel_not_found."""
        found = self.channels.get(name_or_id)
        if found:
            return found
        wanted = name_or_id.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == wanted and channel.kind != "im":
                return channel
        raise SlackError("channel_not_found")

    def user(self, name_or_id: str) -> User:
        """By id, or by name with or without `@`; raises user_not_found."""
        found = self.users.get(name_or_id)
        if found:
            return found
        wanted = name_or_id.removeprefix("@")
        for user in self.users.values():
            if user.name == wanted:
                return user
        raise SlackError("user_not_found")

    def direct_channel(self, user_id: str) -> Channel:
        """The bot's conversation with one person, opened when first needed."""
        for channel in self.channels.values():
            if channel.kind == "im" and channel.partner == user_id:
                return channel
        channel = self.add_channel("", kind="im", members=(user_id, self.bot.id))
        channel.partner = user_id
        return channel

    def is_member(self, channel: Channel) -> bool:
        """Whether the bot is in the channel, and so hears it."""
        return self.bot.id in channel.members

    def permalink(self, channel: Channel, message: Json) -> str:
        link = f"{self.base_url}/archives/{channel.id}/{stamps.permalink_part(message['ts'])}"
        root = message.get("thread_ts")
        return f"{link}?thread_ts={root}&cid={channel.id}" if root and root != message["ts"] else link

    # Telling

    def changed(self, what: str, **details: Any) -> None:
        for listener in self.on_change:
            listener({"what": what, **details})

    def send(self, type_: str, payload: Json) -> None:
        for listener in self.on_payload:
            listener({"type": type_, "payload": payload})

    def emit(self, event: Json, channel: Channel | None = None) -> None:
        """Send an event to the app; nothing when it happened in a channel the bot is not in."""
        if channel is not None and not self.is_member(channel):
            return
        if not self.subscribed(event, channel):
            return
        shared = channel is not None and channel.ext_shared
        self.send("events_api", self.event_payload(event, shared=shared))

    def event_payload(self, event: Json, *, shared: bool = False) -> Json:
        return {
            "token": "localslack-verification",
            "team_id": self.team_id,
            "context_team_id": self.team_id,
            "context_enterprise_id": None,
            "api_app_id": self.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0L{self.count('Ev'):07d}",
            "event_time": self.now(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self.team_id,
                    "user_id": self.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": shared,
            "event_context": f"4-localslack-{event.get('type', '')}",
        }

"""How an app comes into a workspace: created from a manifest, installed, given a token for its socket.

The three steps of api.slack.com/apps. Until then nobody has a token, and the app hears nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from localslack.errors import SlackError
from localslack.manifest import read
from localslack.model import Channel, Json, Token
from localslack.workspace import Workspace

APP_SCOPES: Final = frozenset({"connections:write", "authorizations:read", "app_configurations:write"})
MESSAGES: Final = {
    "public": "message.channels", "private": "message.groups", "im": "message.im", "mpim": "message.mpim",
}  # fmt: skip


def remove(ws: Workspace) -> None:
    """An empty workspace: no app, no token."""
    ws.tokens.clear()
    ws.manifest = None
    ws.subscribed = lambda event, channel: False


def create(ws: Workspace, manifest: str) -> Json:
    """*Create New App*, *From a manifest*. Raises SlackError `invalid_manifest`."""
    remove(ws)
    ws.manifest = found = read(manifest)
    ws.bot.name, ws.bot.real_name = found.bot_name, found.bot_name.title()
    ws.subscribed = lambda event, channel: _name(event, channel) in found.events
    ws.app_mentions = "app_mention" in found.events
    wanted = [one for one in found.shortcuts if one["type"] == "message"]
    ws.shortcuts = [{"label": one["name"], "callback_id": one["callback_id"]} for one in wanted]
    return {"app_id": ws.app_id}


def install(ws: Workspace) -> Json:
    """*Install App*: the bot token, with the scopes of the manifest. Raises SlackError `no_app`."""
    if ws.manifest is None:
        raise SlackError("no_app")
    value = f"xoxb-{ws.count('token'):012d}-localslack"
    ws.tokens[value] = Token(value, "bot", ws.manifest.scopes, ws.bot.id)
    ws.bot_token = value
    return {"bot_token": value}


def app_token(ws: Workspace, scopes: Iterable[str]) -> Json:
    """*App-Level Tokens*, *Generate*. Raises SlackError `no_app`, `invalid_scope`."""
    if ws.manifest is None:
        raise SlackError("no_app")
    wanted = frozenset(scopes)
    if not wanted or not wanted <= APP_SCOPES:
        raise SlackError("invalid_scope")
    value = f"xapp-1-{ws.app_id}-{ws.count('token'):012d}-localslack"
    ws.tokens[value] = Token(value, "app", wanted, ws.bot.id)
    ws.app_token = value
    return {"app_token": value}


def _name(event: Json, channel: Channel | None) -> str:
    """As it is subscribed to."""
    kind = str(event.get("type", ""))
    return MESSAGES[channel.kind] if kind == "message" and channel is not None else kind

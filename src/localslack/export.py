"""A workspace from a standard Slack export: a directory or a zip.

`channels.json`, `users.json`, optionally `groups.json`, `dms.json`, `mpims.json`; a folder per conversation
with a `YYYY-MM-DD.json` per day. Beside them, optional and our own, `scenarios.json`: alerts to fire.
"""

from __future__ import annotations

import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from localslack import stamps
from localslack.errors import WorkspaceFileError
from localslack.model import Channel, ChannelKind, Json, User, Webhook
from localslack.shift import shifted
from localslack.workspace import Workspace

DAY_S = 86_400

_LISTS: tuple[tuple[str, ChannelKind], ...] = (
    ("channels.json", "public"),
    ("groups.json", "private"),
    ("mpims.json", "mpim"),
    ("dms.json", "im"),
)


def load(
    path: Path,
    *,
    newest_minutes_ago: float | None = None,
    clock: Callable[[], float] = time.time,
    whole_days: bool = False,
    bot_joins: bool = True,
    **options: Any,
) -> Workspace:
    """Read an export. `newest_minutes_ago` moves all its times so that the newest message is that old.

    `whole_days`: by a number of days, so that what happened at night still did; it is then up to a day older.

    `bot_joins`: the app is a member of every conversation that is not archived. `options` go to Workspace.
    Raises WorkspaceFileError.
    """
    ws = Workspace(clock=clock, **options)
    with closing(_Source(path)) as source:
        _read_users(ws, source)
        days = {channel.id: list(_messages(source, channel)) for channel in _read_channels(ws, source)}
        ws.scenarios = source.json("scenarios.json", [])
    newest = max((stamps.micros(m["ts"]) for day in days.values() for m in day), default=0)
    if newest_minutes_ago is not None and newest:
        seconds = math.floor(clock() - newest_minutes_ago * 60 - newest / 1_000_000)
        seconds -= seconds % DAY_S if whole_days else 0
        days = {channel: shifted(found, seconds) for channel, found in days.items()}
    for channel_id, found in days.items():
        _fill(ws, ws.channels[channel_id], found)
    if bot_joins:
        for channel in ws.channels.values():
            if not channel.archived:
                channel.members[ws.bot.id] = None
    return ws


class _Source:
    """The files of an export, wherever they are. Zips made by hand may have one folder around everything."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            names = {str(p.relative_to(path)): p for p in sorted(path.rglob("*.json"))}
            self._names: dict[str, Any] = names
            self._zip = None
        elif path.is_file():
            try:
                self._zip = zipfile.ZipFile(path)
            except zipfile.BadZipFile:
                raise WorkspaceFileError(
                    f"{path} is not a zip; give a Slack export or its directory"
                ) from None
            self._names = _inside({name: name for name in self._zip.namelist() if name.endswith(".json")})
        else:
            raise WorkspaceFileError(f"{path} does not exist; give a Slack export, zip or directory")
        self._path = path

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()

    def folder(self, name: str) -> Iterator[str]:
        return (found for found in sorted(self._names) if found.startswith(f"{name}/"))

    def json(self, name: str, default: Any = None) -> Any:
        known = self._names.get(name)
        if known is None:
            return default
        try:
            return json.loads(known.read_bytes() if self._zip is None else self._zip.read(known))
        except (ValueError, zipfile.BadZipFile) as error:
            raise WorkspaceFileError(f"{name} in {self._path} is not JSON: {error}") from None


def _inside(names: dict[str, str]) -> dict[str, str]:
    root = next((name.removesuffix("channels.json") for name in names if name.endswith("channels.json")), "")
    return {name.removeprefix(root): full for name, full in names.items() if name.startswith(root)}


def _read_users(ws: Workspace, source: _Source) -> None:
    for item in source.json("users.json", []):
        profile = item.get("profile") or {}
        user = User(
            str(item["id"]),
            str(profile.get("display_name") or item.get("name") or item["id"]),
            str(item.get("real_name") or profile.get("real_name") or item.get("name") or item["id"]),
            profile.get("email"),
            bool(item.get("is_bot")),
            bool(item.get("deleted")),
            str(item.get("tz") or "UTC"),
            str(profile.get("title") or ""),
            bot_id=profile.get("bot_id"),
        )
        ws.users[user.id] = user


def _read_channels(ws: Workspace, source: _Source) -> list[Channel]:
    found: list[Channel] = []
    for name, kind in _LISTS:
        found.extend(_channel(ws, item, kind) for item in source.json(name, []))
    if not found:
        raise WorkspaceFileError("no channels.json with channels in it; is this a Slack export?")
    return found


def _channel(ws: Workspace, item: Json, kind: ChannelKind) -> Channel:
    members = [str(member) for member in item.get("members") or []]
    name = str(item.get("name") or "")
    channel = ws.add_channel(name, kind=kind, members=members, channel_id=str(item["id"]))
    channel.created = int(item.get("created") or 0)
    channel.creator = str(item.get("creator") or "USLACKBOT")
    channel.archived = bool(item.get("is_archived"))
    channel.ext_shared = bool(item.get("is_ext_shared") or item.get("is_shared"))
    channel.topic = str((item.get("topic") or {}).get("value") or "")
    channel.purpose = str((item.get("purpose") or {}).get("value") or "")
    if kind == "im":
        channel.partner = members[0] if members else None
    return channel


def _messages(source: _Source, channel: Channel) -> Iterator[Json]:
    for folder in dict.fromkeys(name for name in (channel.name, channel.id) if name):
        for name in source.folder(folder):
            for item in source.json(name):
                if isinstance(item, dict) and stamps.is_ts(item.get("ts")):
                    yield item


_COMPUTED = (
    "reply_count",
    "reply_users_count",
    "reply_users",
    "latest_reply",
    "replies",
    "subscribed",
    "is_locked",
)


def _fill(ws: Workspace, channel: Channel, found: list[Json]) -> None:
    for item in found:
        _meet_tool(ws, channel, item)
        message = {key: value for key, value in item.items() if key not in _COMPUTED}
        at = stamps.micros(message["ts"])
        root = message.get("thread_ts")
        root_at = stamps.micros(root) if root else None
        if root_at == at:
            message.pop("thread_ts")
        reply = root_at is not None and root_at != at
        shown = not reply or message.get("subtype") == "thread_broadcast"
        channel.put(at, message, root=root_at, in_history=shown)
        ws.has_seen(at)


def _meet_tool(ws: Workspace, channel: Channel, item: Json) -> None:
    """A tool that posted before posts again as the same bot."""
    bot, name = item.get("bot_id"), item.get("username")
    path = f"{ws.team_id}/{bot}/export"
    if bot and name and path not in ws.webhooks:
        ws.webhooks[path] = Webhook(path, channel.id, str(bot), str(name))

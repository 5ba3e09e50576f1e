"""The page's edge: its three files, what it reads, and a stream of what changed."""

from __future__ import annotations

import asyncio
import bisect
import json
from importlib.resources import files

from aiohttp import web

from localslack import channels, messages, stamps
from localslack.errors import SlackError
from localslack.http_api import HUB
from localslack.hub import Hub
from localslack.model import Channel, Json

_TYPES = {"app.js": "text/javascript", "render.js": "text/javascript", "style.css": "text/css"}
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_QUIET_SECONDS = 15.0
_BACKLOG = 500


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", page),
        web.get("/archives/{rest:.+}", page),
        web.get("/static/{name}", static),
        web.get("/client/boot", boot),
        web.get("/client/messages", read),
        web.get("/client/thread", thread),
        web.get("/client/file/{file}", file),
        web.get("/client/stream", stream),
    ]


async def page(request: web.Request) -> web.Response:
    return _file("index.html", "text/html")


async def static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _TYPES:
        raise web.HTTPNotFound
    return _file(name, _TYPES[name])


def _file(name: str, content_type: str) -> web.Response:
    text = files("localslack").joinpath("page", name).read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(text=text, content_type=content_type, headers=headers)


async def boot(request: web.Request) -> web.Response:
    hub = request.app[HUB]
    ws = hub.ws
    return web.json_response(
        {
            "team": ws.name,
            "bot": ws.bot.id,
            "app_id": ws.app_id,
            "channels": [_entry(hub, channel) for channel in ws.channels.values()],
            "users": [user.as_json(ws.team_id) for user in ws.users.values()],
            "scenarios": ws.scenarios,
            "links": ws.links,
            "shortcuts": ws.shortcuts,
            "connected": len(hub.socket.connections),
        }
    )


def _entry(hub: Hub, channel: Channel) -> Json:
    latest = stamps.text(channel.top[-1]) if channel.top else "0"
    return {**channels.as_json(hub.ws, channel), "latest": latest}


async def read(request: web.Request) -> web.Response:
    """A stretch of a channel, oldest first: the newest `limit`, those before `before`, or around `around`."""
    hub, query = request.app[HUB], request.query
    channel = _channel(hub, query.get("channel", ""))
    limit = min(500, int(query.get("limit", "60")))
    end = len(channel.top)
    if query.get("before"):
        end = bisect.bisect_left(channel.top, stamps.micros(query["before"]))
    start = max(0, end - limit)
    if query.get("around"):
        start = min(start, max(0, bisect.bisect_left(channel.top, stamps.micros(query["around"])) - 15))
    return web.json_response(
        {
            "messages": [messages.as_read(channel, at) for at in channel.top[start:end]],
            "more": start > 0,
            "ephemerals": [note for note in hub.ws.ephemerals if note["channel"] == channel.id],
        }
    )


async def thread(request: web.Request) -> web.Response:
    hub, query = request.app[HUB], request.query
    channel = _channel(hub, query.get("channel", ""))
    root = stamps.micros(query.get("ts", "0"))
    wanted = [at for at in (root, *channel.threads.get(root, [])) if at in channel.messages]
    status = hub.ws.statuses.get((channel.id, query.get("ts", "")), {})
    shown = [messages.as_read(channel, at) for at in wanted]
    return web.json_response({"messages": shown, "status": status.get("status", "")})


async def file(request: web.Request) -> web.Response:
    """An image, for the page to show. Nothing else, and never as a document."""
    known = request.app[HUB].ws.files.get(request.match_info["file"])
    if (
        known is None
        or known.content is None
        or known.mimetype not in ("image/png", "image/jpeg", "image/gif")
    ):
        raise web.HTTPNotFound
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}
    return web.Response(body=known.content, content_type=known.mimetype, headers=headers)


async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one JSON object per change; `reload` when the page fell behind."""
    hub = request.app[HUB]
    queue: asyncio.Queue[Json] = asyncio.Queue(_BACKLOG)
    listener = _Put(queue)
    hub.ws.on_change.append(listener)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    try:
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        while True:
            await response.write(await _next_chunk(queue))
    except ConnectionError:
        return response
    finally:
        hub.ws.on_change.remove(listener)


class _Put:
    def __init__(self, queue: asyncio.Queue[Json]) -> None:
        self._queue = queue

    def __call__(self, change: Json) -> None:
        if not self._queue.full():
            self._queue.put_nowait(change)
            return
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait({"what": "reload"})


async def _next_chunk(queue: asyncio.Queue[Json]) -> bytes:
    try:
        async with asyncio.timeout(_QUIET_SECONDS):
            change = await queue.get()
    except TimeoutError:
        return b": still here\n\n"
    return f"data: {json.dumps(change)}\n\n".encode()


def _channel(hub: Hub, name: str) -> Channel:
    try:
        return hub.ws.channel(name)
    except SlackError:
        raise web.HTTPNotFound from None

"""localslack's composition: the workspace, its edges, one aiohttp application on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from localslack import http_api, http_control, http_page
from localslack.client import Control
from localslack.delivery import Delivery, DeliveryRules
from localslack.faults import Faults
from localslack.http_api import HUB
from localslack.hub import Bell, Hub
from localslack.limits import RateLimits
from localslack.socket_mode import SocketMode
from localslack.workspace import Workspace

HOST = "127.0.0.1"
LARGEST_BODY = 512 * 1024 * 1024
_LOCAL = ("127.0.0.1", "localhost")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class LocalSlack:
    """A running localslack. `api_url` is what slack_sdk takes as `base_url`; it ends in a slash."""

    url: str
    hub: Hub
    control: Control

    @property
    def workspace(self) -> Workspace:
        return self.hub.ws

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.hub.ws.bot_token

    @property
    def app_token(self) -> str:
        return self.hub.ws.app_token

    @staticmethod
    def serve(
        workspace: Workspace | None = None,
        *,
        port: int = 0,
        rules: DeliveryRules | None = None,
        rate_limits: bool = False,
        seed: int = 0,
    ) -> contextlib.AbstractAsyncContextManager[LocalSlack]:
        """Serve on 127.0.0.1 until the context ends; port 0 takes a free one. OSError when it is taken."""
        return _serve(build_hub(workspace or Workspace(), rules, rate_limits=rate_limits, seed=seed), port)


def build_hub(
    ws: Workspace, rules: DeliveryRules | None = None, *, rate_limits: bool = False, seed: int = 0
) -> Hub:
    delivery, faults, bell = Delivery(rules), Faults(seed), Bell()
    socket = SocketMode(ws, delivery, faults, bell.ring)
    ws.on_change.append(lambda change: bell.ring())
    return Hub(ws, delivery, faults, RateLimits(enabled=rate_limits), bell, socket)


def build_app(hub: Hub) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[only_local])
    app[HUB] = hub
    app.add_routes(http_api.routes())
    app.add_routes(http_control.routes())
    app.add_routes(http_page.routes())
    app.add_routes([web.get("/link/", hub.socket.handle)])
    return app


@web.middleware
async def only_local(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pages of other sites must not drive the control API: not by forged requests, not by DNS rebinding."""
    host = request.url.host
    origin = request.headers.get("Origin")
    foreign = origin is not None and origin not in (f"http://{name}:{request.url.port}" for name in _LOCAL)
    if host not in _LOCAL or foreign:
        return web.Response(status=403, text="localslack answers only to this machine's own pages")
    return await handler(request)


@contextlib.asynccontextmanager
async def _serve(hub: Hub, port: int) -> AsyncIterator[LocalSlack]:
    runner = web.AppRunner(build_app(hub), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        taken = runner.addresses[0][1]
        url = f"http://{HOST}:{taken}"
        hub.ws.base_url = url
        async with Control(url) as control, asyncio.TaskGroup() as group:
            retries = group.create_task(hub.socket.retry())
            try:
                yield LocalSlack(url, hub, control)
            finally:
                retries.cancel()
                hub.socket.disconnect("refresh_requested", abrupt=True)
    finally:
        await runner.cleanup()

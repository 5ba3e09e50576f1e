"""localgithub's composition: repositories, edges, one aiohttp application on 127.0.0.1."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from localgithub import auth, http_objects, http_page, http_pulls, http_repos
from localgithub.answers import ACCOUNT, HUB, ApiError, Moved, count_limit, failed, moved
from localgithub.faults import Fault
from localgithub.hub import Hub
from localgithub.model import iso

HOST: Final = "127.0.0.1"
API: Final = "/api/v3"
LARGEST_BODY: Final = 64 * 1024 * 1024
_LOCAL: Final = ("127.0.0.1", "localhost")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class LocalGitHub:
    """A running localgithub. `url` is what a client takes as the address of a GitHub Enterprise server."""

    url: str
    hub: Hub

    @property
    def api_url(self) -> str:
        return f"{self.url}{API}"

    @staticmethod
    def serve(
        root: Path, *, port: int = 0, clock: Callable[[], float] = time.time
    ) -> contextlib.AbstractAsyncContextManager[LocalGitHub]:
        """Serve on 127.0.0.1 until the context ends; port 0 takes a free one. `root` holds repositories."""
        return _serve(Hub(root, clock), port)


def build_app(hub: Hub) -> web.Application:
    api = web.Application(client_max_size=LARGEST_BODY, middlewares=[_api_call])
    api[HUB] = hub
    api.add_routes(auth.routes())
    api.add_routes([web.get("/rate_limit", _limits)])
    for root in ("/repos/{owner}/{repo}", "/repositories/{repository_id:\\d+}"):
        api.add_routes(http_repos.routes(root))
        api.add_routes(http_objects.routes(root))
        api.add_routes(http_pulls.routes(root))
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_only_local])
    app[HUB] = hub
    app.add_subapp(API, api)
    app.add_routes(http_page.routes())
    return app


async def _limits(request: web.Request) -> web.Response:
    hub = request.app[HUB]
    left = {"limit": hub.limit, "remaining": hub.limit - hub.used, "reset": int(hub.resets_at)}
    return web.json_response({"resources": {"core": left}, "rate": left})


@web.middleware
async def _only_local(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pages of other sites must not drive it: not by forged requests, not by DNS rebinding."""
    if request.url.host not in _LOCAL or "Origin" in request.headers:
        return web.Response(status=403, text="localgithub answers only to this machine")
    return await handler(request)


@web.middleware
async def _api_call(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, ordered faults, who it is, rate limit, then the call itself."""
    hub = request.app[HUB]
    call = f"{request.method} {request.path.removeprefix(API)}"
    hub.requests[call] += 1
    hub.calls.append(call)
    fault = hub.faults.strike(call)
    if fault is not None and not fault.after:
        return _struck(request, hub, fault)
    response = await _answered(request, hub, handler)
    if fault is not None:
        return _struck(request, hub, fault)
    if response.status == 304:
        hub.unchanged += 1
    elif not hub.spend():
        response = _limited(hub, hub.resets_at)
    count_limit(hub, response)
    return response


async def _answered(request: web.Request, hub: Hub, handler: Handler) -> web.StreamResponse:
    try:
        if not request.path.startswith(f"{API}/app"):
            request[ACCOUNT] = auth.account_of(hub, request.headers.get("Authorization", ""))
        return await handler(request)
    except ApiError as error:
        return failed(error)
    except Moved as error:
        return moved(request, error.repository_id)
    except web.HTTPNotFound:
        return failed(ApiError(404, "Not Found"))


def _limited(hub: Hub, resets_at: float) -> web.Response:
    hub.used, hub.resets_at = hub.limit, resets_at
    return failed(ApiError(403, f"API rate limit exceeded. It resets at {iso(resets_at)}."))


def _struck(request: web.Request, hub: Hub, fault: Fault) -> web.StreamResponse:
    if fault.kind == "hang_up" and request.transport is not None:
        request.transport.abort()
    if fault.kind == "not_json":
        return web.Response(status=fault.status, text="<html>Unicorn!</html>", content_type="text/html")
    response = failed(ApiError(fault.status, fault.message))
    if fault.kind == "rate_limit":
        response = failed(ApiError(403, "API rate limit exceeded for user."))
        response.headers["X-RateLimit-Remaining"] = "0"
        response.headers["X-RateLimit-Reset"] = str(int(hub.clock() + fault.seconds))
    if fault.kind == "secondary_limit":
        response = failed(ApiError(403, "You have exceeded a secondary rate limit."))
        response.headers["Retry-After"] = str(fault.seconds)
    return response


@contextlib.asynccontextmanager
async def _serve(hub: Hub, port: int) -> AsyncIterator[LocalGitHub]:
    runner = web.AppRunner(build_app(hub), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        hub.url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield LocalGitHub(hub.url, hub)
    finally:
        await runner.cleanup()

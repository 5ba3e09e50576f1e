"""The control API's edge: `/control/…`, JSON both ways; errors are HTTP 400 with `{"ok": false, "error"}`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localslack import control
from localslack.errors import SlackError
from localslack.http_api import HUB

MOST_WAIT = 120.0


def routes() -> list[web.RouteDef]:
    return [
        web.get("/control/messages", read_messages),
        web.get("/control/state", read_state),
        web.get("/control/counters", read_counters),
        web.get("/control/wait", wait),
        web.post("/control/{action:.+}", act),
    ]


async def act(request: web.Request) -> web.Response:
    action = control.ACTIONS.get(request.match_info["action"])
    if action is None:
        return web.json_response({"ok": False, "error": "unknown_action"}, status=404)
    hub = request.app[HUB]
    try:
        body = await request.json() if request.can_read_body else {}
        if isinstance(body, list):
            body = {"events": body, "apply": request.query.get("apply") in ("1", "true")}
        answer = action(hub, body)
    except SlackError as error:
        return web.json_response(error.answer(), status=400)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        return web.json_response({"ok": False, "error": "bad_request", "problem": problem}, status=400)
    hub.bell.ring()
    return web.json_response({"ok": True, **answer})


async def read_messages(request: web.Request) -> web.Response:
    try:
        return _json(control.read_messages(request.app[HUB], dict(request.query)))
    except SlackError as error:
        return web.json_response(error.answer(), status=400)


async def read_state(request: web.Request) -> web.Response:
    return _json(control.read_state(request.app[HUB]))


async def read_counters(request: web.Request) -> web.Response:
    return _json(control.read_counters(request.app[HUB], with_list=bool(request.query.get("list"))))


async def wait(request: web.Request) -> web.Response:
    """`?for=…&timeout=seconds`: answers `{"ok": true, "met": bool}` as soon as it can."""
    hub, query = request.app[HUB], dict(request.query)
    timeout = min(MOST_WAIT, float(query.get("timeout") or 10))
    try:
        met = await hub.bell.until(control.condition(hub, query), timeout)
    except SlackError as error:
        return web.json_response(error.answer(), status=400)
    return _json({"met": met})


def _json(answer: dict[str, Any]) -> web.Response:
    return web.json_response({"ok": True, **answer})

"""The Web API's edge: HTTP in, `api.perform`, HTTP out; and the upload and download of files."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from localslack import api, interactions, webhooks
from localslack.errors import RateLimited, SlackError
from localslack.faults import ApiFault
from localslack.hub import Hub
from localslack.model import Json

HUB = web.AppKey("hub", Hub)


def routes() -> list[web.RouteDef]:
    return [
        web.route("*", "/api/{method}", call),
        web.post("/upload/v1/{file}", upload),
        web.get("/files-pri/{file}/{name}", download),
        web.post("/services/{path:.+}", webhook),
        web.post("/actions/{team}/{key}", respond),
    ]


async def call(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["method"]
    hub.api_calls[name] += 1
    args = await _arguments(request)
    fault = hub.faults.strike(name)
    if fault is not None and fault.delay:
        await asyncio.sleep(fault.delay)
    if fault is None or fault.when == "after" or not fault.status:
        answer = _perform(hub, name, args, _token(request, args))
        if fault is None or not fault.status:
            return answer
    hub.api_errors[f"{name}:fault_{fault.status}"] += 1
    return _failed(request, fault)


def _perform(hub: Hub, name: str, args: Json, token: str | None) -> web.Response:
    known = hub.ws.tokens.get(token or "")
    headers = {"x-oauth-scopes": ",".join(sorted(known.scopes))} if known else {}
    try:
        return web.json_response(api.perform(hub.ws, name, args, token, hub.limits), headers=headers)
    except RateLimited as error:
        hub.api_errors[f"{name}:{error.code}"] += 1
        headers["Retry-After"] = str(error.retry_after)
        return web.json_response(error.answer(), status=429, headers=headers)
    except SlackError as error:
        hub.api_errors[f"{name}:{error.code}"] += 1
        return web.json_response(error.answer(), headers=headers)
    finally:
        hub.bell.ring()


def _failed(request: web.Request, fault: ApiFault) -> web.StreamResponse:
    if fault.hang_up and request.transport is not None:
        request.transport.abort()
    if fault.status == 429:
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={"Retry-After": str(fault.retry_after)})
    if fault.status == 200:
        return web.json_response({"ok": False, "error": fault.error})
    return web.Response(status=fault.status, text="<html>upstream error</html>", content_type="text/html")


async def _arguments(request: web.Request) -> Json:
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            return {**args, "invalid_json": True}
        return {**args, **body} if isinstance(body, dict) else args
    if request.can_read_body:
        form = await request.post()
        args |= {key: value for key, value in form.items() if isinstance(value, str)}
    return args


def _token(request: web.Request, args: Json) -> str | None:
    header = request.headers.get("Authorization", "")
    in_body: Any = args.pop("token", None)
    return header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else in_body


async def upload(request: web.Request) -> web.Response:
    """The bytes of a file, as the whole body or as the first part of a form."""
    hub = request.app[HUB]
    file = hub.ws.files.get(request.match_info["file"])
    if file is None or file.completed:
        return web.Response(status=404, text="unknown upload")
    if request.content_type.startswith("multipart/"):
        parts = (await request.post()).values()
        part = next((part for part in parts if isinstance(part, web.FileField)), None)
        content = part.file.read() if part else b""
    else:
        content = await request.read()
    file.content, file.size, file.uploaded = content, len(content), True
    return web.Response(text=f"OK - {len(content)}")


async def download(request: web.Request) -> web.Response:
    """With the token of a bot that may read files; without one, Slack shows a sign-in page, and so do we."""
    hub = request.app[HUB]
    known = hub.ws.tokens.get(_token(request, {}) or "")
    file = hub.ws.files.get(request.match_info["file"].rpartition("-")[2])
    if known is None or known.revoked or "files:read" not in known.scopes:
        return web.Response(text="<!doctype html><title>Sign in</title>", content_type="text/html")
    if file is None or file.content is None:
        return web.Response(status=404)
    return web.Response(body=file.content, content_type=file.mimetype)


async def webhook(request: web.Request) -> web.Response:
    hub = request.app[HUB]
    hub.api_calls["webhook"] += 1
    fault = hub.faults.strike("webhook")
    payload = await _webhook_payload(request)
    if payload is None:
        return web.Response(status=400, text="invalid_payload")
    if fault is not None and fault.when == "before":
        return web.Response(status=fault.status, headers={"Retry-After": str(fault.retry_after)})
    try:
        webhooks.receive(hub.ws, request.match_info["path"], payload)
    except SlackError as error:
        status = {"channel_not_found": 404, "channel_is_archived": 410}.get(error.code, 400)
        return web.Response(status=status, text=error.code)
    return web.Response(text="ok") if fault is None else web.Response(status=fault.status)


async def _webhook_payload(request: web.Request) -> Json | None:
    """The body as JSON, or the `payload` field of a form."""
    text = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    try:
        payload = json.loads(text)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


async def respond(request: web.Request) -> web.Response:
    """A response_url."""
    try:
        interactions.respond(request.app[HUB].ws, request.match_info["key"], await request.json())
    except SlackError as error:
        return web.json_response(error.answer(), status=404 if error.code == "used_url" else 200)
    except ValueError:
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    return web.json_response({"ok": True})

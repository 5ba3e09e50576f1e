"""Answers as GitHub gives them: JSON with an ETag, errors with a message, rate-limit headers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import web

from localgithub.hub import Hub
from localgithub.model import Account, Json, Repo

HUB = web.AppKey("hub", Hub)
ACCOUNT = web.RequestKey("account", Account)
DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """`errors`: what is wrong with single fields, for a 422."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def unprocessable(message: str, errors: list[Json] | None = None) -> ApiError:
    return ApiError(422, message, errors)


def failed(error: ApiError) -> web.Response:
    body: Json = {
        "message": error.message,
        "documentation_url": DOCUMENTATION,
        "status": str(error.status),
    }
    if error.errors is not None:
        body["errors"] = error.errors
    return web.json_response(body, status=error.status)


def answer(request: web.Request, body: Any, status: int = 200) -> web.Response:
    """JSON; a GET that has it already (`If-None-Match`) gets 304 without a body."""
    data = json.dumps(body).encode()
    return tagged(request, data, "application/json", status)


def tagged(request: web.Request, data: bytes, content_type: str, status: int = 200) -> web.Response:
    # GitHub's tags depend on who asks, and on what they accept.
    about = f"{request.headers.get('Authorization', '')}\0{request.headers.get('Accept', '')}\0".encode()
    tag = hashlib.sha256(about + data).hexdigest()
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "private, max-age=60, s-maxage=60"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if request.method == "GET" and f'"{tag}"' in known:
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, status=status, content_type=content_type, headers=headers)


def count_limit(hub: Hub, response: web.StreamResponse) -> None:
    """The rate-limit headers of an answer."""
    response.headers["X-RateLimit-Limit"] = str(hub.limit)
    response.headers["X-RateLimit-Remaining"] = str(max(0, hub.limit - hub.used))
    response.headers["X-RateLimit-Used"] = str(hub.used)
    response.headers["X-RateLimit-Reset"] = str(int(hub.resets_at))
    response.headers["X-RateLimit-Resource"] = "core"


async def fields(request: web.Request) -> Json:
    """The JSON object of a request's body. Raises ApiError."""
    try:
        body = await request.json() if request.can_read_body else {}
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "Body should be a JSON object")
    return body


def text(body: Json, name: str, default: str | None = None) -> str:
    """A field that is text. Raises ApiError when it is missing."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
    return value


def account(request: web.Request) -> Account:
    return request[ACCOUNT]


def repository(request: web.Request) -> Repo:
    """The repository that the path names. Raises ApiError, or the redirect when it has moved."""
    hub, parts = request.app[HUB], request.match_info
    if "repository_id" in parts:
        found = hub.by_id(int(parts["repository_id"]))
    else:
        found = hub.find(parts["owner"], parts["repo"])
        moved = hub.moved.get(f"{parts['owner']}/{parts['repo']}".lower())
        if found is None and moved is not None:
            raise Moved(moved)
    if found is None:
        raise not_found()
    return found


class Moved(Exception):
    """The repository has another name now."""

    def __init__(self, repository_id: int) -> None:
        super().__init__(str(repository_id))
        self.repository_id = repository_id


def moved(request: web.Request, repository_id: int) -> web.Response:
    """301 for a read, 307 for a write, to the same path below `/repositories/ID`."""
    hub, parts = request.app[HUB], request.match_info
    rest = request.rel_url.raw_path.split(f"/repos/{parts['owner']}/{parts['repo']}", 1)[-1]
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    url = f"{hub.url}/api/v3/repositories/{repository_id}{rest}{query}"
    status = 301 if request.method in ("GET", "HEAD") else 307
    body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
    return web.json_response(body, status=status, headers={"Location": url})


def may_write(request: web.Request) -> Repo:
    """The repository, when the account may write to it. Raises ApiError."""
    repo = repository(request)
    if repo.archived:
        raise ApiError(403, "Repository was archived so is read-only.")
    if not account(request).can_write:
        raise ApiError(403, "Resource not accessible by personal access token")
    return repo

"""Before any endpoint: who may call, from where, with how much. And the edge at which every error ends."""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratchet.web.problems import problem

log = structlog.get_logger(__name__)

MAX_BODY: Final = 64 * 1024
# A question of 10,000 characters, percent-encoded.
MAX_QUERY: Final = 128 * 1024
# What load balancers and browsers ask for before they have a token.
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/version"})
# A form of another site can send a POST, but not with a header of its own.
OWN_HEADER: Final = "X-Ratchet-Request"
# Its clients are programs of others, which know nothing of that header; but a form cannot send JSON either.
MCP_PATH: Final = "/mcp"
JSON: Final = "application/json"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_HOST: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class BodyTooLarge(Exception):
    """More than MAX_BODY bytes came in."""


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware. `token` None: listening on loopback, every local caller is the operator."""

    app: ASGIApp
    token: str | None = field(default=None, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _too_much(scope, headers) or self._not_allowed(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self.app(scope, _bounded(receive), send)

    def _not_allowed(self, scope: Scope, headers: Headers) -> Response | None:
        if self.token is None:
            return _not_local(scope, headers)
        if scope["path"] in OPEN_PATHS or _bearer(headers, self.token):
            return None
        return problem(
            401,
            "Send the token of RATCHET_HTTP_TOKEN as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="ratchet"'},
        )


def _bearer(headers: Headers, token: str) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("latin-1", "replace"), token.encode()
    )


def _not_local(scope: Scope, headers: Headers) -> Response | None:
    """Without a token a page of another site must not reach us through the operator's browser."""
    host = headers.get("host", "")
    if not _LOOPBACK_HOST.fullmatch(host):
        return problem(403, "Without a token only 127.0.0.1, localhost and [::1] are answered as Host.")
    if headers.get("sec-fetch-site") == "cross-site":
        return problem(403, "Requests from pages of other sites are refused.")
    if scope["method"] in SAFE_METHODS:
        return None
    origin = headers.get("origin")
    if origin is not None:
        same = origin.lower() == f"{scope.get('scheme', 'http')}://{host}".lower()
        return None if same else problem(403, "Requests from pages of other origins are refused.")
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if OWN_HEADER in headers or (scope["path"] == MCP_PATH and media_type == JSON):
        return None
    return problem(403, f"Without a token, send the header `{OWN_HEADER}: 1` with a {scope['method']}.")


def _too_much(scope: Scope, headers: Headers) -> Response | None:
    if len(scope.get("query_string", b"")) > MAX_QUERY:
        return problem(414, f"The query string is longer than {MAX_QUERY} bytes.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return problem(400, "Content-Length is not a number.")
    if len(length) > 18 or int(length) > MAX_BODY:
        return problem(413, f"The body is larger than {MAX_BODY} bytes.")
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b"") or not _encodable(scope["path"]):
        return problem(400, "The address holds a NUL or half a character.")
    return None


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _bounded(receive: Receive) -> Receive:
    """For bodies that come without their length."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise BodyTooLarge
        return message

    return counted


@dataclass(frozen=True, slots=True)
class ErrorEdge:
    """Outermost: an error that nobody expected is logged once, and the caller gets its id alone."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except BodyTooLarge:
            if not started:
                await problem(413, f"The body is larger than {MAX_BODY} bytes.")(scope, receive, send)
        except Exception:
            error_id = uuid.uuid4().hex[:12]
            log.exception("request_failed", id=error_id, method=scope.get("method"), path=_route(scope))
            if not started:
                await problem(500, "An error of ours. The log has it under this id.", id=error_id)(
                    scope, receive, send
                )


def _route(scope: Scope) -> str:
    """The endpoint's pattern: the path itself may hold what belongs in no log."""
    return str(getattr(scope.get("route"), "path", ""))

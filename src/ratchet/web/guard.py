"""Before any endpoint: who may call, from where, with how much. And the edge at which every error ends."""

from __future__ import annotations

import hmac
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratchet.web.assets import STATIC
from ratchet.web.forms import FORM, form_fields
from ratchet.web.problems import accepts_html, problem, request_id
from ratchet.web.sessions import CSRF_FIELD, CSRF_HEADER, Sessions

log = structlog.get_logger(__name__)

MAX_BODY: Final = 64 * 1024
# A question of 10,000 characters, percent-encoded.
MAX_QUERY: Final = 128 * 1024
# What load balancers and browsers ask for before they have a token.
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/version"})
# Where a person shows the token, and what that page loads.
LOGIN_PATH: Final = "/login"
# A form of another site can send a POST, but not with a header of its own.
OWN_HEADER: Final = "X-Ratchet-Request"
# Its clients are programs of others, which know nothing of that header; but a form cannot send JSON either.
MCP_PATH: Final = "/mcp"
JSON: Final = "application/json"
# For programs, which have no page to take a form's secret from.
PROGRAMS: Final = ("/api/", MCP_PATH)
# Read, and yet a model works for it.
COSTLY: Final = "/api/commands/"
STALE: Final = "This page was open for too long, or came from elsewhere. Load it anew and try again."
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_HOST: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class BodyTooLarge(Exception):
    """More than MAX_BODY bytes came in."""


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware. `token` None: listening on loopback, every local caller is the operator.

    Else programs send the token, or the one that may only read, with each request, and people show the first
    once, on the sign-in page. What a page sends carries its session's secret too, in a field or a header.
    """

    app: ASGIApp
    token: str | None = field(default=None, repr=False)
    read_token: str | None = field(default=None, repr=False)
    sessions: Sessions = field(default_factory=lambda: Sessions.of(None))
    clock: Callable[[], float] = time.time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _too_much(scope, headers) or self._not_allowed(scope, headers)
        if refusal is None and self._reads_only(headers) and _changes(scope):
            refusal = problem(403, "This token may only read. Send the one of RATCHET_HTTP_TOKEN.")
        receive = _bounded(receive)
        if refusal is None and self._needs_secret(scope, headers):
            given, receive = await _secret(headers, receive)
            session = self.sessions.of_request(headers, self.clock())
            if session is None or not self.sessions.vouches(session, given):
                refusal = problem(403, STALE)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _not_allowed(self, scope: Scope, headers: Headers) -> Response | None:
        if self.token is None:
            return _not_local(scope, headers)
        path = scope["path"]
        if path in OPEN_PATHS or path.startswith(STATIC) or self._known(headers):
            return None
        if scope["method"] not in SAFE_METHODS and not _same_origin(headers):
            # With a session or on the way to one: a browser, which always says where a POST comes from.
            return _unknown() if path != LOGIN_PATH else problem(403, STALE)
        if path == LOGIN_PATH or self.sessions.of_request(headers, self.clock()) is not None:
            return None
        return _to_login(scope) if _is_page(scope) else _unknown()

    def _needs_secret(self, scope: Scope, headers: Headers) -> bool:
        """Whether the request changes something on behalf of a page."""
        path = scope["path"]
        if scope["method"] in SAFE_METHODS or path == LOGIN_PATH:
            return False
        if self.token is None:
            return not path.startswith(PROGRAMS)
        return not self._known(headers)

    def _known(self, headers: Headers) -> bool:
        assert self.token is not None
        return _bearer(headers, self.token) or self._reads_only(headers)

    def _reads_only(self, headers: Headers) -> bool:
        return self.read_token is not None and _bearer(headers, self.read_token)


def _changes(scope: Scope) -> bool:
    """The tools at /mcp only read, whatever the method; what an answer is made for costs money."""
    path = scope["path"]
    return path != MCP_PATH and (scope["method"] not in SAFE_METHODS or path.startswith(COSTLY))


def _unknown() -> Response:
    return problem(
        401,
        "Send the token of RATCHET_HTTP_TOKEN as `Authorization: Bearer …`.",
        headers={"WWW-Authenticate": 'Bearer realm="ratchet"'},
    )


def _is_page(scope: Scope) -> bool:
    return scope["method"] in SAFE_METHODS and not scope["path"].startswith(PROGRAMS) and accepts_html(scope)


def _to_login(scope: Scope) -> Response:
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return RedirectResponse(f"{LOGIN_PATH}?next={quote(wanted, safe='/')}", 303)


async def _secret(headers: Headers, receive: Receive) -> tuple[str, Receive]:
    """What the request gives as its session's secret, and the body again for whoever reads it next."""
    if CSRF_HEADER in headers:
        return headers[CSRF_HEADER], receive
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return "", receive
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    again: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def replay() -> Message:
        return again.pop() if again else await receive()

    return form_fields(bytes(body)).get(CSRF_FIELD, ""), replay


def _same_origin(headers: Headers) -> bool:
    """Whether a browser says that a page of ours sends this. The scheme may differ behind a proxy."""
    _, separator, host = headers.get("origin", "").partition("://")
    return bool(separator) and host.lower() == headers.get("host", "").lower()


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
    if headers.get("sec-fetch-site") == "cross-site" and not _followed_link(scope, headers):
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


def _followed_link(scope: Scope, headers: Headers) -> bool:
    """A person clicked a link in Slack, say. Showing a page changes nothing, and nobody may frame it."""
    opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opened and _is_page(scope)


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
            error_id = request_id(scope) or uuid.uuid4().hex[:12]
            log.exception("request_failed", id=error_id, method=scope.get("method"), path=_route(scope))
            if not started:
                await problem(500, "An error of ours. The log has it under this id.", id=error_id)(
                    scope, receive, send
                )


def _route(scope: Scope) -> str:
    """The endpoint's pattern: the path itself may hold what belongs in no log."""
    return str(getattr(scope.get("route"), "path", ""))

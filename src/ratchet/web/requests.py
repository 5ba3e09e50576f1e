"""Every request has an id, and no client may ask without end. ASGI middleware."""

from __future__ import annotations

import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratchet.web.assets import STATIC
from ratchet.web.problems import problem

REQUEST_ID: Final = "X-Request-Id"
_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What is saved up while nothing is asked, in seconds of the rate.
SAVED_S: Final = 10.0
MAX_CLIENTS: Final = 10_000
# Load balancers and Prometheus are no clients, and files of pages cost nothing.
FREE: Final = frozenset({"/healthz", "/readyz", "/version", "/metrics"})


@dataclass(frozen=True, slots=True)
class RequestIds:
    """The caller's `X-Request-Id`, or one of ours: in the answer, in log lines, in problem details."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex[:12]
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, named)


@dataclass(slots=True)
class Buckets:
    """What each client may still ask, by its address. Who asked least lately is forgotten first."""

    per_s: float
    most: int = MAX_CLIENTS
    clock: Callable[[], float] = time.monotonic
    kept: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait_s(self, client: str) -> float:
        """Takes one; 0.0 when there was one, else the seconds until there is."""
        now, full = self.clock(), max(1.0, self.per_s * SAVED_S)
        left, at = self.kept.pop(client, (full, now))
        left = min(full, left + (now - at) * self.per_s)
        wait = 0.0 if left >= 1 else (1 - left) / self.per_s
        self.kept[client] = (left if wait else left - 1, now)
        if len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return wait


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429 with Retry-After to a client that asks too often."""

    app: ASGIApp
    buckets: Buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in FREE or scope["path"].startswith(STATIC):
            await self.app(scope, receive, send)
            return
        client = scope.get("client") or ("", 0)
        wait = self.buckets.wait_s(str(client[0]))
        if not wait:
            await self.app(scope, receive, send)
            return
        again = {"Retry-After": str(int(wait) + 1)}
        refusal = problem(
            429, f"More than {self.buckets.per_s:g} requests a second. Wait a little.", headers=again
        )
        await refusal(scope, receive, send)

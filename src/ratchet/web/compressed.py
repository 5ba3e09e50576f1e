"""Answers of the API are compressed for who accepts that: a long report is a tenth of its size.

Pages are not: they hold a form's secret beside what somebody else may have written, and the size of such a
page tells of both (the attack called BREACH).
"""

from __future__ import annotations

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

API: Final = "/api/"
# Below that the head of the answer weighs as much.
LEAST_BYTES: Final = 2_000
LEVEL: Final = 5


class Compressed:
    """The application, with that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["path"].startswith(API)
        await (self._compressing if asked else self._app)(scope, receive, send)

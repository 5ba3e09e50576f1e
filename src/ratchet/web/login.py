"""Signing in and out with the operator's token."""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ratchet.web.forms import form_fields
from ratchet.web.guard import LOGIN_PATH
from ratchet.web.html import Pages, is_secure
from ratchet.web.sessions import set_cookie

MAX_WRONG: Final = 20
WINDOW_S: Final = 60.0


@dataclass(slots=True)
class Wrong:
    """Wrong tokens of the last minute: whoever guesses is made to wait, whoever they are."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_WRONG))

    def too_many(self, now: float) -> bool:
        return len(self.times) == MAX_WRONG and now - self.times[0] < WINDOW_S


def router(pages: Pages, token: str | None) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    wrong = Wrong()

    @routes.get(LOGIN_PATH)
    async def show(request: Request) -> Response:
        """The form; whoever is in goes on."""
        onward = local_path(request.query_params.get("next", ""))
        if not pages.signs_in or pages.sessions.of_request(request.headers, pages.clock()):
            return RedirectResponse(onward, 303)
        # A link in Slack brings a browser here without its cookie, which is for our own pages only. Asked
        # once more from this page, it sends it along.
        followed = request.headers.get("sec-fetch-site") == "cross-site"
        return _form(request, onward, again=onward if followed else "")

    @routes.post(LOGIN_PATH)
    async def enter(request: Request) -> Response:
        fields = form_fields(await request.body())
        onward = local_path(fields.get("next", ""))
        if token is None:
            return RedirectResponse(onward, 303)
        now = pages.clock()
        if wrong.too_many(now):
            return _form(request, onward, "Too many wrong tokens. Try again in a minute.", 429)
        given = fields.get("token", "").strip()
        if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            wrong.times.append(now)
            return _form(request, onward, "That is not the token of RATCHET_HTTP_TOKEN.", 403)
        answer = RedirectResponse(onward, 303)
        answer.headers["set-cookie"] = set_cookie(pages.sessions.begin(now), secure=is_secure(request.scope))
        return answer

    @routes.post("/logout")
    async def leave(request: Request) -> Response:
        answer = RedirectResponse(LOGIN_PATH, 303)
        answer.headers["set-cookie"] = set_cookie("", secure=is_secure(request.scope))
        return answer

    def _form(
        request: Request, onward: str, wrong: str = "", status: int = 200, again: str = ""
    ) -> HTMLResponse:
        return pages.page(request, "login.html", status, onward=onward, wrong=wrong, again=again)

    return routes


def local_path(wanted: str) -> str:
    """A page of ours; "/" for anything that could lead elsewhere."""
    inside = wanted.startswith("/") and not wanted.startswith("//")
    plain = all(" " < character < "\x7f" and character != "\\" for character in wanted)
    return wanted if inside and plain and wanted.partition("?")[0] != LOGIN_PATH else "/"

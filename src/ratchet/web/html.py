"""Pages for people: templates, with what every page shows.

To add a page: a template that extends base.html, a router whose endpoints answer `pages.page(request, …)`,
and a line in NAVIGATION. A form needs a hidden field `csrf`; a script posts with `ratchet.post` of page.js.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import jinja2
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import Scope

from ratchet import __version__
from ratchet.web import words
from ratchet.web.assets import Assets
from ratchet.web.problems import Problem
from ratchet.web.sessions import Sessions, set_cookie


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. `key`: with `g` before it, it leads there. `about`: for who is new."""

    path: str
    name: str
    key: str
    about: str


NAVIGATION: Final[tuple[Place, ...]] = (
    Place("/", "Overview", "o", "What is open, what is noisy, how Ratchet is"),
    Place("/alerts", "Alerts", "a", "Every alert that fired, with its runbook"),
    Place("/channels", "Channels", "c", "What is recorded, and how Ratchet behaves there"),
    Place("/documents", "Documents", "d", "Sources of documentation and their state"),
    Place("/jobs", "Jobs", "j", "What runs, waits and failed"),
    Place("/ask", "Ask", "q", "Ask the assistant"),
    Place("/channelmonitor/test", "Monitor test", "m", "Try a channel monitor; nothing is posted"),
)


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders the templates of `web/templates`. `signs_in`: visitors show the operator's token first."""

    sessions: Sessions
    signs_in: bool
    assets: Assets
    environment: jinja2.Environment
    clock: Callable[[], float] = time.time

    @staticmethod
    def of(token: str | None) -> Pages:
        assets = Assets.load()
        environment = templates()
        environment.globals.update(asset=assets.path, navigation=NAVIGATION, version=__version__)
        return Pages(Sessions.of(token), token is not None, assets, environment)

    def page(self, request: Request, template: str, /, status: int = 200, **values: Any) -> HTMLResponse:
        """The template as an answer. It may use `csrf` (for forms), `nonce` (for scripts) and `values`."""
        return self.render(request.scope, template, status, values)

    def error(self, scope: Scope, problem: Problem) -> HTMLResponse:
        """What went wrong, for a person."""
        return self.render(scope, "error.html", problem.status, {"problem": problem})

    def render(self, scope: Scope, template: str, status: int, values: dict[str, Any]) -> HTMLResponse:
        session = self.sessions.of_request(Headers(scope=scope), self.clock())
        begun = None
        if session is None and not self.signs_in:
            # On loopback nobody signs in, but forms are to come from our pages there too.
            session = begun = self.sessions.begin(self.clock())
        text = self.environment.get_template(template).render(
            values,
            path=scope.get("path", ""),
            nonce=nonce_of(scope),
            csrf=self.sessions.csrf(session) if session else "",
            signed_in=self.signs_in and session is not None,
            at_home=session is not None,
        )
        answer = HTMLResponse(text, status, headers={"Cache-Control": "no-store"})
        if begun is not None:
            answer.headers.append("set-cookie", set_cookie(begun, secure=is_secure(scope)))
        return answer


@cache
def _loader() -> jinja2.BaseLoader:
    return jinja2.PackageLoader("ratchet.web", "templates")


def templates() -> jinja2.Environment:
    """Whatever a template shows is escaped, and a name that it lacks is an error."""
    made = jinja2.Environment(
        loader=_loader(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= words.FILTERS
    return made


def nonce_of(scope: Scope) -> str:
    return str(scope.get("state", {}).get("nonce", ""))


def is_secure(scope: Scope) -> bool:
    """Whether the browser came by https. A proxy's word is taken: it can only make a cookie stricter."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return scope.get("scheme") == "https" or forwarded == "https"

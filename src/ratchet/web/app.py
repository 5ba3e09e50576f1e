"""The HTTP edge: JSON API, pages, health, metrics."""

from __future__ import annotations

from fastapi import FastAPI

from ratchet import __version__
from ratchet.web import channels, commands, docs, incidents, login, mcp, problems, reports, status
from ratchet.web.guard import ErrorEdge, Guard
from ratchet.web.headers import SecurityHeaders
from ratchet.web.html import Pages
from ratchet.web.services import Services


def create_app(services: Services) -> FastAPI:
    """The application, without a server. Its schema is at /openapi.json."""
    app = FastAPI(
        title="Ratchet",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for room in (status, channels, incidents, commands, reports, docs, mcp):
        app.include_router(room.router(services))
    app.state.pages = pages = Pages.of(services.token)
    app.include_router(login.router(pages, services.token))
    app.router.routes += [pages.assets.route()]
    app.router.routes.append(mcp.endpoint(services))
    problems.install(app)
    app.add_middleware(Guard, token=services.token, sessions=pages.sessions)
    app.add_middleware(ErrorEdge)
    app.add_middleware(SecurityHeaders)  # added last: outermost
    return app

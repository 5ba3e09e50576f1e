"""The HTTP edge: JSON API, pages, health, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from opentelemetry.trace import Span

from ratchet import __version__
from ratchet.telemetry import tracing
from ratchet.web import (
    channels,
    commands,
    docs,
    incidents,
    login,
    mcp,
    monitor,
    problems,
    reports,
    schema,
    search,
    status,
)
from ratchet.web.compressed import Compressed
from ratchet.web.guard import ErrorEdge, Guard
from ratchet.web.headers import SecurityHeaders
from ratchet.web.html import Pages
from ratchet.web.requests import Buckets, RateLimit, RequestIds
from ratchet.web.services import Services
from ratchet.web.site import page_routers


def create_app(services: Services) -> FastAPI:
    """The application, without a server. Its schema is at /openapi.json."""
    app = FastAPI(
        title="Ratchet",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for room in (status, channels, search, incidents, commands, reports, docs, mcp):
        app.include_router(room.router(services))
    app.state.pages = pages = Pages.of(services.token)
    app.include_router(login.router(pages, services.token))
    app.include_router(monitor.router(services, pages))
    for page in page_routers(services, pages):
        app.include_router(page)
    app.router.routes += [pages.assets.route()]
    app.router.routes.append(mcp.endpoint(services))
    problems.install(app)
    schema.install(app)
    app.add_middleware(Compressed)
    app.add_middleware(Guard, token=services.token, read_token=services.read_token, sessions=pages.sessions)
    if services.requests_per_s:
        app.add_middleware(RateLimit, buckets=Buckets(services.requests_per_s))
    app.add_middleware(ErrorEdge)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestIds)  # added last: outermost
    if tracing.configured():
        _instrument(app)
    return app


def _instrument(app: FastAPI) -> None:
    """Each request is a span, without its query: that may hold what somebody searches for."""
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415  # only where traced

    def without_query(span: Span, _: dict[str, Any]) -> None:
        if span.is_recording():
            span.set_attributes({"url.query": "", "http.target": "", "http.url": ""})

    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=without_query,
        excluded_urls="healthz,readyz,metrics",
        exclude_spans=["send", "receive"],
    )

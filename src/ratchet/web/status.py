"""Health, version and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from ratchet import __version__
from ratchet.domain.errors import RatchetError
from ratchet.store.embeddings import EmbeddingStatus
from ratchet.telemetry import DEAD, OLDEST, OUTBOX, QUEUED
from ratchet.web.models import EmbeddingOut, Liveness, PartOut, Readiness, Version
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Health, Part, Services

log = structlog.get_logger(__name__)

# Whoever probes gives up after a few seconds too.
PROBE_TIMEOUT_S: Final = 3.0


def router(services: Services) -> APIRouter:
    routes = APIRouter(tags=["status"])

    @routes.get("/healthz")
    async def healthz() -> Liveness:
        """Whether the process lives. With its database away it does, and goes on when that is back."""
        parts = [part for part in (await _health(services)).parts if part.name == "database"]
        return Liveness(
            ok=True, database="; ".join(part.reason or part.state for part in parts) or "not used"
        )

    @routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz() -> Response:
        """Whether every part does its work, each by name."""
        health = await _health(services)
        parts = [PartOut.model_validate(part, from_attributes=True) for part in health.parts]
        body = Readiness(ready=health.ready, parts=parts)
        return JSONResponse(body.model_dump(), 200 if health.ready else 503)

    @routes.get("/version")
    async def version() -> Version:
        """Which Ratchet this is."""
        return Version(version=__version__)

    if services.embedding is not None:
        _embedding(routes, services.embedding)

    @routes.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        await _refresh(services)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _embedding(routes: APIRouter, read: Callable[[], Awaitable[EmbeddingStatus]]) -> None:
    @routes.get("/api/embedding", responses=RESPONSES)
    async def embedding() -> EmbeddingOut:
        """Which embedding model is in use, and how many texts wait for it."""
        found = await read()
        used = found.in_use
        return EmbeddingOut(
            model=used.model if used else None,
            dimension=used.dimension if used else None,
            waiting=found.waiting,
        )


async def _health(services: Services) -> Health:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await services.health()
    except TimeoutError:
        reason = f"no answer within {PROBE_TIMEOUT_S:g} s"
        return Health((Part("database", False, "unknown", reason),))


async def _refresh(services: Services) -> None:
    """Gauges that are read from the database. Without it, all others are served still."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            stats, unsent = await services.queue.stats(), await services.outbox.unsent()
    except (TimeoutError, RatchetError) as error:
        log.warning("metrics_not_refreshed", error=type(error).__name__)
        return
    # A kind that has no jobs any more has no row either.
    for gauge in (QUEUED, DEAD, OLDEST):
        gauge.clear()
    for kind in stats:
        QUEUED.labels(kind.kind).set(kind.queued)
        DEAD.labels(kind.kind).set(kind.dead)
        OLDEST.labels(kind.kind).set(kind.oldest_s)
    OUTBOX.set(unsent)

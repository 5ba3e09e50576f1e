"""The first page: what is open, what is noisy, and how Ratchet is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AfterValidator
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ratchet.domain.errors import Transient
from ratchet.store.overview import OpenNow
from ratchet.web.html import Pages
from ratchet.web.monitor_failures import monitor_failures
from ratchet.web.parameters import clean
from ratchet.web.services import Health, Part, Services
from ratchet.web.toil import Toil

SHOWN_OPEN: Final = 20
HEALTH_S: Final = 3.0
ALERTS_PAGE: Final = 50
ALERT_DAYS: Final = 30
MOST_PAGES: Final = 1_000
Word = Annotated[str, Query(max_length=200), AfterValidator(clean)]
PageNumber = Annotated[int, Query(ge=1, le=MOST_PAGES)]


def router(services: Services, pages: Pages, toil: Toil) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def overview(request: Request) -> HTMLResponse:
        week = await toil.week()
        found = await open_now(services, SHOWN_OPEN + 1)
        answer = pages.page(
            request,
            "overview.html",
            now=services.now(),
            week=week,
            open=found[:SHOWN_OPEN],
            more=len(found) > SHOWN_OPEN,
            parts=(await _health(services)).parts,
            sources=await services.sources.status() if services.sources else (),
            failures=await monitor_failures(services),
            dead=sum(kind.dead for kind in await services.queue.stats()),
            embedding=await services.embedding() if services.embedding else None,
        )
        answer.background = BackgroundTask(toil.renew)
        return answer

    @routes.get("/alerts")
    async def alerts(request: Request, q: Word = "", page: PageNumber = 1) -> HTMLResponse:
        """Every alert that fired in 30 days, most first."""
        since = services.now() - timedelta(days=ALERT_DAYS)
        found = await services.overview.fired(since, q.strip(), ALERTS_PAGE + 1, (page - 1) * ALERTS_PAGE)
        return pages.page(
            request,
            "alerts.html",
            fired=found[:ALERTS_PAGE],
            more=len(found) > ALERTS_PAGE,
            page=page,
            q=q,
            days=ALERT_DAYS,
        )

    return routes


async def open_now(services: Services, limit: int) -> Sequence[OpenNow]:
    """Alerts of all channels that nothing has resolved."""
    heard = await services.overview.heard()
    ends = await services.incidents.ends(heard) if heard else {}
    unresolved = [ref for ref in heard if ends.get(ref) is None]
    return await services.overview.open_now(unresolved, limit) if unresolved else ()


async def _health(services: Services) -> Health:
    try:
        async with asyncio.timeout(HEALTH_S):
            return await services.health()
    except (TimeoutError, Transient):
        return Health((Part("database", False, "unknown", "no answer in time"),))

"""One alert: its history, what fixed it, its incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ratchet.domain.errors import first_error
from ratchet.domain.incidents import SILENCE
from ratchet.reports.channel_times import opens_by_day
from ratchet.store.incidents import Firing
from ratchet.web.html import Pages
from ratchet.web.markdown import rendered
from ratchet.web.parameters import clean, in_utc
from ratchet.web.services import Services
from ratchet.web.toil import Toil
from ratchet.web.words import ANY_SERVICE

SHOWN: Final = 25
# Figures and the chart are of so many firings at most.
COUNTED: Final = 500
HISTORY: Final = timedelta(days=28)
MAX_NAME: Final = 500
# https://docs.python.org/3/library/urllib.parse.html: a name may hold a slash, sent as %2F.
SEGMENTS: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """One firing. `state`: open, resolved, or over: never resolved, and silent for a day."""

    firing: Firing
    channel: str
    closed_at: datetime | None
    state: str
    link: str

    @property
    def lasted_s(self) -> float | None:
        if self.closed_at is None:
            return None
        return (self.closed_at - self.firing.happened_at).total_seconds()


def router(services: Services, pages: Pages, toil: Toil) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/alerts/{names:path}")
    async def alert(
        request: Request, before: Annotated[datetime | None, Query(), AfterValidator(_utc)] = None
    ) -> HTMLResponse:
        service, name = _names(request)
        now = services.now()
        recent = await _firings(services, service, name, now, COUNTED)
        listed = recent if before is None else await _firings(services, service, name, before, SHOWN + 1)
        if not recent:
            raise HTTPException(404, f"No alert {name!r} of {service or 'any service'} is recorded.")
        first = (now - HISTORY).date()
        daily = opens_by_day(
            [(one.happened_at, one.service) for one in recent if one.happened_at.date() > first], UTC
        )
        days = [first + timedelta(days=number + 1) for number in range(HISTORY.days)]
        # The database works on one while the other is drawn.
        with first_error():
            async with asyncio.TaskGroup() as group:
                drawn = group.create_task(toil.chart(days, daily))
                listing = group.create_task(_shown(services, listed[:SHOWN], now))
                told = await services.runbook(service, name)
        shown = listing.result()
        lasted = [one.lasted_s for one in shown if one.lasted_s is not None]
        return pages.page(
            request,
            "alert.html",
            alert=name,
            service=service,
            recent=recent,
            most=len(recent) == COUNTED,
            in_history=sum(one.opens for one in daily),
            chart=drawn.result(),
            shown=shown,
            more=listed[SHOWN - 1].happened_at if len(listed) > SHOWN else None,
            usual_s=median(lasted) if lasted else None,
            told=told,
            runbook=rendered(told.markdown) if told else None,
        )

    return routes


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else in_utc(moment)


def _names(request: Request) -> tuple[str | None, str]:
    """Service (None: any) and alert, from the path as it was sent. Raises HTTPException 404."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    parts = raw.partition(b"?")[0].strip(b"/").split(b"/")
    if len(parts) != SEGMENTS:
        raise HTTPException(404, "An alert is at /alerts/SERVICE/ALERT; a slash in a name is sent as %2F.")
    try:
        service, name = (clean(unquote_to_bytes(part).decode("utf-8")) for part in parts[1:])
    except ValueError:
        raise HTTPException(404, "No alert has that name.") from None
    if not service or not name or len(service) > MAX_NAME or len(name) > MAX_NAME:
        raise HTTPException(404, "No alert has that name.")
    return None if service == ANY_SERVICE else service, name


async def _firings(
    services: Services, service: str | None, alert: str, before: datetime, limit: int
) -> Sequence[Firing]:
    """Newest first. The operator sees private channels too."""
    read = services.incidents.firings
    found = list(await read(service, alert, before, "", everywhere=True, limit=limit))
    if service is None:
        found += await read(None, alert, before, "", other_services=True, everywhere=True, limit=limit)
        found.sort(key=lambda firing: firing.happened_at, reverse=True)
    return found[:limit]


async def _shown(services: Services, firings: Sequence[Firing], now: datetime) -> list[Shown]:
    ends = await services.incidents.ends([firing.ref for firing in firings])
    names = await services.overview.channel_names(sorted({firing.channel_id for firing in firings}))
    return [
        Shown(
            firing,
            names.get(firing.channel_id, firing.channel_id),
            ends.get(firing.ref),
            _state(firing, ends.get(firing.ref), now),
            services.links(firing.channel_id, firing.ts),
        )
        for firing in firings
    ]


def _state(firing: Firing, closed_at: datetime | None, now: datetime) -> str:
    if closed_at is not None:
        return "resolved"
    return "open" if now - firing.happened_at <= SILENCE else "over"

"""Services, alerts and incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter, HTTPException

from ratchet.web.channels import channel_ids
from ratchet.web.models import (
    AlertList,
    AlertOut,
    FiringList,
    FiringOut,
    IncidentList,
    IncidentOut,
    RunbookOut,
    RunbookVersion,
    RunbookVersions,
    ServiceList,
    ServiceOut,
)
from ratchet.web.parameters import ChannelIdQuery, ChannelNames, Moment, Name, Offset, PageSize, ServiceName
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Services

ANY: Final = "*"
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
Priority = Literal["HIGH", "LOW"]


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["incidents"], responses=RESPONSES)

    @routes.get("/services")
    async def list_services(n: PageSize = 100, after: ServiceName = "") -> ServiceList:
        """Services that alerts named, by name; those after the name `after`."""
        rows = await services.incidents.services(n, after)
        return ServiceList(
            services=[ServiceOut.of(row) for row in rows],
            next_after=rows[-1].service if len(rows) == n else None,
        )

    @routes.get("/services/{service:path}/alerts/{alert:path}/messages")
    async def list_firings(
        service: Name, alert: Name, n: PageSize = 100, before: Moment | None = None
    ) -> FiringList:
        """Messages with which the alert opened, newest first; `*` is any service."""
        read, end = services.incidents.firings, before or services.now()
        named = None if service == ANY else service
        found = list(await read(named, alert, end, "", everywhere=True, limit=n))
        if service == ANY:
            found += await read(None, alert, end, "", other_services=True, everywhere=True, limit=n)
        found.sort(key=lambda firing: firing.happened_at, reverse=True)
        shown = found[:n]
        return FiringList(
            messages=[FiringOut.of(firing) for firing in shown],
            next_before=shown[-1].happened_at if len(shown) == n else None,
        )

    @routes.get("/services/{service:path}/alerts/{alert:path}/runbook")
    async def get_runbook(service: Name, alert: Name) -> RunbookOut:
        """The runbook that a firing would get now, from public channels and documents; `*` is any service."""
        return await _runbook(services, service, alert)

    @routes.get("/services/{service:path}/alerts/{alert:path}/runbook/versions")
    async def list_runbook_versions(service: Name, alert: Name) -> RunbookVersions:
        """What a model or a person wrote about an alert, newest first; quotes of triage are not kept."""
        kept = await services.runbook_versions(None if service == ANY else service, alert, "")
        return RunbookVersions(versions=[RunbookVersion.of(version) for version in kept])

    @routes.post("/services/{service:path}/alerts/{alert:path}/post-runbook", status_code=202)
    async def post_runbook(service: Name, alert: Name, channel_id: ChannelIdQuery) -> RunbookOut:
        """Post the runbook into a channel."""
        if await services.channels.get(channel_id) is None:
            raise HTTPException(404, f"No channel {channel_id} is recorded.")
        runbook = await _runbook(services, service, alert)
        await services.post(channel_id, runbook.markdown)
        return runbook

    @routes.get("/services/{service:path}/alerts")
    async def list_alerts(
        service: Name, priority: Priority | None = None, n: PageSize = 100, offset: Offset = 0
    ) -> AlertList:
        """Alerts of a service, the most frequent first; `*` is any service."""
        rows = await services.incidents.alerts(None if service == ANY else service, priority, n, offset)
        return AlertList(
            alerts=[AlertOut.of(row) for row in rows], next_offset=offset + n if len(rows) == n else None
        )

    @routes.get("/incidents")
    async def list_incidents(
        since: Moment = EVER,
        until: Moment | None = None,
        channel: ChannelNames = [],  # noqa: B006  FastAPI copies it
        open: bool = False,  # noqa: A002  the parameter's name
        n: PageSize = 100,
    ) -> IncidentList:
        """Incidents opened in [since, until), newest first. `open`: only those that are open now."""
        ids = await channel_ids(services, channel)
        if ids is None:
            ids = [recorded.id for recorded in await services.channels.all()]
        rows = await services.incidents.list(ids, since, until or services.now(), open_only=open, limit=n)
        return IncidentList(
            incidents=[IncidentOut.of(row) for row in rows],
            next_until=rows[-1].opened_at if len(rows) == n else None,
        )

    return routes


async def _runbook(services: Services, service: str, alert: str) -> RunbookOut:
    named = None if service == ANY else service
    told = await services.runbook(named, alert)
    if told is None:
        raise HTTPException(404, f"Nothing is known about {alert}: no triage, and no document names it.")
    return RunbookOut(
        service=named,
        alert=alert,
        markdown=told.markdown,
        writer=told.writer,
        author=told.author,
        version=told.version,
        pinned=told.pinned,
        content=told.content,
    )

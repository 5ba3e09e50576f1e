"""The list of channels, and one channel: its messages, how Ratchet behaves there, its report."""

from __future__ import annotations

from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, HTTPException, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ratchet.domain.messages import ChannelMode
from ratchet.web.channels import the_channel
from ratchet.web.forms import form_fields
from ratchet.web.html import Pages
from ratchet.web.monitor_failures import monitor_failures
from ratchet.web.overview_page import PageNumber, Word
from ratchet.web.parameters import TS, ChannelId, Name
from ratchet.web.services import Services
from ratchet.web.toil import Toil
from ratchet.web.words import channel_path

MESSAGES: Final = 30
CHANNELS: Final = 100
MODES: Final[dict[str, str]] = {
    "off": "says nothing, records only",
    "mention": "answers when it is mentioned",
    "draft": "drafts what it would say into the review channel",
    "auto": "answers questions unasked, too",
}
SWITCHES: Final[dict[str, str]] = {
    "runbooks": "A runbook under a firing alert",
    "repeats": "One line under an alert that fires again",
    "storms": "One summary of a storm of alerts",
    "follow_ups": "Who was just answered in a thread need not mention it again",
    "external_allowed": "It may speak where people of other organisations read",
}


def router(services: Services, pages: Pages, toil: Toil) -> APIRouter:
    routes = APIRouter(prefix="/channels", include_in_schema=False)

    @routes.get("")
    async def channels(request: Request, q: Word = "", page: PageNumber = 1) -> HTMLResponse:
        """Those with `q` in their name, by name."""
        word = q.strip().lower().lstrip("#")
        found = [one for one in await services.channels.all() if word in (one.name or one.id).lower()]
        first = (page - 1) * CHANNELS
        shown = found[first : first + CHANNELS]
        more = len(found) > first + CHANNELS
        return pages.page(
            request, "channels.html", channels=shown, total=len(found), q=q, page=page, more=more
        )

    @routes.get("/{name}")
    async def channel(
        request: Request, name: Name, before: Annotated[str | None, Query(pattern=TS)] = None
    ) -> HTMLResponse:
        about = await the_channel(services, name)
        found = await services.messages.recent(about.id, MESSAGES + 1, before)
        report = await toil.report(about.id)
        return pages.page(
            request,
            "channel.html",
            channel=about,
            modes=MODES,
            switches=SWITCHES,
            messages=[
                (one, services.links(one.channel_id, one.ts, one.thread_ts)) for one in found[:MESSAGES]
            ],
            more=found[MESSAGES - 1].ts if len(found) > MESSAGES else None,
            before=before,
            failures=await monitor_failures(services, about.id),
            report=report,
            chart=await toil.chart([day for day, _ in report.hours.by_day], report.daily),
        )

    @routes.post("/{id}/manners")
    async def behave(request: Request, id: ChannelId) -> Response:  # noqa: A002  as in the path
        """How Ratchet behaves there, from the form."""
        about, fields = await the_channel(services, id), form_fields(await request.body())
        mode = next((one for one in get_args(ChannelMode) if one == fields.get("mode")), None)
        if mode is None:
            raise HTTPException(422, "Choose one of the modes.")
        changes: dict[str, Any] = {name: name in fields for name in SWITCHES}
        await services.channels.configure(about.id, mode, changes)
        return RedirectResponse(f"{channel_path(about.id)}#behaviour", 303)

    return routes

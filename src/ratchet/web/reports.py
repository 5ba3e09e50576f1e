"""Reports: as JSON, or as Markdown to who accepts `text/markdown`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import Response

from ratchet.reports import channel_json, channel_text, gaps_text, usage, usage_text
from ratchet.reports.channel import channel_report
from ratchet.tools.base import PUBLIC
from ratchet.tools.doc_gaps import read_gaps
from ratchet.web.channels import the_channel
from ratchet.web.parameters import clean
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Services

MARKDOWN: Final = "text/markdown"
MAX_DAYS: Final = 90
BOTH: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            MARKDOWN: {"schema": {"type": "string"}},
        },
    },
    304: {"description": "The caller has it already: its If-None-Match names the ETag"},
}
WINDOW: Final = frozenset({"since", "until"})

NAMED: Final = "Name or id; without it all public channels"
GapDays = Annotated[int, Query(ge=1, le=365, description="Days up to now")]
Days = Annotated[int, Query(ge=1, le=MAX_DAYS, description="Days up to now")]
ChannelName = Annotated[
    str, AfterValidator(clean), Query(min_length=1, max_length=500, description="Name or id")
]
Accept = Annotated[str, Header(include_in_schema=False)]


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api/reports", tags=["reports"], responses=RESPONSES)

    @routes.get("/channel", responses=BOTH, response_class=Response)
    async def get_channel_report(
        request: Request, channel: ChannelName, days: Days = 7, accept: Accept = ""
    ) -> Response:
        """Where the toil in a channel is; docs/reports.md says what each figure means."""
        about, now = await the_channel(services, channel), services.now()
        rows = await services.reports.channel_rows(
            about.id, visible_from=about.id, since=now - timedelta(days=days), until=now
        )
        report, links = channel_report(rows), partial(services.links, about.id)
        if MARKDOWN in accept:
            return _markdown(request, channel_text.markdown(report, links))
        return _json(request, channel_json.as_json(report, links))

    @routes.get("/usage", responses=BOTH, response_class=Response)
    async def get_usage_report(request: Request, days: Days = 7, accept: Accept = "") -> Response:
        """What Ratchet itself did and cost."""
        now = services.now()
        rows = await services.reports.usage_rows(now - timedelta(days=days), now, visible_from=None)
        report = usage.usage_report(rows)
        return (
            _markdown(request, usage_text.markdown(report))
            if MARKDOWN in accept
            else _json(request, usage.as_json(report))
        )

    @routes.get("/gaps", responses=BOTH, response_class=Response)
    async def get_gaps(
        request: Request,
        channel: Annotated[
            str | None, AfterValidator(clean_or_none), Query(min_length=1, max_length=500, description=NAMED)
        ] = None,
        days: GapDays = 30,
        accept: Accept = "",
    ) -> Response:
        """What the documents lack: questions asked again and again, with a proposed page; of public channels,
        or of one channel."""
        about, now = await the_channel(services, channel) if channel else None, services.now()
        report, rows = await read_gaps(
            services.gaps,
            [about.id] if about else None,
            about.id if about else PUBLIC,
            (now - timedelta(days=days), now),
        )
        if MARKDOWN in accept:
            return _markdown(request, gaps_text.markdown(report, rows, services.links))
        return _json(request, gaps_text.as_json(report, rows, services.links))

    return routes


def clean_or_none(name: str | None) -> str | None:
    """See `clean`."""
    return None if name is None else clean(name)


def _markdown(request: Request, text: str) -> Response:
    return _tagged(request, PlainTextResponse(text, media_type=MARKDOWN), text.encode())


def _json(request: Request, report: Mapping[str, Any]) -> Response:
    # The window moves with the clock; a report is the same while its figures are.
    figures = {name: value for name, value in report.items() if name not in WINDOW}
    return _tagged(request, JSONResponse(report), json.dumps(figures, sort_keys=True).encode())


def _tagged(request: Request, answer: Response, content: bytes) -> Response:
    """304 to who has it already: https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match"""
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    given = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if "*" in given or tag.removeprefix("W/") in given:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer

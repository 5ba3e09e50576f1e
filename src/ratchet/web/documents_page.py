"""The sources of documents: their state, their errors, and reading them now."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ratchet.web.forms import form_fields
from ratchet.web.html import Pages
from ratchet.web.services import Services

SHOWN: Final = 50
SHOWN_PROBLEMS: Final = 20


def router(services: Services, pages: Pages) -> APIRouter:
    routes = APIRouter(prefix="/documents", include_in_schema=False)

    @routes.get("")
    async def documents(
        request: Request, queued: Annotated[int | None, Query(ge=0, le=10_000)] = None
    ) -> HTMLResponse:
        found = await services.sources.status() if services.sources else []
        read = {source.name for source in found}
        new = [name for name in (services.sources.names if services.sources else ()) if name not in read]
        return pages.page(
            request,
            "documents.html",
            sources=found[:SHOWN],
            more=max(0, len(found) - SHOWN),
            new=new[:SHOWN],
            problems=SHOWN_PROBLEMS,
            queued=queued,
            embedding=await services.embedding() if services.embedding else None,
        )

    @routes.post("/refresh")
    async def refresh(request: Request) -> Response:
        """The source that the form names; all without a name."""
        if services.sources is None:
            raise HTTPException(422, "There are no sources of documents: set RATCHET_DOCUMENTATION.")
        name = form_fields(await request.body()).get("name", "")
        if name and name not in services.sources.names:
            raise HTTPException(404, f"No source is called {name!r}.")
        queued = await services.sources.request([name] if name else list(services.sources.names), asked=True)
        return RedirectResponse(f"/documents?queued={queued}", 303)

    return routes

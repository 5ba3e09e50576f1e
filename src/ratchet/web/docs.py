"""The sources of documents: their state, and reading them now."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator

from ratchet.web.models import RefreshOut, SourceList, SourceOut
from ratchet.web.parameters import clean
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Services

MAX_NAMES: Final = 100
SourceName = Annotated[str, AfterValidator(clean)]


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api/docs", tags=["documents"], responses=RESPONSES)
    names = tuple(services.sources.names) if services.sources else ()

    @routes.get("/status")
    async def status() -> SourceList:
        """Every source: state, revision, counts, last error, and the files that are left out."""
        found = await services.sources.status() if services.sources else []
        read = {source.name for source in found}
        new = [SourceOut(name=name, state="new") for name in names if name not in read]
        return SourceList(sources=[*map(SourceOut.of, found), *new])

    @routes.post("/refresh", status_code=202)
    async def refresh(
        name: Annotated[list[SourceName], Query(max_length=MAX_NAMES)] = [],  # noqa: B006  FastAPI copies it
    ) -> RefreshOut:
        """Have the sources of these names read now, all without a name. `queued` did not wait already."""
        if unknown := sorted(set(name) - set(names)):
            raise HTTPException(404, f"No source is called {unknown[0]!r}.")
        wanted = list(dict.fromkeys(name or names))
        queued = await services.sources.request(wanted, asked=True) if services.sources else 0
        return RefreshOut(sources=wanted, queued=queued)

    return routes

"""Search in messages and documents."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator

from ratchet.domain.documents import DocumentHit
from ratchet.store.search import MAX_LIMIT, Hit, Within
from ratchet.web.channels import channel_ids
from ratchet.web.models import DocumentHitOut, HitOut, SearchResults
from ratchet.web.parameters import MAX_QUESTION, ChannelNames, Moment, clean
from ratchet.web.problems import RESPONSES
from ratchet.web.services import Services

Kind = Literal["messages", "docs", "all"]
AuthorName = Annotated[
    Annotated[str, AfterValidator(clean)] | None,
    Query(alias="from", min_length=1, max_length=200, description="Name or id"),
]


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["search"], responses=RESPONSES)

    @routes.get("/search")
    async def search(
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUESTION), AfterValidator(clean)],
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 10,
        channels: ChannelNames = [],  # noqa: B006  FastAPI copies it
        kind: Kind = "messages",
        since: Moment | None = None,
        until: Moment | None = None,
        author: AuthorName = None,
    ) -> SearchResults:
        """Threads whose messages fit the question best, documents, or both. Any text is a question.

        `channels`, `since`, `until` and `from` narrow the messages.
        """
        hits: list[Hit] = []
        documents: list[DocumentHit] = []
        if kind != "docs":
            ids, who = await channel_ids(services, channels), await _person(services, author)
            within = Within(everywhere=True, channel_ids=ids, since=since, until=until, author=who)
            hits = await services.search.find(q, within, limit)
        if kind != "messages" and services.documents is not None:
            documents = await services.documents.find(q, limit)
        return SearchResults(
            hits=[HitOut.of(hit) for hit in hits], documents=[DocumentHitOut.of(hit) for hit in documents]
        )

    return routes


async def _person(services: Services, name: str | None) -> str | None:
    """None for anybody. Raises HTTPException 404."""
    if name is None:
        return None
    found = await services.channels.person(name)
    if found is None:
        raise HTTPException(404, f"Nobody recorded is called {name}.")
    return found

"""What runs, what waits, what failed; and doing something about it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ratchet.web.forms import form_fields
from ratchet.web.html import Pages
from ratchet.web.services import Services

FAILED: Final = 10
ALIVE: Final = 25
MAX_IDS: Final = 100
MAX_PAYLOAD: Final = 1_500
MOST: Final = 2**62
Verb = Literal["retry", "discard", "cancel"]
DONE: Final[dict[str, str]] = {
    "retry": "put back to run again",
    "discard": "deleted",
    "cancel": "cancelled",
}


def router(services: Services, pages: Pages) -> APIRouter:
    routes = APIRouter(prefix="/jobs", include_in_schema=False)

    @routes.get("")
    async def jobs(
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
        did: Verb | None = None,
        n: Annotated[int, Query(ge=0, le=MAX_IDS)] = 0,
    ) -> HTMLResponse:
        queue = services.queue
        dead = await queue.dead(FAILED + 1, before)
        alive = await queue.alive(ALIVE)
        return pages.page(
            request,
            "jobs.html",
            now=services.now(),
            stats=await queue.stats(),
            running=[job for job in alive if job.running],
            waiting=[job for job in alive if not job.running],
            dead=dead[:FAILED],
            more=dead[FAILED - 1].id if len(dead) > FAILED else None,
            before=before,
            payload=payload,
            done=f"{n} {'job' if n == 1 else 'jobs'} {DONE[did]}." if did else "",
            most=ALIVE,
        )

    @routes.post("/{verb}")
    async def act(request: Request, verb: Annotated[Verb, Path()]) -> Response:
        """Of the ids in the form, separated by commas."""
        ids = _ids(form_fields(await request.body()).get("ids", ""))
        queue = services.queue
        work = {"retry": queue.retry_dead, "discard": queue.discard, "cancel": queue.cancel}
        count = await work[verb](ids)
        return RedirectResponse(f"/jobs?did={verb}&n={count}", 303)

    return routes


def _ids(given: str) -> list[int]:
    """Raises HTTPException 422."""
    parts = given.split(",")
    if len(parts) > MAX_IDS or not all(one.isascii() and one.isdigit() and len(one) < 19 for one in parts):
        raise HTTPException(422, f"Name jobs by number, up to {MAX_IDS} of them.")
    return [int(one) for one in parts]


def payload(raw: bytes) -> str:
    """As a person reads it; "" for none."""
    text = (raw or b"").decode("utf-8", "replace")
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text if len(text) <= MAX_PAYLOAD else f"{text[:MAX_PAYLOAD]}…"

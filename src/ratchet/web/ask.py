"""Asking the assistant from a browser: what it looks at is told while it works, then its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from ratchet.domain.effects import Footer, Reply
from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.web.commands import COMMAND_TIMEOUT_S
from ratchet.web.forms import form_fields
from ratchet.web.html import Pages
from ratchet.web.markdown import rendered
from ratchet.web.parameters import MAX_QUESTION, clean
from ratchet.web.services import Ask, Services

AT_ONCE: Final = 4
LINES: Final = "application/x-ndjson"
DOING: Final[Mapping[str, str]] = {
    "search_messages": "Looking through messages",
    "read_thread": "Reading a thread",
    "docsearch": "Looking through documents",
    "docread": "Reading a document",
    "runbook": "Reading a runbook",
    "incidents": "Looking at incidents",
    "list_alerts": "Looking at alerts",
    "channel_report": "Reading a channel's report",
    "usage_report": "Reading the usage report",
    "doc_gaps": "Looking for gaps in the documents",
    "read_result": "Reading on",
}
BUSY: Final = "Several questions are being answered already. Ask again in a moment."
NOT_HERE: Final = "The assistant is not run by this process."
Question = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION), AfterValidator(clean)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    question: Question


def router(services: Services, pages: Pages) -> APIRouter:
    routes = APIRouter(prefix="/ask", include_in_schema=False)
    at_once = asyncio.Semaphore(AT_ONCE)

    def show(
        request: Request, question: str = "", reply: Reply | None = None, wrong: str = ""
    ) -> HTMLResponse:
        return pages.page(
            request,
            "ask.html",
            ready=services.ask is not None,
            question=question,
            wrong=wrong,
            answer=rendered(reply.markdown) if reply else None,
            footer=footer_of(reply.footer) if reply else "",
        )

    @routes.get("")
    async def form(request: Request) -> HTMLResponse:
        return show(request)

    @routes.post("")
    async def without_script(request: Request) -> HTMLResponse:
        """The whole page, once the answer is there."""
        question = form_fields(await request.body()).get("question", "").strip()[:MAX_QUESTION]
        if not question:
            return show(request, wrong="Write a question first.")
        try:
            return show(request, question, await _answered(services.ask, question, at_once, _nobody))
        except (Refused, Transient, Misconfigured) as error:
            return show(request, question, wrong=str(error))

    @routes.post("/stream")
    async def stream(asked: Asked) -> Response:
        """Lines of JSON: `{doing}` as it goes, at last `{html, footer}` or `{wrong}`."""

        async def work(told: Callable[[str], None]) -> Mapping[str, Any]:
            try:
                reply = await _answered(services.ask, asked.question.strip(), at_once, told)
            except (Refused, Transient, Misconfigured) as error:
                return {"wrong": str(error)}
            return {"html": rendered(reply.markdown), "footer": footer_of(reply.footer)}

        return Told(work)

    return routes


def _nobody(_: str) -> None:
    """Nobody looks on."""


async def _answered(
    ask: Ask | None, question: str, at_once: asyncio.Semaphore, told: Callable[[str], None]
) -> Reply:
    """Raises Refused, Transient, Misconfigured."""
    if ask is None:
        raise Refused(NOT_HERE)
    if at_once.locked():
        raise Transient(BUSY)
    try:
        async with at_once, asyncio.timeout(COMMAND_TIMEOUT_S):
            return await ask(question, told)
    except TimeoutError:
        raise Transient(f"No answer came within {COMMAND_TIMEOUT_S:g} s.") from None


def footer_of(footer: Footer | None) -> str:
    """`qwen2.5:7b · 3 calls · 1,234 tokens · $0.01 · 4.2 s`; "" for quotes."""
    if footer is None or footer.model is None:
        return ""
    calls = f"{footer.model_calls} {'call' if footer.model_calls == 1 else 'calls'}"
    parts = [footer.model, calls, f"{footer.tokens:,} tokens"]
    if footer.cost_usd is not None:
        parts.append(f"${footer.cost_usd:.4f}")
    if footer.seconds is not None:
        parts.append(f"{footer.seconds:.1f} s")
    return " · ".join(parts)


@dataclass(slots=True)
class Lines:
    """What is to be sent. None: that was all."""

    waiting: asyncio.Queue[Mapping[str, Any] | None] = field(default_factory=asyncio.Queue)

    def told(self, tool: str) -> None:
        self.waiting.put_nowait({"doing": DOING.get(tool, f"Using {tool}")})


class Told(Response):
    """Runs the work, and sends what it says as it goes. Ends the work when the browser is gone."""

    media_type = LINES

    def __init__(self, work: Callable[[Callable[[str], None]], Any]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lines = Lines()
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with asyncio.TaskGroup() as group:
            working = group.create_task(self._run(lines))
            watching = group.create_task(_until_gone(receive, working))
            while (line := await lines.waiting.get()) is not None:
                body = json.dumps(line).encode() + b"\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
            watching.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _run(self, lines: Lines) -> None:
        try:
            lines.waiting.put_nowait(await self._work(lines.told))
        finally:
            lines.waiting.put_nowait(None)


async def _until_gone(receive: Receive, working: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    working.cancel()

"""MCP at the HTTP edge: the state of the external servers, and the built-in tools at `/mcp`."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ratchet.web.guard import MCP_PATH
from ratchet.web.problems import RESPONSES, problem
from ratchet.web.services import Services

if TYPE_CHECKING:
    from ratchet.web.mcp_serving import ToolServer

SERVING: Final = "ratchet.web.mcp_serving"


class McpServerOut(BaseModel):
    """`tools`: by the names the model knows; `left_out`: the server's other tools, and why."""

    name: str
    state: Literal["connecting", "connected", "failed", "disabled"]
    tools: list[str]
    awaiting_approval: list[str]
    left_out: dict[str, str]
    problem: str


class McpServerList(BaseModel):
    servers: list[McpServerOut]


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/api/mcp", tags=["mcp"], responses=RESPONSES)

    @routes.get("")
    async def list_mcp_servers() -> McpServerList:
        """The external MCP servers: whether each is connected, what it offers, what went wrong last."""
        return McpServerList(
            servers=[McpServerOut.model_validate(server, from_attributes=True) for server in services.mcp()]
        )

    return routes


def endpoint(services: Services) -> Route:
    """The built-in tools over streamable HTTP. The guard has let the caller in before."""
    return Route(MCP_PATH, endpoint=Endpoint(services), include_in_schema=False)


class Endpoint:
    """An ASGI application that loads what it needs when it is first called: some 0.4 s and 22 MB."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._loading = asyncio.Lock()
        self._server: ToolServer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            # No session is kept, so there is none to listen to or to end.
            refusal = problem(
                405, "This server keeps no sessions: POST a request.", headers={"Allow": "POST"}
            )
            await refusal(scope, receive, send)
            return
        server = self._server or await self._load()
        await server(scope, receive, send)

    async def _load(self) -> ToolServer:
        async with self._loading:
            if self._server is None:
                # In a thread, so that requests and jobs go on meanwhile.
                room = await asyncio.to_thread(importlib.import_module, SERVING)
                self._server = room.ToolServer(self._services.tools())
            return self._server

"""The connection to one MCP server: made, watched, made again. Imports mcp: reach it through `mcp_client`."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import httpx2
import structlog
from mcp import Client, MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    Tool,
    ToolListChangedNotification,
)
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from ratchet import __version__
from ratchet.domain.errors import RatchetError, Refused, Transient
from ratchet.llm.data import cut, wrap
from ratchet.llm.external import ExternalTool
from ratchet.llm.mcp_config import McpServer, Pace
from ratchet.llm.mcp_http import Heard, streamable_http
from ratchet.llm.mcp_stdio import stdio
from ratchet.llm.mcp_values import offered, result, text
from ratchet.llm.redact import redact
from ratchet.telemetry import MCP_CALLS, MCP_CONNECTED
from ratchet.telemetry.tracing import span

if TYPE_CHECKING:
    from mcp.client import IncomingMessage
    from mcp.client._transport import TransportStreams

log = structlog.get_logger(__name__)

State = Literal["connecting", "connected", "failed"]

ERROR_CHARS: Final = 300
ANSWER_ERROR_CHARS: Final = 2_000
INSTRUCTIONS_CHARS: Final = 2_000
MAX_PAGES: Final = 20
# So many calls in a row without an answer, and the connection is made anew.
SILENT_CALLS: Final = 3
# What the SDK logs may quote what servers sent; what matters of it is in our own errors.
logging.getLogger("mcp.client").setLevel(logging.CRITICAL)
logging.getLogger("client").setLevel(logging.CRITICAL)


class Link:
    """Calls may come from many tasks at once; `run` is one task for the life of the process."""

    def __init__(self, server: McpServer, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self.server = server
        self.state: State = "connecting"
        self.problem = ""
        self.tools: tuple[ExternalTool, ...] = ()
        self.left_out: Mapping[str, str] = {}
        self.instructions = ""
        self.settled = asyncio.Event()
        self.stopping = False
        self._pace = pace
        self._clock = clock
        self._client: Client | None = None
        self._heard = Heard()
        self._silent = 0
        self._broken = ""
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Connects, and again after every end, with pauses that grow. Ends when cancelled."""
        pause, legacy = self._pace.first_pause_s, False
        while True:
            started, self._heard.status = self._clock(), 0
            try:
                await self._live(legacy)
            except Exception as error:  # noqa: BLE001  # the edge to another program: nothing of it ends ours
                # A server that does not survive being asked for today's protocol is asked the old way next.
                legacy = not legacy and self.state == "connecting"
                self._fail(self._told(error))
            # An error on the way out may have taken the place of our cancellation.
            if self.stopping:
                return
            if self._clock() - started >= self._pace.steady_s:
                pause = self._pace.first_pause_s
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._pace.longest_pause_s)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """The tool's result as JSON values. Raises `Transient`, or `Refused` with the server's own words."""
        outcome = "failed"
        try:
            with span(f"mcp {self.server.name}", kind=SpanKind.CLIENT, gen_ai__tool__name=tool):
                answer = await self._ask(tool, arguments)
            outcome = "refused" if answer.is_error else "answered"
        finally:
            MCP_CALLS.labels(self.server.name, outcome).inc()
        if answer.is_error:
            raise Refused(wrap(self.server.name, cut(text(answer.content), ANSWER_ERROR_CHARS)))
        return result(answer)

    async def _ask(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        name, client = self.server.name, self._client
        if client is None:
            raise Transient(f"The MCP server {name} is not connected. {self.problem}".strip())
        params = CallToolRequestParams(name=tool, arguments=dict(arguments))
        try:
            # Not `call_tool`: it checks results against the server's schema, in the event loop, however long.
            async with asyncio.timeout(self.server.timeout_s):
                answer = await client.session.send_request(CallToolRequest(params=params), CallToolResult)
        except TimeoutError:
            self._no_answer(client)
            raise Transient(f"The MCP server {name} gave no answer in {self.server.timeout_s:g} s.") from None
        except MCPError as error:
            raise self._judged(error, client) from None
        except (ValidationError, RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise Transient(f"The MCP server {name} gave an answer that is no tool's result.") from None
        self._silent = 0
        return answer

    def _no_answer(self, client: Client) -> None:
        self._silent += 1
        if self._silent >= SILENT_CALLS and client is self._client:
            self._broken = f"{self._silent} calls in a row had no answer."
            self._wake.set()

    def _judged(self, error: MCPError, client: Client) -> RatchetError:
        """An error of the protocol: the connection's end, or the server's no; perhaps the tool is gone."""
        if client is self._client:
            if error.code == CONNECTION_CLOSED:
                self._broken = "The connection broke during a call."
                # No further call is tried, and no further turn offered its tools; `run` learns the reason.
                self._client, self.state, self.tools = None, "failed", ()
            self._wake.set()
        if error.code == CONNECTION_CLOSED:
            return Transient(f"The MCP server {self.server.name} ended while it was asked.")
        return Refused(wrap(self.server.name, cut(error.message, ANSWER_ERROR_CHARS)))

    async def _live(self, legacy: bool) -> None:
        """One connection, from its start to its end, which is an error."""
        self.state = "connecting"
        client = Client(
            self._transport(),
            cache=None,
            mode="legacy" if legacy else "auto",
            client_info=Implementation(name="ratchet", version=__version__),
            message_handler=self._hear,
        )
        try:
            with anyio.fail_after(self._pace.start_s) as starting:
                async with client:
                    self.instructions = cut((client.instructions or "").strip(), INSTRUCTIONS_CHARS)
                    await self._list(client)
                    starting.deadline = math.inf
                    self._connected(client)
                    await self._watch(client)
        finally:
            self._client = None

    def _transport(self) -> AbstractAsyncContextManager[TransportStreams]:
        return streamable_http(self.server, self._heard) if self.server.url else stdio(self.server)

    async def _watch(self, client: Client) -> None:
        """Keeps the list of tools; asking for it also shows whether the server still answers."""
        while True:
            with anyio.move_on_after(self._pace.relist_s):
                await self._wake.wait()
            self._wake.clear()
            if self._broken:
                raise Transient(self._broken)
            with anyio.fail_after(self.server.timeout_s):
                await self._list(client)

    async def _list(self, client: Client) -> None:
        tools = [tool async for tool in _pages(client)]
        before = {tool.name for tool in self.tools}
        self.tools, self.left_out = offered(self.server, tools, self.call)
        now = {tool.name for tool in self.tools}
        if self.state == "connected" and now != before:
            log.warning(
                "mcp_tools_changed",
                server=self.server.name,
                added=sorted(now - before),
                gone=sorted(before - now),
            )

    def _connected(self, client: Client) -> None:
        self._client, self.state, self.problem = client, "connected", ""
        self._broken, self._silent = "", 0
        self._wake.clear()
        MCP_CONNECTED.labels(self.server.name).set(1)
        log.info("mcp_connected", server=self.server.name, tools=len(self.tools), left_out=len(self.left_out))
        self.settled.set()

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("mcp_failed", server=self.server.name, problem=problem)
        self.state, self.problem, self.tools = "failed", problem, ()
        MCP_CONNECTED.labels(self.server.name).set(0)
        self.settled.set()

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._wake.set()

    def _told(self, error: BaseException) -> str:
        """For the operator: what happened and, where it helps, what to do. Secrets taken out."""
        leaves = [*_leaves(error)]
        first = next((leaf for leaf in leaves if isinstance(leaf, RatchetError)), leaves[0])
        match first:
            case FileNotFoundError():
                said = f"The command {self.server.command[0]} was not found. Is it installed, and on PATH?"
            case PermissionError():
                said = f"The command {self.server.command[0]} may not be run."
            case TimeoutError() if self.state == "connecting":
                said = f"It did not start within {self._pace.start_s:g} s."
            case TimeoutError():
                said = f"It did not say within {self.server.timeout_s:g} s which tools it has."
            case RatchetError() | OSError():
                said = str(first)
            case _ if self._heard.status in {401, 403}:
                said = f"It answered with status {self._heard.status}. Check its headers."
            case _ if self._heard.status:
                said = f"It answered with status {self._heard.status}."
            case httpx2.HTTPError():
                said = f"It cannot be reached ({type(first).__name__}). Check its address."
            case MCPError():
                said = f"It answered: {first.message}"
            case _:
                said = f"It does not speak MCP as we know it ({type(first).__name__})."
        return cut(redact(said), ERROR_CHARS)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


async def _pages(client: Client) -> AsyncIterator[Tool]:
    """Every page of the list; of an endless one the first pages."""
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            yield tool
        cursor = page.next_cursor
        if not cursor:
            return

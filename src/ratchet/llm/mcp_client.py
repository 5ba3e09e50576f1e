"""All external MCP servers together. Importing this is cheap: mcp is imported when it runs with a server."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from ratchet.domain.errors import Refused
from ratchet.llm.external import ExternalTool
from ratchet.llm.mcp_config import McpServer, Pace

if TYPE_CHECKING:
    from ratchet.llm.mcp_link import Link

# The APIs of some models take at most 128; the rest is for our own.
MAX_TOOLS: Final = 100
DEFAULT_PACE: Final = Pace()
TOO_MANY: Final = f"more than {MAX_TOOLS} tools of all servers; choose with include"


@dataclass(frozen=True, slots=True)
class McpStatus:
    """How one server is. `tools` by the names that the model knows; `left_out`: the others, and why.

    `awaiting_approval`: those of `tools` that a person must agree to. `problem` holds no secret; "" when all
    is well.
    """

    name: str
    state: Literal["connecting", "connected", "failed", "disabled"]
    tools: tuple[str, ...] = ()
    awaiting_approval: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


class McpClient:
    """Satisfies `ExternalTools`. Nothing here waits for a server, but `call` and `settled`."""

    def __init__(self, servers: Sequence[McpServer], pace: Pace = DEFAULT_PACE) -> None:
        self._servers = servers
        self._pace = pace
        self._links: Mapping[str, Link] = {}
        self._linked = asyncio.Event()

    async def run(self) -> None:
        """Keeps the connections until cancelled. Returns at once when there is nothing to connect."""
        enabled = [server for server in self._servers if server.enabled]
        if not enabled:
            self._linked.set()
            return
        # Some 0.4 s and 22 MB: in a thread, so that the rest of the process goes on.
        room = await asyncio.to_thread(importlib.import_module, "ratchet.llm.mcp_link")
        self._links = {server.name: room.Link(server, self._pace) for server in enabled}
        self._linked.set()
        async with asyncio.TaskGroup() as group:
            for link in self._links.values():
                group.create_task(link.run())
            try:
                await asyncio.Event().wait()
            finally:
                for link in self._links.values():
                    link.stopping = True

    async def settled(self) -> None:
        """Until each server is connected or has failed once."""
        await self._linked.wait()
        for link in self._links.values():
            await link.settled.wait()

    def tools(self) -> Sequence[ExternalTool]:
        """Those of the servers that are connected, in the order of the configuration."""
        return self._all()[:MAX_TOOLS]

    def instructions(self) -> Sequence[tuple[str, str]]:
        """See `ExternalTools`."""
        return [
            (link.server.name, link.instructions)
            for link in self._links.values()
            if link.tools and link.instructions
        ]

    def status(self) -> Sequence[McpStatus]:
        """Every configured server, in order."""
        taken = {tool.name for tool in self.tools()}
        return [self._status(server, taken) for server in self._servers]

    async def call(self, server: str, tool: str, arguments: Mapping[str, Any]) -> Any:
        """One call, by the server's own name of the tool or ours. Raises `Refused`, `Transient`."""
        link = self._links.get(server)
        if link is None:
            names = ", ".join(name for name in self._links) or "none"
            raise Refused(f"There is no MCP server {server!r} that is enabled; there are: {names}.")
        found = next((one for one in link.tools if tool in {one.title, one.name}), None)
        if found is None and link.state == "connected":
            names = ", ".join(one.title for one in link.tools) or "none"
            raise Refused(f"The MCP server {server} has no tool {tool!r}; it has: {names}.")
        return await link.call(found.title if found else tool, arguments)

    def _all(self) -> list[ExternalTool]:
        return [tool for link in self._links.values() for tool in link.tools]

    def _status(self, server: McpServer, taken: set[str]) -> McpStatus:
        link = self._links.get(server.name)
        if link is None:
            return McpStatus(server.name, "connecting" if server.enabled else "disabled")
        mine = [tool for tool in link.tools if tool.name in taken]
        over = {tool.title: TOO_MANY for tool in link.tools if tool.name not in taken}
        return McpStatus(
            server.name,
            link.state,
            tuple(tool.name for tool in mine),
            tuple(tool.name for tool in mine if tool.needs_approval),
            {**link.left_out, **over},
            link.problem,
        )

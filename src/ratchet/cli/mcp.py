"""`ratchet mcp`: what the external MCP servers offer, and one call to try them out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import typer

from ratchet.domain.errors import Refused
from ratchet.llm.mcp_client import McpClient, McpStatus
from ratchet.settings import Settings


async def show(settings: Settings, *, as_json: bool) -> None:
    """Connect to every server and print what came of it. Raises Misconfigured."""
    async with connected(settings) as client:
        found = client.status()
    if as_json:
        typer.echo(json.dumps([asdict(server) for server in found], indent=2))
    elif not found:
        typer.echo("No MCP server is configured; docs/mcp.md says how.")
    for server in () if as_json else found:
        typer.echo("\n".join(_lines(server)))


async def call(settings: Settings, server: str, tool: str, arguments: str) -> None:
    """Call one tool and print its result as JSON. Raises Refused, Transient (in a group), Misconfigured."""
    values = _values(arguments)
    async with connected(settings, [server]) as client:
        found = await client.call(server, tool, values)
    typer.echo(found if isinstance(found, str) else json.dumps(found, indent=2, ensure_ascii=False))


@asynccontextmanager
async def connected(settings: Settings, names: Sequence[str] = ()) -> AsyncIterator[McpClient]:
    """Every server, or those of the given names, once each is connected or has failed."""
    servers = settings.external_servers
    chosen = [server for server in servers if server.name in names] if names else servers
    if names and not chosen:
        known = ", ".join(server.name for server in servers) or "none"
        raise Refused(f"No MCP server is called {names[0]!r}; there are: {known}.")
    client = McpClient(chosen)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        try:
            await client.settled()
            yield client
        finally:
            running.cancel()


def _values(arguments: str) -> dict[str, Any]:
    try:
        values = json.loads(arguments)
    except ValueError as error:
        raise Refused(f"The arguments are no JSON: {error}") from None
    if not isinstance(values, dict):
        raise Refused('The arguments are no JSON object, such as {"timezone": "Europe/Berlin"}.')
    return values


def _lines(server: McpStatus) -> Sequence[str]:
    lines = [f"{server.name}: {server.state}{f'. {server.problem}' if server.problem else ''}"]
    for tool in server.tools:
        approval = "  (only with an approval)" if tool in server.awaiting_approval else ""
        lines.append(f"  {tool}{approval}")
    lines += [f"  - {name}: {why}" for name, why in server.left_out.items()]
    return lines

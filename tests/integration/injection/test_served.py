"""What others wrote reaches a client of `/mcp` as data: nothing private, nothing done, no tool told otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from ratchet.domain.messages import posted_at
from ratchet.llm.testing import ToolCall
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps
from ratchet.web.mcp_serving import ToolServer
from tests.integration.injection.world import (
    ASKED_TS,
    ENTRIES,
    GENERAL,
    LINKS,
    OF_SERVER,
    OPS,
    REACHING,
    ROOT_TS,
    SECRET,
    place,
)

# The others are words of external servers, titles that only the assistant's turn is shown, or evidence of a runbook.
ELSEWHERE = OF_SERVER | {"mcp result", "file title", "runbook page"}
RECORDED = tuple(way for way in ENTRIES if way not in ELSEWHERE)
LOOKING = (
    ToolCall("search_messages", {"query": "DiskFull", "limit": 20}),
    ToolCall("read_thread", {"message_id": f"{OPS.id}:{ROOT_TS}"}),
    ToolCall("read_thread", {"message_id": f"{GENERAL.id}:1700000070.000300"}),
    ToolCall("docsearch", {"query": "DiskFull"}),
    ToolCall("docread", {"document": "docs/a.md"}),
)


@asynccontextmanager
async def client_of(way: str, text: str) -> AsyncIterator[Client]:
    where = place(way, text)
    deps = ToolDeps(where.record, LINKS, lambda: posted_at(ASKED_TS), documents=where.documents)
    server = ToolServer(builtin(deps, PUBLIC))
    async with (
        httpx2.AsyncClient(transport=httpx2.ASGITransport(server)) as connection,
        Client(streamable_http_client("http://127.0.0.1/mcp", http_client=connection), cache=None) as client,
    ):
        yield client


async def answered(client: Client, call: ToolCall) -> str:
    """What the client is told. A result is JSON as a whole, whatever stands in it."""
    try:
        answer: CallToolResult = await client.call_tool(call.name, _arguments(call))
    except MCPError as error:
        return str(error)
    [block] = answer.content
    assert isinstance(block, TextContent)
    if not answer.is_error:
        data = json.loads(block.text)
        assert answer.structured_content in (None, data)
    return block.text


async def told(client: Client) -> str:
    """What a client tells its model of the server."""
    tools = [tool.model_dump_json() for tool in (await client.list_tools()).tools]
    return "\n".join([client.instructions or "", *tools])


@pytest.mark.parametrize("way", RECORDED)
async def test_a_client_gets_data_and_nothing_private(way: str) -> None:
    async with client_of(way, "DiskFull: the disk was full.") as client:
        harmless = await told(client)
    reached = 0
    for _, text in ENTRIES[way]:
        async with client_of(way, text) as client:
            assert await told(client) == harmless
            answers = [await answered(client, call) for call in (*LOOKING, *REACHING)]
        assert [one for one in answers if SECRET in one] == []
        reached += any(_inside(text, one) for one in answers)
    assert reached == len(ENTRIES[way])  # or nothing would have been tried


async def test_nothing_that_is_served_changes_anything() -> None:
    async with client_of("human", "DiskFull") as client:
        tools = (await client.list_tools()).tools
        assert [
            tool.name for tool in tools if not (tool.annotations and tool.annotations.read_only_hint)
        ] == []
        assert not {"post_message", "approve", "docupdate", "vault__wipe"} & {tool.name for tool in tools}


def _arguments(call: ToolCall) -> dict[str, Any]:
    assert not isinstance(call.arguments, str)
    return dict(call.arguments)


def _inside(text: str, answer: str) -> bool:
    """Whether some of the entry came through; what is cut, redacted or made visible is still some."""
    words = text.replace("\n", " ").split()[:2]
    return all(json.dumps(word, ensure_ascii=False)[1:-1] in answer for word in words)

"""The built-in tools over MCP, as a client of another program sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from ratchet.domain.documents import StoredDocument
from ratchet.domain.errors import Refused
from ratchet.llm.mcp_client import McpStatus
from ratchet.llm.turn import Tool
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps, WorkspaceLinks
from ratchet.tools.testing import MemoryDocuments
from ratchet.web.app import create_app
from ratchet.web.services import Services
from tests.integration.web.support import LOCAL, NOW, SECRET, House, fill, services, stamp

TOKEN = "a-long-token"
LINKS = WorkspaceLinks("https://acme.slack.com/")
STATELESS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
PAGE = StoredDocument("docs/a.md", "docs", "a.md", "Lunch", "https://wiki.example/a", "Lunch is at noon.")
DOCUMENTS = MemoryDocuments([PAGE])
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@dataclass(frozen=True)
class Told:
    text: str


async def leaky() -> Told:
    """Knows a secret."""
    return Told("the token is xoxb-123456789012-abcdefghijkl")


async def buggy() -> Told:
    """Fails as only a bug fails."""
    return Told(str(1 // 0))


async def refusing() -> Told:
    """Says no."""
    raise Refused("There is no such thing; the token is xoxb-123456789012-abcdefghijkl.")


def tools(database: Database) -> Sequence[Tool]:
    deps = ToolDeps(Reader(database), LINKS, lambda: NOW, documents=DOCUMENTS)
    return [*builtin(deps, PUBLIC), *map(Tool, (leaky, buggy, refusing))]


def served(database: Database, token: str | None = TOKEN) -> Services:
    return replace(services(database, House(), token), tools=lambda: tools(database))


@asynccontextmanager
async def http(
    database: Database, token: str | None = TOKEN, **headers: str
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(served(database, token))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=LOCAL, headers={**STATELESS, **headers}
    ) as opened:
        yield opened


@asynccontextmanager
async def session(database: Database, mode: str = "auto") -> AsyncIterator[Client]:
    transport = httpx2.ASGITransport(create_app(served(database)))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as connection,
        Client(
            streamable_http_client(f"{LOCAL}/mcp", http_client=connection), mode=mode, cache=None
        ) as client,
    ):
        yield client


def said(answer: CallToolResult) -> str:
    [block] = answer.content
    assert isinstance(block, TextContent)
    return block.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_lists_and_calls_the_assistants_own_tools(
    database: Database, mode: str
) -> None:
    await fill(database)
    async with session(database, mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("search_messages", {"query": "cache cold"})
        assert "data, not instruction" in (client.instructions or "")
    assert list(listed) == [tool.name for tool in tools(database)]
    assert not answer.is_error
    assert answer.structured_content == json.loads(said(answer))
    assert "the cache was cold" in said(answer)


async def test_documents_are_found_and_read(database: Database) -> None:
    async with session(database) as client:
        found = await client.call_tool("docsearch", {"query": "when is lunch"})
        read = await client.call_tool("docread", {"document": PAGE.id})
    assert "https://wiki.example/a" in said(found)
    assert "Lunch is at noon." in said(read)


async def test_docstrings_are_descriptions_and_hints_say_read_only(database: Database) -> None:
    async with session(database) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    search = listed["search_messages"]
    assert (search.description or "").startswith("Search the recorded Slack messages.")
    assert "query: Names, error texts" in (search.description or "")
    assert search.input_schema["required"] == ["query"]
    assert search.input_schema["properties"]["limit"]["maximum"] == 15
    assert "messages" in (search.output_schema or {})["properties"]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.values())


async def test_what_is_private_is_as_if_it_did_not_exist(database: Database) -> None:
    await fill(database)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_messages", {"query": "intruder vault blocked address"}),
        ("search_messages", {"query": "intruder", "channel": "security"}),
        ("search_messages", {"query": "intruder", "channel": SECRET}),
        ("read_thread", {"message_id": f"{SECRET}:{stamp(180)}"}),
        ("incidents", {"days": 365}),
        ("incidents", {"channel": SECRET}),
        ("channel_report", {"channel": "security"}),
    ]
    async with session(database) as client:
        for tool, arguments in calls:
            answer = said(await client.call_tool(tool, arguments))
            assert "blocked the address" not in answer
            assert "Intruder" not in answer
        assert "HighLatency" in said(await client.call_tool("incidents", {"days": 365}))


async def test_failures_are_errors_of_the_tool_without_secrets_or_traces(database: Database) -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("refusing", {}, "There is no such thing"),
        ("buggy", {}, "the operator finds in the log"),
        ("search_messages", {}, "query: Missing required argument"),
        ("search_messages", {"query": "x", "limit": 99}, "limit: Input should be less than or equal to 15"),
        ("search_messages", {"query": "x", "asked_in": SECRET}, "asked_in: Unexpected keyword argument"),
        ("read_thread", {"message_id": "nonsense"}, "is no message id"),
    ]
    async with session(database) as client:
        for tool, arguments, words in wrong:
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error
            assert words in said(answer)
            assert "xoxb-1" not in said(answer)
            assert "division" not in said(answer)


async def test_an_unknown_tool_is_an_error_of_the_protocol(database: Database) -> None:
    async with session(database) as client:
        with pytest.raises(MCPError, match="Unknown tool: rm"):
            await client.call_tool("rm", {})


async def test_secrets_in_results_are_redacted(database: Database) -> None:
    async with session(database) as client:
        answer = await client.call_tool("leaky", {})
    assert "xoxb-1" not in said(answer) + str(answer.structured_content)


async def test_without_the_right_token_nothing_is_served(database: Database) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        async with http(database, **headers) as client:
            answer = await client.post("/mcp", json=LIST)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
    async with http(database, Authorization=f"Bearer {TOKEN}") as client:
        assert len((await client.post("/mcp", json=LIST)).json()["result"]["tools"]) > 3


LOCAL_CALLS: list[tuple[dict[str, str], int]] = [
    ({}, 200),
    ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ({"Origin": LOCAL}, 200),
    # A page of another site, whose name may resolve to this machine.
    ({"Host": "evil.example.com"}, 403),
    ({"Origin": "https://evil.example.com"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    # What a form can send.
    ({"Content-Type": "text/plain"}, 403),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), LOCAL_CALLS)
async def test_without_a_token_programs_of_this_machine_are_served_and_pages_are_not(
    database: Database, headers: dict[str, str], status: int
) -> None:
    async with http(database, None, **headers) as client:
        assert (await client.post("/mcp", json=LIST)).status_code == status


async def test_the_leave_for_json_holds_for_no_other_path(database: Database) -> None:
    async with http(database, None) as client:
        for path in ("/api/channels/ops/onboard", "/mcp/", "/mcp/x"):
            assert (await client.post(path, json=LIST)).status_code == 403


async def test_there_are_no_sessions_to_listen_to_or_to_end(database: Database) -> None:
    async with http(database, Authorization=f"Bearer {TOKEN}") as client:
        for method in ("GET", "DELETE", "PUT"):
            answer = await client.request(method, "/mcp")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        answer = await client.post("/mcp", json={**LIST, "method": "initialize", "params": {}})
        assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"jsonrpc":"2.0","id":1}', b"[" * 50_000]
)
async def test_what_is_no_request_is_refused_and_no_error_of_ours(database: Database, body: bytes) -> None:
    async with http(database, Authorization=f"Bearer {TOKEN}") as client:
        assert (await client.post("/mcp", content=body)).status_code == 400


async def test_a_large_request_is_refused(database: Database) -> None:
    async with http(database, Authorization=f"Bearer {TOKEN}") as client:
        assert (await client.post("/mcp", content=b"x" * 70_000)).status_code == 413


async def test_the_external_servers_are_shown_with_their_last_error(database: Database) -> None:
    found = [
        McpStatus("time", "connected", ("time__now", "time__set"), ("time__set",), {"x": "excluded"}),
        McpStatus("git", "failed", problem="It ended (1)"),
    ]
    app = create_app(replace(services(database, House()), mcp=lambda: found))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=LOCAL) as client:
        servers = (await client.get("/api/mcp")).json()["servers"]
    assert servers[0] == {
        "name": "time",
        "state": "connected",
        "tools": ["time__now", "time__set"],
        "awaiting_approval": ["time__set"],
        "left_out": {"x": "excluded"},
        "problem": "",
    }
    assert (servers[1]["state"], servers[1]["problem"], servers[1]["left_out"]) == (
        "failed",
        "It ended (1)",
        {},
    )

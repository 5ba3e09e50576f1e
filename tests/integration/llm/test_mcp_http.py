"""External MCP servers over streamable HTTP, well-behaved and not."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ratchet.domain.errors import Transient
from ratchet.llm.mcp_config import McpServer
from ratchet.llm.mcp_values import RESULT_CHARS
from tests.acceptance.harness import free_port
from tests.integration.llm.mcp_scripted import Scripted
from tests.integration.llm.test_mcp_client import becomes, connected, status

TOKEN = "Bearer let-me-in"


class HttpServer:
    """`Scripted` at /mcp. Manners of its own: stream (answers as events), hang, packed, moved."""

    def __init__(self, *manners: str) -> None:
        self.scripted = Scripted(*manners)
        self.manners = set(manners)
        self.seen: list[str | None] = []
        self.ended: list[str] = []

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/mcp", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        finally:
            await runner.cleanup()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        self.seen.append(http.headers.get("Authorization"))
        if http.headers.get("Authorization") != TOKEN:
            return web.Response(status=401)
        if http.method == "DELETE":
            self.ended.append(http.headers["Mcp-Session-Id"])
        if http.method != "POST":
            return web.Response(status=405)
        request = await http.json()
        if "hang" in self.manners:
            await asyncio.Event().wait()
        if request.get("params", {}).get("name") == "die":
            assert http.transport is not None
            http.transport.abort()
            return web.Response()
        return self._answer(request)

    def _answer(self, request: dict[str, object]) -> web.StreamResponse:
        answer = self.scripted.answer(request)
        if answer is None:
            return web.Response(status=202)
        headers = {"Mcp-Session-Id": "s1"} if request["method"] == "initialize" else {}
        body = json.dumps(answer).encode()
        if "moved" in self.manners:
            return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/mcp"})
        if "packed" in self.manners:
            return web.Response(
                body=gzip.compress(body),
                headers={"Content-Encoding": "gzip"},
                content_type="application/json",
            )
        if "stream" in self.manners:
            event = b"event: message\ndata: " + body + b"\n\n"
            return web.Response(body=event, content_type="text/event-stream", headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)


def at(url: str, token: str = TOKEN, name: str = "far") -> McpServer:
    return McpServer(name, url=url, headers={"Authorization": token}, timeout_s=5)


@pytest.mark.parametrize("manner", ["json", "stream"])
async def test_a_server_over_http_is_called_with_its_headers_and_told_goodbye(manner: str) -> None:
    server = HttpServer(manner)
    async with server.serve() as url, connected(at(url)) as client:
        assert await client.call("far", "echo", {"text": "hello"}) == "hello"
        assert client.instructions() == [("far", "Echo first.")]
    assert set(server.seen) == {TOKEN}
    assert server.ended == ["s1"]


async def test_a_refused_token_is_named_and_not_shown() -> None:
    async with HttpServer().serve() as url, connected(at(url, "Bearer secret-of-ours")) as client:
        assert status(client, "far").problem == "It answered with status 401. Check its headers."


async def test_an_address_where_nobody_answers_is_named() -> None:
    async with connected(at("http://127.0.0.1:9/mcp")) as client:
        assert status(client, "far").problem == "It cannot be reached (ConnectError). Check its address."


@pytest.mark.parametrize("manner", ["json", "stream"])
async def test_five_megabytes_are_cut_and_ten_are_refused(manner: str) -> None:
    async with HttpServer(manner).serve() as url, connected(at(url)) as client:
        assert len(await client.call("far", "sized", {"text": "5000000"})) < RESULT_CHARS + 100
        with pytest.raises(Exception, match="far"):
            await client.call("far", "sized", {"text": "10000000"})
        await becomes(client, "connected", "far")
        assert await client.call("far", "echo", {"text": "still"}) == "still"


async def test_packed_answers_are_refused_since_they_may_be_bombs() -> None:
    async with HttpServer("packed").serve() as url, connected(at(url)) as client:
        assert "packed answers" in status(client, "far").problem


async def test_our_headers_follow_no_redirect_elsewhere() -> None:
    async with HttpServer("moved").serve() as url, connected(at(url)) as client:
        assert status(client, "far").state == "failed"
        assert "not followed" in status(client, "far").problem


async def test_a_connection_that_breaks_during_a_call_is_made_again() -> None:
    async with HttpServer().serve() as url, connected(at(url)) as client:
        with pytest.raises(Transient, match="far ended while it was asked"):
            await client.call("far", "die", {})
        await becomes(client, "connected", "far")
        assert await client.call("far", "echo", {"text": "back"}) == "back"


async def test_a_server_that_comes_up_later_is_connected_then() -> None:
    port = free_port()
    async with connected(at(f"http://127.0.0.1:{port}/mcp")) as client:
        assert status(client, "far").state == "failed"
        async with HttpServer().serve(port):
            await becomes(client, "connected", "far")
            assert await client.call("far", "echo", {"text": "late"}) == "late"

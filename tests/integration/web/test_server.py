"""The real server on a port."""

from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest

from ratchet.domain.errors import Misconfigured
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from ratchet.web.server import bind, serve
from tests.integration.web.support import House, services


async def status_of(request_line: str, port: int) -> bytes:
    """What a request that no client library would send is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request_line}\r\nHost: localhost\r\n\r\n".encode())
    status = (await reader.readline()).split()[1]
    writer.transport.abort()
    return status


async def test_the_server_answers_and_ends_when_cancelled(database: Database) -> None:
    app = create_app(services(database, House()))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(serve(app, ("127.0.0.1", 0), listening.set_result))
        url = f"http://127.0.0.1:{await listening}"
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.get("/api/channels")
            raw = await http.get("/api/channels/%00")
            long = await http.get(f"/api/search?q={'x' * 60_000}")
            huge = await status_of(f"GET /api/search?q={'x' * 500_000} HTTP/1.1", http.base_url.port or 0)
            assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
            task.cancel()
            await asyncio.wait([task])
            with pytest.raises(httpx.TransportError):
                await http.get("/api/channels")
    assert (answer.status_code, answer.json()) == (200, {"channels": []})
    assert "server" not in answer.headers
    assert raw.status_code == 400
    assert long.status_code == 422
    assert huge == b"400"
    assert task.cancelled()


async def test_a_request_in_progress_ends_before_the_server(database: Database) -> None:
    started, proceed = asyncio.Event(), asyncio.Event()

    class Slow(House):
        async def onboard(self, channel_id: str, n: int | None) -> None:
            raise NotImplementedError

    house = Slow()
    given = services(database, house)
    app = create_app(given)

    @app.get("/slow")
    async def slow() -> str:
        started.set()
        await proceed.wait()
        return "done"

    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(serve(app, ("127.0.0.1", 0), listening.set_result))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await listening}") as http:
            request = group.create_task(http.get("/slow"))
            await started.wait()
            task.cancel()
            proceed.set()
            assert (await request).json() == "done"


async def test_a_port_in_use_is_an_error_with_its_remedy() -> None:
    taken = bind("127.0.0.1", 0)
    try:
        with pytest.raises(Misconfigured, match="choose another port"):
            bind("127.0.0.1", taken.getsockname()[1])
    finally:
        taken.close()


async def test_no_answer_waits_for_the_client_to_acknowledge_its_first_part() -> None:
    """Nagle's algorithm is off: head and body of an answer are written apart."""
    switched: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        switched.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bind("127.0.0.1", 0)
    async with asyncio.timeout(10), await asyncio.start_server(connected, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await switched
        writer.close()

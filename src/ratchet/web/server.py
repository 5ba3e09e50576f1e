"""uvicorn as a coroutine of ours: no signal handlers, no polling, a bounded end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from ratchet.domain.errors import Misconfigured

BACKLOG: Final = 128
GRACE_S: Final = 5
# uvicorn's own waits and the closing of sockets come on top of the grace.
END_S: Final = GRACE_S + 3.0
MAX_CONNECTIONS: Final = 200
MAX_REQUEST_HEAD: Final = 192 * 1024


class Server(uvicorn.Server):
    """Signals are the process's business, and so is when to end: this one ends when it is cancelled."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Once a second, for the Date header, instead of ten times. Never ends by itself."""
        while True:
            await self.on_tick(0)
            await asyncio.sleep(1)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises Misconfigured."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches off Nagle's algorithm only where the protocol is named: else the end of each answer
    # waits 40 ms for the client to acknowledge its beginning.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"RATCHET_HTTP_ADDR: cannot listen on {host}:{port}: {error.strerror or error}."
            " Stop what listens there, or choose another port."
        ) from error
    listener.setblocking(False)
    return listener


async def serve(
    app: FastAPI, addr: tuple[str, int], on_listening: Callable[[int], None] | None = None
) -> None:
    """Serve until cancelled; `on_listening` gets the port. Raises Misconfigured when it cannot listen.

    Cancelled, it takes no new connections and gives running requests a few seconds.
    """
    listener = bind(*addr)
    server = Server(_config(app))
    if on_listening is not None:
        on_listening(listener.getsockname()[1])
    try:
        await server.serve([listener])
    finally:
        await _end(server, listener)


async def _end(server: Server, listener: socket.socket) -> None:
    try:
        if server.started:
            async with asyncio.timeout(END_S):
                await server.shutdown([listener])
    except TimeoutError:
        pass  # what still runs ends with the process
    finally:
        listener.close()


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=MAX_REQUEST_HEAD,
    )

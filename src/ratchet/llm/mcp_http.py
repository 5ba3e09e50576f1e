"""A server over streamable HTTP.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from ratchet.domain.errors import Transient
from ratchet.llm.mcp_config import McpServer

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

MAX_MESSAGE: Final = 8 * 2**20
CONNECT_S: Final = 10.0
# The longest silence of a stream; a call has its own, shorter bound.
SILENCE_S: Final = 300.0
GOODBYE_S: Final = 2.0


@dataclass
class Heard:
    """The last status with which the server refused, 0 before there was one."""

    status: int = 0


@asynccontextmanager
async def streamable_http(server: McpServer, heard: Heard) -> AsyncIterator[TransportStreams]:
    """A connection to the server. Raises httpx2.HTTPError or `Transient`, in a group, when it fails."""

    async def check(response: httpx2.Response) -> None:
        if response.status_code >= 400:
            heard.status = response.status_code
        # The SDK bounds each event of a stream, which may be endless; nothing else bounds a body.
        stream = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        if not stream and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)

    client = httpx2.AsyncClient(
        # Unpacked, a small answer could be a huge one.
        headers={**server.headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(CONNECT_S, read=SILENCE_S),
        trust_env=not _on_this_machine(server.url),
        event_hooks={"request": [_brief_goodbye], "response": [_unpacked, check]},
    )
    async with (
        client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=MAX_MESSAGE) as streams,
    ):
        yield streams


async def _brief_goodbye(request: httpx2.Request) -> None:
    """The request that ends a session is sent while we stop."""
    if request.method == "DELETE":
        request.extensions["timeout"] = httpx2.Timeout(GOODBYE_S).as_dict()


async def _unpacked(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Transient("It sends packed answers, which were not asked for.")


class _Bounded(httpx2.AsyncByteStream):
    """A body of bounded length."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._body:
            received += len(chunk)
            if received > MAX_MESSAGE:
                raise Transient(f"It sent more than {MAX_MESSAGE} bytes at once.")
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


def _on_this_machine(url: str) -> bool:
    """A proxy from the environment must not be asked for this machine's own ports."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""A running localslack and the real slack_sdk on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from localslack import DeliveryRules, LocalSlack, Workspace

FAST = DeliveryRules(ack_timeout=0.5, retry_delays=(0.0, 0.1, 0.1))


@dataclass
class Team:
    """localslack with ana in #ops, where the bot is too."""

    server: LocalSlack
    client: AsyncWebClient
    ops: str

    @property
    def workspace(self) -> Workspace:
        return self.server.workspace


@dataclass
class Listener:
    """A Socket Mode client that keeps what it gets; `refuse` leaves that many requests unacknowledged."""

    socket: SocketModeClient
    got: list[SocketModeRequest] = field(default_factory=list)
    refuse: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request)
        self._news.set()
        if self.refuse:
            self.refuse -= 1
            return
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    async def until(self, count: int) -> list[SocketModeRequest]:
        async with asyncio.timeout(10):
            while len(self.got) < count:
                self._news.clear()
                await self._news.wait()
        return self.got


Listen = Callable[[], Awaitable[Listener]]


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    async with LocalSlack.serve(Workspace(), rules=FAST) as server:
        ws = server.workspace
        ana = ws.add_user("ana", email="ana@example.com")
        ops = ws.add_channel("ops", members=(ana.id, ws.bot.id))
        yield Team(server, AsyncWebClient(server.bot_token, base_url=server.api_url), ops.id)


@pytest.fixture
async def listen(team: Team) -> AsyncIterator[Listen]:
    async with AsyncExitStack() as stack:

        async def start() -> Listener:
            web = AsyncWebClient(base_url=team.server.api_url)
            socket = SocketModeClient(app_token=team.server.app_token, web_client=web, ping_interval=1)
            listener = Listener(socket)
            socket.socket_mode_request_listeners.append(listener.receive)
            before = len(team.server.hub.socket.connections)
            await socket.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it bare
            stack.push_async_callback(socket.close)
            assert await team.server.control.wait_for("connected", count=before + 1)
            return listener

        yield start

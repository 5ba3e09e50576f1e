"""Socket Mode's edge: WebSockets around `Delivery`.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from localslack import interactions
from localslack.delivery import Delivery, Envelope
from localslack.faults import Faults
from localslack.model import Json
from localslack.workspace import Workspace

PING_SECONDS = 10.0
WRITE_SECONDS = 30.0


class Connection:
    """One socket and what is still to be written to it."""

    def __init__(self, number: int, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.number = number
        self.socket = socket
        self.deaf = False
        self._request = request
        self._outbox: deque[tuple[str, Callable[[], None] | None]] = deque()
        self._wake = asyncio.Event()
        self._closing = False

    def write(self, frame: str, written: Callable[[], None] | None = None) -> None:
        """Queue a frame; `written` is called right before it goes out."""
        self._outbox.append((frame, written))
        self._wake.set()

    def close(self) -> None:
        """Close once everything is written."""
        self._closing = True
        self._wake.set()

    def abort(self) -> None:
        """End the TCP connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def pump(self) -> None:
        """Write until closed; ping when there is nothing to write."""
        while not self.socket.closed:
            await self._flush()
            if self._closing:
                await self.socket.close()
                return
            self._wake.clear()
            if self._outbox:
                continue
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                if not self.deaf:
                    await self.socket.ping(b"localslack")

    async def _flush(self) -> None:
        while self._outbox:
            frame, written = self._outbox.popleft()
            if self.deaf:
                continue
            if written is not None:
                written()
            async with asyncio.timeout(WRITE_SECONDS):
                await self.socket.send_str(frame)


class SocketMode:
    def __init__(self, ws: Workspace, delivery: Delivery, faults: Faults, ring: Callable[[], None]) -> None:
        self.connections: dict[int, Connection] = {}
        self._ws = ws
        self._delivery = delivery
        self._faults = faults
        self._ring = ring
        self.made = 0
        # When `retry` looks again by itself, and that it must look before that.
        self._wakes_at = 0.0
        self._sooner = asyncio.Event()
        ws.on_payload.append(self.send)

    def send(self, item: Json) -> None:
        """Queue a payload; a duplicate is a second envelope with the same payload."""
        payload = json.dumps(item["payload"])
        for _ in range(2 if self._faults.happens(self._faults.socket.duplicate) else 1):
            number = self._ws.count("envelope")
            name = f"{number:08x}-0000-4000-8000-{number:012x}"
            envelope = Envelope(name, item["type"], payload, time.monotonic())
            self._write(self._delivery.queue(envelope), envelope)
        at = self._delivery.next_due()
        if at is not None and at < self._wakes_at:
            self._sooner.set()
        self._ring()

    def send_frame(self, frame: str) -> None:
        """Write any text to one connection, without expecting an acknowledgement."""
        for connection in list(self.connections.values())[:1]:
            connection.write(frame)

    async def retry(self) -> None:
        """Redeliver what is due, for ever."""
        while True:
            for number, envelope in self._delivery.due(time.monotonic()):
                self._write(number, envelope)
            self._ring()
            self._sooner.clear()
            at = self._delivery.next_due()
            self._wakes_at = math.inf if at is None else at
            with suppress(TimeoutError):
                async with asyncio.timeout(None if at is None else max(0.0, at - time.monotonic())):
                    await self._sooner.wait()

    def disconnect(self, reason: str, *, close: bool = True, abrupt: bool = False) -> int:
        """Tell every connection to go, or cut it; how many there were."""
        told = list(self.connections.values())
        for connection in told:
            if abrupt:
                connection.abort()
                continue
            connection.write(_disconnect_frame(reason))
            if close:
                connection.close()
        return len(told)

    def make_deaf(self, deaf: bool) -> None:
        for connection in self.connections.values():
            connection.deaf = deaf

    async def handle(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._ws.tickets:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=403)
        self._ws.tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, max_msg_size=0)
        await socket.prepare(request)
        self.made += 1
        connection = Connection(self.made, socket, request)
        if not self._delivery.connect(connection.number):
            await socket.send_str(_disconnect_frame("too_many_websockets"))
            await socket.close()
            return socket
        await self._serve(connection)
        return socket

    async def _serve(self, connection: Connection) -> None:
        self.connections[connection.number] = connection
        connection.deaf = self._faults.socket.blackhole
        try:
            await connection.socket.send_str(self._hello())
            self._ws.changed("connected", count=len(self.connections))
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(connection.pump())
                await self._listen(connection)
                writer.cancel()
        except* (ConnectionError, TimeoutError):
            pass  # The peer is gone; what it did not acknowledge goes to another connection.
        finally:
            self._delivery.disconnect(connection.number)
            del self.connections[connection.number]
            self._ws.changed("connected", count=len(self.connections))

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if connection.deaf:
                continue
            if frame.type == WSMsgType.PING:
                await connection.socket.pong(frame.data)
            elif frame.type == WSMsgType.TEXT:
                self._acknowledge(frame.data)

    def _acknowledge(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        if isinstance(answer, dict) and answer.get("envelope_id"):
            done = self._delivery.acknowledge(answer["envelope_id"], time.monotonic(), answer.get("payload"))
            if done is not None and done.type == "interactive":
                interactions.settle(self._ws, json.loads(done.payload), answer.get("payload") or {})
            self._ring()

    def _write(self, number: int | None, envelope: Envelope) -> None:
        connection = self.connections.get(number or 0)
        if connection is None or self._faults.happens(self._faults.socket.drop):
            return
        pause = self._faults.pause()
        frame, written = envelope.frame(), self._note_written(envelope)
        if pause:
            asyncio.get_running_loop().call_later(pause, connection.write, frame, written)
        else:
            connection.write(frame, written)

    def _note_written(self, envelope: Envelope) -> Callable[[], None]:
        return lambda: self._delivery.written(envelope, time.monotonic())

    def _hello(self) -> str:
        hello = {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "localslack", "approximate_connection_time": 18060, "build_number": 1},
            "connection_info": {"app_id": self._ws.app_id},
        }
        return json.dumps(hello)


def _disconnect_frame(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "localslack"}})

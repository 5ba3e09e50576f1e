"""Socket Mode: envelopes in, acknowledgements out when intake says so.

Each connection is one SDK client that never reconnects by itself. The SDK's own reconnection asks for a
single-use address once and then tries that same address for ever, and retries a revoked token for ever; here
every attempt has a new address, and a token that Slack refuses ends `run`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from ratchet.domain.errors import RatchetError, Refused, Transient
from ratchet.domain.events import Envelope
from ratchet.slack.errors import translate
from ratchet.slack.identity import Identity
from ratchet.slack.parse import parse_envelope
from ratchet.slack.web import APP_SETTING, SlackConfig, is_local, sdk_logger

_ENVELOPE_ID: Final = re.compile(r'"envelope_id"\s*:\s*"([A-Za-z0-9_.:-]{1,128})"')

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Times in seconds. `queue` envelopes wait for intake at most; then the socket is not read on.

    A connection that lasted less than `brief_s` is not replaced at once.
    """

    queue: int = 2_000
    batch: int = 500
    connect_s: float = 10.0
    ping_s: float = 5.0
    silence_s: float = 60.0
    close_s: float = 3.0
    brief_s: float = 5.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0


@dataclass(frozen=True, slots=True)
class SocketHealth:
    """`silent_s`: since the last frame, pongs included. `problem` is None when all is well."""

    connected: bool
    silent_s: float | None
    connects: int
    waiting: int
    problem: str | None

    @property
    def healthy(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An envelope, when it came (monotonic seconds), and the connection that wants to hear of it."""

    envelope: Envelope
    received_at: float
    connection: Connection = field(repr=False, compare=False)


class Connection(SocketModeClient):
    """One Socket Mode connection of the SDK, which hands frames to us as they come and then ends."""

    def __init__(self, config: SlackConfig, limits: SocketLimits, sink: Sink) -> None:
        logger = sdk_logger()
        web = AsyncWebClient(None, config.base_url, logger=logger, retry_handlers=[])
        web.timeout = max(1, round(limits.connect_s))
        super().__init__(
            config.app_token, logger, web, auto_reconnect_enabled=False, ping_interval=limits.ping_s
        )
        if is_local(config.base_url):
            web.proxy = self.proxy = None
        self.on_close_listeners.append(self._closed)
        self.on_error_listeners.append(self._closed)
        self._sink = sink
        self._limits = limits
        self.failure: RatchetError | None = None
        self.greeted = asyncio.Event()
        self.ended = asyncio.Event()
        self.reason = "closed"
        self.last_frame_at: float | None = None
        self._broken = False

    async def issue_new_wss_url(self) -> str:
        """One attempt. A failure ends this connection, so that the SDK does not try for ever."""
        try:
            answer = await self.web_client.apps_connections_open(app_token=self.app_token)
            return str(answer["url"])
        except (
            SlackClientError,
            aiohttp.ClientError,
            OSError,
            TimeoutError,
            AttributeError,
            ValueError,
        ) as error:
            self.failure = translate(error, "apps.connections.open", APP_SETTING)
            self.closed = True
            raise

    async def enqueue_message(self, message: str) -> None:
        """Called by the SDK for each text frame, which waits here while intake is behind."""
        self.last_frame_at = time.monotonic()
        frame = _decode(message)
        match frame.get("type"):
            case "hello":
                self.greeted.set()
            case "disconnect":
                self.end(str(frame.get("reason", "disconnect")))
            case _:
                await self._sink(frame, self)

    async def open(self) -> None:
        """Until Slack says hello. Raises `Misconfigured` or `Transient`."""
        try:
            async with asyncio.timeout(self._limits.connect_s):
                await self.connect()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
                if self.failure is None:
                    await self.greeted.wait()
        except TimeoutError:
            raise Transient("Slack's socket did not open in time") from None
        if self.failure is not None:
            raise self.failure

    async def wait_ended(self) -> str:
        """Why the connection is no longer of use. The SDK does not report every end, hence the look."""
        while not self.ended.is_set():
            try:
                await asyncio.wait_for(self.ended.wait(), 1.0)
            except TimeoutError:
                if not self.alive:
                    self.end("lost")
                elif self.silent_s > self._limits.silence_s:
                    self.end("silent")
        return self.reason

    def end(self, reason: str) -> None:
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()

    @property
    def alive(self) -> bool:
        session = self.current_session
        return session is not None and not (session.closed or self.closed or self._broken)

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame. The SDK notes a pong by the wall clock time of its ping."""
        silences = [time.monotonic() - self.last_frame_at] if self.last_frame_at is not None else []
        if self.last_ping_pong_time is not None:
            silences.append(max(0.0, time.time() - self.last_ping_pong_time))
        return min(silences, default=0.0)

    async def send(self, text: str) -> bool:
        """False when the connection does not take it; the connection then ends."""
        if self.current_session is None:
            return False
        try:
            async with asyncio.timeout(self._limits.close_s):
                await self.current_session.send_str(text)
        except (ConnectionError, TimeoutError, aiohttp.ClientError):
            self._broken = True
            self.end("cannot be written to")
            return False
        return True

    async def stop(self) -> None:
        """Closes the socket and waits for the SDK's tasks, boundedly."""
        self.closed = True
        tasks = [
            task
            for task in (self.message_processor, self.message_receiver, self.current_session_monitor)
            if task is not None
        ]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=self._limits.close_s)
        try:
            async with asyncio.timeout(self._limits.close_s):
                await self.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            log.info("slack_socket_close_failed")
        finally:
            await self.aiohttp_client_session.close()

    async def _closed(self, _message: aiohttp.WSMessage) -> None:
        self.end("closed by Slack")


Sink = Callable[[dict[str, Any], Connection], Awaitable[None]]


class SocketListener:
    """Receives envelopes on one connection at a time, two while Slack replaces one.

    `run` belongs in a TaskGroup. One intake loop calls `receive` and, after its commit, `acknowledge`, in the
    event loop of `run`; `health` may be asked from any thread.
    """

    def __init__(
        self,
        config: SlackConfig,
        me: Identity,
        *,
        limits: SocketLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._me = me
        self._limits = limits or SocketLimits()
        self._sleep = sleep
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue(self._limits.queue)
        self._current: Connection | None = None
        self._problem = "not connected yet"
        self._connects = 0

    async def run(self, on_connect: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled. Raises `Misconfigured` when Slack refuses the app token.

        `on_connect` is awaited after each (re)connect, beside the receiving; what it raises ends this.
        """
        old: Connection | None = None
        try:
            while True:
                new = await self._connect()
                self._current, overtaken = new, old
                old = new
                if overtaken is not None:
                    await overtaken.stop()
                await on_connect()
                began = time.monotonic()
                reason = await new.wait_ended()
                log.info("slack_socket_ended", reason=reason)
                if reason not in _MAY_OVERLAP:
                    await self._drop(reason)
                    old = None
                if time.monotonic() - began < self._limits.brief_s:
                    await self._sleep(self._limits.first_wait_s)  # Slack may be turning us away
        finally:
            self._problem = "stopped"
            if old is not None:
                await old.stop()
            self._current = None

    async def receive(self) -> list[Delivery]:
        """All that has come, in order, up to a batch; waits for at least one."""
        deliveries = [await self._queue.get()]
        while len(deliveries) < self._limits.batch and not self._queue.empty():
            deliveries.append(self._queue.get_nowait())
        return deliveries

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> int:
        """Tells Slack; returns how many were told. The others come again, and are known then."""
        told = 0
        for delivery in deliveries:
            told += await self._acknowledge(delivery)
        if told < len(deliveries):
            log.info("slack_acknowledgements_dropped", count=len(deliveries) - told)
        return told

    def health(self) -> SocketHealth:
        """For readiness: connected, and heard of within `silence_s`."""
        current = self._current
        connected = current is not None and current.alive
        silent = current.silent_s if current is not None else None
        problem = None if connected else self._problem
        if connected and silent is not None and silent > self._limits.silence_s:
            problem = "no frame from Slack"
        return SocketHealth(connected, silent, self._connects, self._queue.qsize(), problem)

    async def _connect(self) -> Connection:
        """A greeted connection, whatever number of attempts it takes. Raises `Misconfigured`."""
        wait = self._limits.first_wait_s
        while True:
            connection = Connection(self._config, self._limits, self._take)
            try:
                async with _stopped_on_failure(connection):
                    await connection.open()
            except (Transient, Refused) as failure:
                self._problem = str(failure)
                log.warning("slack_socket_not_connected", problem=self._problem)
                asked = failure.retry_after if isinstance(failure, Transient) else None
                await self._sleep(max(wait, asked or 0.0))
                wait = min(2 * wait, self._limits.longest_wait_s)
            else:
                self._connects += 1
                log.info("slack_socket_connected", connects=self._connects)
                return connection

    async def _drop(self, reason: str) -> None:
        connection, self._current = self._current, None
        self._problem = f"connection lost: {reason}"
        if connection is not None:
            await connection.stop()

    async def _take(self, frame: dict[str, Any], connection: Connection) -> None:
        envelope = parse_envelope(frame, self._me)
        if not envelope.id:
            log.warning("slack_frame_without_envelope")
            return
        await self._queue.put(Delivery(envelope, time.monotonic(), connection))

    async def _acknowledge(self, delivery: Delivery) -> bool:
        connection = delivery.connection if delivery.connection.alive else self._current
        if connection is None:
            return False
        return await connection.send(json.dumps({"envelope_id": delivery.envelope.id}))


# Slack announces these some seconds ahead; of the others the connection is gone or must go first
_MAY_OVERLAP: Final = frozenset({"warning", "refresh_requested"})


@asynccontextmanager
async def _stopped_on_failure(connection: Connection) -> AsyncIterator[None]:
    opened = False
    try:
        yield
        opened = True
    finally:
        if not opened:
            await connection.stop()


def _decode(message: str) -> dict[str, Any]:
    """A frame as an object. One that no parser takes keeps its id, to be acknowledged as malformed."""
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        frame = None
    if isinstance(frame, dict):
        return frame
    found = _ENVELOPE_ID.search(message)
    return {"envelope_id": found[1]} if found else {}

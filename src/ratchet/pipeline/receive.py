"""The loop between the socket and the intake: whatever has arrived is one transaction, then acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

import psycopg
import structlog

from ratchet.domain.errors import Transient
from ratchet.pipeline.history import History
from ratchet.pipeline.intake import Intake
from ratchet.slack.socket import Connection, Delivery, SocketListener
from ratchet.telemetry import ACK_SECONDS, EVENTS_FAILED

log = structlog.get_logger(__name__)

RETRY_S: Final = 1.0


@dataclass(slots=True)
class Receive:
    """Commits, then acknowledges. What cannot be committed is not acknowledged, and Slack sends it again."""

    listener: SocketListener
    intake: Intake
    history: History
    _known: WeakSet[Connection] = field(default_factory=WeakSet)

    async def run(self) -> None:
        while True:
            deliveries = await self.listener.receive()
            fresh = {delivery.connection for delivery in deliveries} - set(self._known)
            if fresh:
                # Nothing of a new connection is recorded before the gap in front of it is marked.
                await until_stored(self.history.mark_gaps)
                self._known.update(fresh)
            await self._record(deliveries)

    async def _record(self, deliveries: Sequence[Delivery]) -> None:
        try:
            await self._store(deliveries)
        except (psycopg.Error, ValueError, UnicodeError):
            # One of them is poison; alone, it fails alone.
            for delivery in deliveries:
                await self._record_one(delivery)

    async def _record_one(self, delivery: Delivery) -> None:
        try:
            await self._store([delivery])
        except (psycopg.Error, ValueError, UnicodeError):
            EVENTS_FAILED.inc()
            log.exception("event_not_stored", envelope=delivery.envelope.id)

    async def _store(self, deliveries: Sequence[Delivery]) -> None:
        async def step() -> None:
            await self.intake.record([delivery.envelope.event for delivery in deliveries])

        await until_stored(step)
        await self.listener.acknowledge(deliveries)
        now = time.monotonic()
        for delivery in deliveries:
            ACK_SECONDS.observe(now - delivery.received_at)


async def until_stored(step: Callable[[], Awaitable[None]]) -> None:
    """While the database is away, hold what was received; it stays unacknowledged."""
    while True:
        try:
            return await step()
        except Transient:
            log.warning("database_away", retry_s=RETRY_S)
            await asyncio.sleep(RETRY_S)

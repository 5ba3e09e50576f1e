"""The loop between the socket and the intake: whatever has arrived is one transaction, then acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

import psycopg
import structlog

from ratchet.domain.errors import Transient
from ratchet.domain.events import Interaction, MessagePosted
from ratchet.pipeline.history import History
from ratchet.pipeline.intake import Intake
from ratchet.pipeline.recover import Recover
from ratchet.slack.socket import Connection, Delivery, SocketListener
from ratchet.telemetry import ACK_SECONDS, EVENTS_FAILED
from ratchet.telemetry.tracing import Arrival, Arrivals, Attribute

log = structlog.get_logger(__name__)

RETRY_S: Final = 1.0


@dataclass(slots=True)
class Receive:
    """Commits, then acknowledges. What cannot be committed is not acknowledged, and Slack sends it again."""

    listener: SocketListener
    intake: Intake
    recover: Recover
    me_user_id: str = ""
    _known: WeakSet[Connection] = field(default_factory=WeakSet)

    async def run(self) -> None:
        while True:
            deliveries = await self.listener.receive()
            fresh = {delivery.connection for delivery in deliveries} - set(self._known)
            if fresh:
                # Nothing of a new connection is recorded before the gap in front of it is marked.
                await self._until_stored(())
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
        try:
            await self._record_events(deliveries)
        except Transient:
            await self._until_stored(deliveries)
        await self.listener.acknowledge(deliveries)
        now = time.monotonic()
        for delivery in deliveries:
            ACK_SECONDS.observe(now - delivery.received_at)

    async def _record_events(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            with Arrivals([_arrival(delivery, self.me_user_id) for delivery in deliveries]):
                await self.intake.record([delivery.envelope.event for delivery in deliveries])

    async def _until_stored(self, deliveries: Sequence[Delivery]) -> None:
        """Mark the gap, then store. While the database is away, hold what was received, unacknowledged.

        Slack may give up on more than we hold, so that an outage leaves a gap like a lost connection does.
        """
        while True:
            try:
                await self.recover.mark_gaps()
                return await self._record_events(deliveries)
            except Transient as transient:
                log.warning("database_away", reason=str(transient), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)


def _arrival(delivery: Delivery, me_user_id: str) -> Arrival:
    """Where the trace of an event begins. Of what was said it holds nothing."""
    event = delivery.envelope.event
    attributes: dict[str, Attribute] = {"messaging.system": "slack", "ratchet.event": type(event).__name__}
    key = None
    if isinstance(event, MessagePosted):
        key = (event.channel_id, event.ts, event.version)
        attributes |= {"ratchet.channel": event.channel_id, "ratchet.ts": event.ts}
    asked = isinstance(event, Interaction) or (isinstance(event, MessagePosted) and _asks(event, me_user_id))
    return Arrival("slack event", key, delivery.received_at, asked, attributes)


def _asks(event: MessagePosted, me_user_id: str) -> bool:
    """Whether somebody waits for an answer."""
    said = str(event.payload.get("text") or "")
    return event.sender.kind == "person" and (event.channel_kind == "im" or f"<@{me_user_id}>" in said)


async def on_connect(recover: Recover, history: History) -> None:
    """What was missed is fetched. With the database away, the receiving loop marks the gap later."""
    try:
        await recover.mark_gaps()
        await history.look_around()
    except Transient as transient:
        log.warning("database_away", reason=str(transient))

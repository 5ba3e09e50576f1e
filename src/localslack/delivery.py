"""Socket Mode's rules: each envelope to one connection, again when it is not acknowledged, at most so often.

Pure: connections are numbers, time is passed in, what must be written is returned.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from localslack.model import Json


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """`ack_timeout` seconds without an acknowledgement make an attempt fail; the next one follows after
    `retry_delays[attempt]` seconds. After the last retry the envelope is dropped, and counted."""

    ack_timeout: float = 3.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    max_connections: int = 10


@dataclass(slots=True)
class Envelope:
    id: str
    type: str
    payload: str
    queued_at: float
    attempt: int = 0
    first_sent_at: float | None = None
    due_at: float = 0.0

    def frame(self) -> str:
        """What goes over the wire. The payload is JSON already, so it shows how things were then."""
        head = {
            "envelope_id": self.id,
            "type": self.type,
            "accepts_response_payload": self.type != "events_api",
            "retry_attempt": self.attempt,
            "retry_reason": "timeout" if self.attempt else "",
        }
        return f'{json.dumps(head)[:-1]}, "payload": {self.payload}}}'


@dataclass(slots=True)
class DeliveryFigures:
    """`latencies`: seconds from the first writing of an envelope to its acknowledgement."""

    queued: int = 0
    sent: int = 0
    acked: int = 0
    redelivered: int = 0
    dropped: int = 0
    unknown_acks: int = 0
    latencies: list[float] = field(default_factory=list)
    retries: Counter[int] = field(default_factory=Counter)


class Delivery:
    def __init__(self, rules: DeliveryRules | None = None) -> None:
        self.rules = rules or DeliveryRules()
        self.figures = DeliveryFigures()
        self.connections: list[int] = []
        self.pending: dict[str, Envelope] = {}
        self.responses: dict[str, Json] = {}
        self._due: list[tuple[float, str, int]] = []
        self._turn = 0

    def connect(self, connection: int) -> bool:
        """False when the app has its full number of connections already."""
        if len(self.connections) >= self.rules.max_connections:
            return False
        self.connections.append(connection)
        return True

    def disconnect(self, connection: int) -> None:
        if connection in self.connections:
            self.connections.remove(connection)

    def queue(self, envelope: Envelope) -> int | None:
        """Take an envelope; the connection to write it to, or None while nobody listens."""
        self.figures.queued += 1
        self.pending[envelope.id] = envelope
        return self._attempt(envelope, envelope.queued_at)

    def due(self, now: float) -> Iterator[tuple[int, Envelope]]:
        """Attempts whose time has come. Without a connection an attempt counts, and goes nowhere."""
        while self._due and self._due[0][0] <= now:
            at, envelope_id, attempt = heapq.heappop(self._due)
            envelope = self.pending.get(envelope_id)
            if envelope is None or envelope.attempt != attempt or envelope.due_at != at:
                continue
            if attempt >= len(self.rules.retry_delays):
                del self.pending[envelope_id]
                self.figures.dropped += 1
                continue
            envelope.attempt += 1
            connection = self._attempt(envelope, now)
            if connection is not None:
                yield connection, envelope

    def next_due(self) -> float | None:
        """When `due` has something to do next."""
        while self._due:
            at, envelope_id, attempt = self._due[0]
            envelope = self.pending.get(envelope_id)
            if envelope is not None and envelope.attempt == attempt and envelope.due_at == at:
                return at
            heapq.heappop(self._due)
        return None

    def written(self, envelope: Envelope, now: float) -> None:
        """The envelope has gone over the wire, for the first time or again."""
        if envelope.first_sent_at is None:
            envelope.first_sent_at = now
            self.figures.sent += 1

    def acknowledge(self, envelope_id: str, now: float, response: Json | None = None) -> Envelope | None:
        """The envelope that is done now; None for an id that is unknown or done already."""
        envelope = self.pending.pop(envelope_id, None)
        if envelope is None:
            self.figures.unknown_acks += 1
            return None
        self.figures.acked += 1
        self.figures.latencies.append(now - (envelope.first_sent_at or now))
        if response is not None:
            self.responses[envelope_id] = response
        return envelope

    def _attempt(self, envelope: Envelope, now: float) -> int | None:
        last = envelope.attempt >= len(self.rules.retry_delays)
        pause = 0.0 if last else self.rules.retry_delays[envelope.attempt]
        envelope.due_at = now + self.rules.ack_timeout + pause
        heapq.heappush(self._due, (envelope.due_at, envelope.id, envelope.attempt))
        if not self.connections:
            return None
        self._turn += 1
        if envelope.attempt:
            self.figures.redelivered += 1
            self.figures.retries[envelope.attempt] += 1
        return self.connections[self._turn % len(self.connections)]

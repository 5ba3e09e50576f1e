"""Filling a record with alerts, at chosen times."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg.rows import tuple_row

from ratchet.domain.events import ReactionChanged
from ratchet.domain.incidents import Action, Incident, IncidentAction
from ratchet.domain.messages import Channel, Message, Sender, SenderKind
from ratchet.store import incidents, messages
from ratchet.store.channels import Channels, Person
from ratchet.store.incidents import Incidents
from ratchet.store.pool import Database

CHANNEL: Final = "C0OPS"
NOW: Final = int(time.time())
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
OPEN, CLOSE = Action.OPEN, Action.CLOSE


def ago(hours: float) -> str:
    """A ts. Nothing in the tests depends on less than a minute."""
    return f"{NOW - round(hours * 3600)}.000000"


def wrote(
    ts: str,
    kind: SenderKind = "person",
    *,
    parent: str | None = None,
    text: str = "on it",
    channel: str = CHANNEL,
) -> Message:
    return Message(channel, ts, Sender(kind, "U0ANA"), text, ts, parent)


def says(action: Action, alert: str | None = "DiskFull", **more: Any) -> IncidentAction:
    said = IncidentAction(action, alert, "db", "HIGH", pair_key=f"am|{alert}", tool="alertmanager")
    return replace(said, **more)


@dataclass
class Record:
    """A channel's alerts, written as the pipeline writes them."""

    db: Database
    incidents: Incidents = field(init=False)

    def __post_init__(self) -> None:
        self.incidents = Incidents(self.db)

    async def begin(self) -> None:
        channels = Channels(self.db)
        await channels.upsert(Channel(CHANNEL, "ops"))
        await channels.upsert_people([Person("U0ANA", "ana"), Person("U0BOT", "robot", bot=True)])

    async def write(self, *found: Message) -> None:
        async with self.db.transaction() as conn:
            await messages.upsert(conn, [(message, b"") for message in found])

    async def event(
        self, ts: str, action: IncidentAction, *, parent: str | None = None, version: str = ""
    ) -> None:
        """A bot's message, or a new form of it, and what it says."""
        message = replace(
            wrote(ts, "bot", parent=parent, text=f"{action.alert} {action.action}"), version=version or ts
        )
        async with self.db.transaction() as conn:
            await messages.upsert(conn, [(message, b"")])
            await incidents.record(conn, [incidents.judged(message, action)])

    async def react(self, ts: str, when: str, user: str = "U0ANA", *, added: bool = True) -> None:
        async with self.db.transaction() as conn:
            await messages.react(conn, [ReactionChanged(CHANNEL, ts, user, "eyes", added, when)])

    async def all(self, *, open_only: bool = False) -> list[Incident]:
        """Oldest first."""
        until = datetime.now(UTC) + timedelta(days=1)
        return (await self.incidents.list([CHANNEL], LONG_AGO, until, open_only=open_only))[::-1]

    async def one(self) -> Incident:
        (incident,) = await self.all()
        return incident

    async def rows(self, query: str, values: Any = None) -> Sequence[Any]:
        async with self.db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(query.encode(), values)
            return await cur.fetchall() if cur.description else []

    async def plan(self, query: str, values: Any = None) -> str:
        return "\n".join(line for (line,) in await self.rows(f"explain (costs off) {query}", values))


async def opened_record(db: Database) -> Record:
    record = Record(db)
    await record.begin()
    return record

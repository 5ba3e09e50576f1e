"""Filling a record for tests of search."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.domain.messages import Channel, Message, Sender, SenderKind
from ratchet.store import messages
from ratchet.store.channels import Channels, Person
from ratchet.store.pool import Database

PUBLIC, OTHER, SECRET = "C0PUBLIC", "C0OTHER", "C0SECRET"


def stamp(second: int) -> str:
    return f"{1_700_000_000 + second}.000100"


def message(
    second: int,
    text: str,
    *,
    channel: str = PUBLIC,
    parent: int | None = None,
    kind: SenderKind = "person",
) -> Message:
    return Message(
        channel_id=channel,
        ts=stamp(second),
        sender=Sender(kind, "U0ANA"),
        text=text,
        version=stamp(second),
        parent_ts=None if parent is None else stamp(parent),
    )


async def fill(database: Database, found: Sequence[Message]) -> None:
    channels = Channels(database)
    await channels.upsert(Channel(PUBLIC, "ops"))
    await channels.upsert(Channel(OTHER, "payments"))
    await channels.upsert(Channel(SECRET, "security", kind="private"))
    await channels.upsert_people([Person("U0ANA", "ana")])
    await add(database, found)


async def add(database: Database, found: Sequence[Message]) -> None:
    for start in range(0, len(found), 1_000):
        async with database.transaction() as conn:
            await messages.upsert(conn, [(m, b"") for m in found[start : start + 1_000]])

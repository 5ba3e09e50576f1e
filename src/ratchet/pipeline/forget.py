"""A person's messages go as if each had been deleted: from the record, and from all that was made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ratchet.domain.events import MessageDeleted
from ratchet.pipeline.intake import Intake
from ratchet.store import forget as store
from ratchet.store.pool import Database

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much went."""

    messages: int
    reactions: int
    votes: int


@dataclass(frozen=True, slots=True)
class Forget:
    """`clock` tells seconds since the UTC epoch."""

    db: Database
    intake: Intake
    clock: Callable[[], float]

    async def run(self, person: str, progress: Callable[[int], None]) -> Forgotten:
        """Safe to repeat, and to go on with after it was stopped. `progress` gets how many went so far."""
        count, last = 0, None
        while batch := await store.written_by(self.db, person, last, BATCH):
            version = f"{self.clock():.6f}"
            await self.intake.record([MessageDeleted(ref.channel_id, ref.ts, version) for ref in batch])
            count, last = count + len(batch), batch[-1]
            progress(count)
        async with self.db.transaction() as conn:
            traces = await store.remove_traces(conn, person)
        return Forgotten(count, traces["reactions"], traces["votes"])

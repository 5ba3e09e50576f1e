"""What is older than it need be goes, once a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.jobs.queue import Queue
from ratchet.store import retention
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

MESSAGE_DAYS: Final = 730


@dataclass(frozen=True, slots=True)
class Prune:
    """`kinds`: the job kinds this program knows; long-due jobs of others are buried."""

    db: Database
    queue: Queue
    kinds: tuple[str, ...]
    message_days: int = MESSAGE_DAYS

    async def run(self) -> None:
        counts = await retention.prune(self.db, self.message_days)
        counts |= await self.queue.prune(self.kinds)
        log.info("pruned", **counts)

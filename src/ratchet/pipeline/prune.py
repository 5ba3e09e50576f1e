"""What is older than it need be goes, once a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from ratchet.store import retention, similar
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

MESSAGE_DAYS: Final = 730


@dataclass(frozen=True, slots=True)
class Prune:
    db: Database
    message_days: int = MESSAGE_DAYS

    async def run(self) -> None:
        counts = await retention.prune(self.db, self.message_days)
        log.info("pruned", **counts, alert_names=await similar.prune(self.db))

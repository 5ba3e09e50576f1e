"""Keeping the queue's tables small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.queue import Keep, Queue

log = structlog.get_logger(__name__)


def maintenance(queue: Queue, routes: Sequence[Route[Any]], keep: Keep | None = None) -> Periodic:
    """Hourly. Wants the routes of all roles: jobs of other kinds are buried when they are a week late."""
    kinds = [route.kind for route in routes]

    async def prune() -> None:
        counts = await queue.prune(kinds, keep)
        log.info("jobs.pruned", **counts)

    return Periodic("jobs.prune", "23 * * * *", prune)

"""Waiting, while a start needs somebody who is away: an outage is no reason to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from ratchet.domain.errors import Transient

T = TypeVar("T")
log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 10.0


async def patiently(step: Callable[[], Awaitable[T]], away: str) -> T:
    """The step's result, tried again while it raises Transient. `away`: the name of the event that is logged.

    Waits as long as the other side asks, else longer each time.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await step()
        except Transient as transient:
            wait = max(pause, transient.retry_after or 0)
            log.warning(away, reason=str(transient), retry_s=wait)
        await asyncio.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE_S)

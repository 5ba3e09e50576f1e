"""What the edges share: workspace, delivery, faults, figures, and a bell that rings on change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from localslack.delivery import Delivery
from localslack.faults import Faults
from localslack.limits import RateLimits
from localslack.socket_mode import SocketMode
from localslack.workspace import Workspace


class Bell:
    """Wakes those who wait for something to become true."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        for event in self._waiting:
            event.set()

    async def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """True as soon as `condition()` holds, False after `timeout` seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    event.clear()
                    await event.wait()
        except TimeoutError:
            return condition()
        finally:
            self._waiting.discard(event)
        return True


@dataclass(slots=True)
class Hub:
    ws: Workspace
    delivery: Delivery
    faults: Faults
    limits: RateLimits
    bell: Bell
    socket: SocketMode
    api_calls: Counter[str] = field(default_factory=Counter)
    api_errors: Counter[str] = field(default_factory=Counter)

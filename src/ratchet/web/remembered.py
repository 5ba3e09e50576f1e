"""What takes longer than a page may: made once for all who ask meanwhile, kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Up to `size` values by key, each for `keep_s` seconds; one is made at a time.

    What is older, up to `stale_s`, is given as it is, and `renew` makes a new one for who asks next.
    """

    keep_s: float
    size: int = 32
    clock: Callable[[], float] = time.monotonic
    stale_s: float = 0.0
    _kept: OrderedDict[Hashable, tuple[float, T]] = field(default_factory=OrderedDict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stale: dict[Hashable, Callable[[], Awaitable[T]]] = field(default_factory=dict)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept under the key, else what `make` gives. Its errors are the caller's, and not kept."""
        if (found := self._within(key, self.keep_s)) is not None:
            return found[1]
        if (found := self._within(key, self.stale_s)) is not None:
            self._stale[key] = make
            return found[1]
        return await self._made(key, make)

    async def renew(self) -> None:
        """To be called when the answer is sent. What fails leaves the old value, and is tried again."""
        while self._stale:
            key, make = self._stale.popitem()
            try:
                await self._made(key, make)
            except Exception as error:  # noqa: BLE001  nobody waits; who asks after `stale_s` is told
                log.warning("page_part_not_renewed", part=str(key), error=str(error))

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            if (found := self._within(key, self.keep_s)) is not None:
                return found[1]
            value = await make()
            self._kept[key] = (self.clock(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)
            return value

    def _within(self, key: Hashable, seconds: float) -> tuple[float, T] | None:
        found = self._kept.get(key)
        return found if found is not None and self.clock() - found[0] < seconds else None

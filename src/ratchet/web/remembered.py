"""What takes longer than a page may: made once for all who ask meanwhile, kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Remembered(Generic[T]):
    """Up to `size` values by key, each for `keep_s` seconds; one is made at a time."""

    keep_s: float
    size: int = 32
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Hashable, tuple[float, T]] = field(default_factory=OrderedDict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What is kept under the key, else what `make` gives. Its errors are the caller's, and not kept."""
        if (found := self._fresh(key)) is not None:
            return found[1]
        async with self._turn:
            if (found := self._fresh(key)) is not None:
                return found[1]
            value = await make()
            self._kept[key] = (self.clock(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)
            return value

    def _fresh(self, key: Hashable) -> tuple[float, T] | None:
        found = self._kept.get(key)
        return found if found is not None and self.clock() - found[0] < self.keep_s else None

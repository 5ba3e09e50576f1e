"""Faults that tests order, seeded: failing calls; a socket that duplicates, drops, delays or goes deaf."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class ApiFault:
    """A share of the calls of matching methods fail.

    `method` is a glob (`chat.*`). `status` 429 answers like a rate limit with `retry_after` seconds, 5xx with
    a page that is not JSON, 200 with `error`; 0 lets the call pass (for `delay` alone). `when="after"`: the
    call has had its effect, only the answer is lost. `times` ends the fault after so many failures. `delay`
    seconds pass before the answer. `hang_up` closes the connection without any answer.
    """

    method: str = "*"
    probability: float = 1.0
    status: int = 503
    error: str = "internal_error"
    when: When = "before"
    retry_after: int = 1
    times: int | None = None
    delay: float = 0.0
    hang_up: bool = False


@dataclass(frozen=True, slots=True)
class SocketFaults:
    """Shares of the envelopes: sent twice, never written, written up to `delay` seconds late.

    `blackhole`: the connection stays open, nothing is written or answered, pings included.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    blackhole: bool = False


class Faults:
    def __init__(self, seed: int = 0) -> None:
        self.api: dict[int, ApiFault] = {}
        self.socket = SocketFaults()
        self._random = random.Random(seed)  # noqa: S311  # repeatable faults, no secret
        self._numbers = 0

    def seed(self, seed: int) -> None:
        self._random.seed(seed)

    def add(self, fault: ApiFault) -> int:
        self._numbers += 1
        self.api[self._numbers] = fault
        return self._numbers

    def clear(self) -> None:
        self.api.clear()
        self.socket = SocketFaults()

    def strike(self, method: str) -> ApiFault | None:
        """The fault that befalls this call, if one does."""
        for number, fault in list(self.api.items()):
            if not fnmatchcase(method, fault.method) or not self.happens(fault.probability):
                continue
            if fault.times is not None:
                self._spend(number, fault)
            return fault
        return None

    def happens(self, probability: float) -> bool:
        return probability > 0 and (probability >= 1 or self._random.random() < probability)

    def pause(self) -> float:
        """Seconds by which to write one envelope late."""
        return self._random.uniform(0, self.socket.delay) if self.socket.delay else 0.0

    def _spend(self, number: int, fault: ApiFault) -> None:
        left = (fault.times or 1) - 1
        if left:
            self.api[number] = replace(fault, times=left)
        else:
            del self.api[number]

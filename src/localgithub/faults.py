"""Faults that tests order: calls of matching paths fail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

Kind = Literal["status", "rate_limit", "secondary_limit", "hang_up", "not_json"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Calls whose `METHOD /path` matches the glob fail.

    `path` is below the API's root (`GET /repos/*/git/trees/*`). `status` is answered with GitHub's JSON error
    and `message`. `rate_limit`: 403 with no requests left until `seconds` from now; `secondary_limit`: 403
    with `Retry-After: seconds`; `hang_up`: the connection closes without an answer; `not_json`: a page of
    HTML. `times` ends the fault after so many. `after`: the call has had its effect, only the answer is lost.
    """

    path: str = "*"
    kind: Kind = "status"
    status: int = 500
    message: str = "Server Error"
    seconds: int = 60
    times: int | None = None
    after: bool = False


@dataclass(slots=True)
class Faults:
    orders: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.orders.append(fault)

    def clear(self) -> None:
        self.orders.clear()

    def strike(self, call: str) -> Fault | None:
        """The fault that befalls `METHOD /path`, if one does."""
        for place, fault in enumerate(self.orders):
            if not fnmatchcase(call, fault.path):
                continue
            if fault.times is not None:
                self.orders[place : place + 1] = (
                    [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                )
            return fault
        return None

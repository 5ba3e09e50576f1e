"""Tools that other programs bring. Plain values: nothing here knows how they are reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ExternalTool:
    """A tool of another program.

    name            what the model calls, `server__tool`: letters, digits, - and _, at most 64
    title           what the program itself calls it
    description     its words, bounded; data, like `parameters`
    parameters      a JSON schema of type object, bounded
    needs_approval  a person must agree before it is called
    timeout_s       wall-clock time of one call
    call            raises `Refused` or `Transient`; returns JSON values, bounded
    """

    server: str
    name: str
    title: str
    description: str
    parameters: Mapping[str, Any]
    needs_approval: bool
    timeout_s: float
    call: Callable[[Mapping[str, Any]], Awaitable[Any]]


class ExternalTools(Protocol):
    """What is there at this moment; both may differ from one turn to the next."""

    def tools(self) -> Sequence[ExternalTool]: ...

    async def settled(self) -> None:
        """Until each program is there, or is known to be away."""
        ...

    def instructions(self) -> Sequence[tuple[str, str]]:
        """Server and its words about how to use its tools, bounded. Only of servers with tools."""
        ...

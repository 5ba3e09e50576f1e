"""A runner that says which tool a turn is about to call. For whoever waits and looks on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

from ratchet.llm.turn import Tool, Turn, TurnResult, TurnRunner


@dataclass(frozen=True, slots=True)
class WatchedRunner:
    """Satisfies `TurnRunner`. `told` gets the tool's name. Nothing that a person must agree to is offered."""

    inner: TurnRunner
    told: Callable[[str], None]

    @property
    def model(self) -> str:
        return self.inner.model

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See the Protocol."""
        tools = [_watched(tool, self.told) for tool in turn.tools]
        return await self.inner.run_turn(replace(turn, tools=tools, may_wait=False))


def _watched(tool: Tool, told: Callable[[str], None]) -> Tool:
    """The model is told what it would be told of the tool itself."""

    @functools.wraps(tool.run)
    async def run(*args: object, **kwargs: object) -> object:
        told(tool.name)
        return await tool.run(*args, **kwargs)

    return Tool(run)

"""What models are told of our tools: read from their signatures once, since that takes longer than a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic_ai import Tool as AgentTool

from ratchet.llm.turn import Tool


class Schemas:
    """By method: every turn has instances of its own."""

    def __init__(self) -> None:
        # The values are pydantic_ai's own, which it does not name in public.
        self._known: dict[Callable[..., Any], Any] = {}

    def tool(self, tool: Tool) -> AgentTool[None]:
        """The tool as pydantic_ai takes it."""
        method = getattr(tool.run, "__func__", None)
        if method is None:  # a function may be one turn's alone: it would stay here for good
            return AgentTool(tool.run, takes_ctx=False, name=tool.name)
        if method not in self._known:
            made: AgentTool[None] = AgentTool(tool.run, takes_ctx=False, name=tool.name)
            # Without the instance, which would stay here with all that it holds.
            self._known[method] = replace(made.function_schema, function=method)
        schema = replace(self._known[method], function=tool.run)
        return AgentTool(tool.run, takes_ctx=False, name=tool.name, function_schema=schema)

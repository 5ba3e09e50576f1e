"""A turn for a model that cannot call tools: what it would look up first stands in its prompt."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Final

from pydantic_core import to_jsonable_python

from ratchet.domain.errors import RatchetError
from ratchet.llm.data import cut, wrap
from ratchet.llm.guard import Ledger
from ratchet.llm.redact import Redactor, redact_values
from ratchet.llm.turn import Tool, ToolResult, Turn

logger = logging.getLogger(__name__)

# Models without tools are small ones as a rule, and so is what they can read at once.
FOUND_CHARS: Final = 8_000
NO_TOOLS: Final = (
    "In this turn you have no tools, whatever is said above about them: do not name or call one. What a "
    "search found stands before the question. Answer from it, and say so when it does not hold the answer."
)


async def without_tools(turn: Turn, ledger: Ledger, redactor: Redactor) -> Turn:
    """The same question, after what was found already in this turn, else after the results of its opening."""
    found = list(ledger.results)
    if not found:
        called = [await _called(tool, turn.budget.tool_seconds, redactor) for tool in turn.opening]
        found = [result for result in called if result is not None]
        ledger.results.extend(found)
    parts = [
        wrap(result.tool, cut(json.dumps(result.data, ensure_ascii=False), FOUND_CHARS)) for result in found
    ]
    return replace(
        turn,
        instructions=f"{turn.instructions}\n\n{NO_TOOLS}",
        prompt="\n\n".join([*parts, turn.prompt]),
        tools=(),
        opening=(),
    )


async def _called(tool: Tool, seconds: float, redactor: Redactor) -> ToolResult | None:
    """What the tool says; None when it fails: then the model answers without."""
    try:
        async with asyncio.timeout(seconds):
            result = await tool.run()
    except (RatchetError, TimeoutError) as error:
        logger.warning("opening failed", extra={"tool": tool.name, "error": type(error).__name__})
        return None
    return ToolResult(tool.name, {}, redact_values(to_jsonable_python(result), redactor))

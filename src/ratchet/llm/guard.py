"""Stands between the model and the tools: bounds, redacts and marks what passes."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.exceptions import ModelRetry, ToolFailed
from pydantic_ai.tools import RunContext
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset
from pydantic_core import to_jsonable_python

from ratchet.domain.errors import RatchetError
from ratchet.llm.budget import Budget
from ratchet.llm.data import wrap
from ratchet.llm.mcp_tools import TIMEOUT
from ratchet.llm.redact import Redactor, redact_values
from ratchet.llm.results import Results
from ratchet.llm.turn import ToolResult

logger = logging.getLogger(__name__)


@dataclass
class Ledger:
    """What one turn's tools were asked and what they answered."""

    budget: Budget
    attempts: int = 0
    asked: set[str] = field(default_factory=set)
    results: list[ToolResult] = field(default_factory=list)
    long: Results = field(init=False)

    def __post_init__(self) -> None:
        self.long = Results(self.budget.result_chars)

    def objection(self, name: str, arguments: dict[str, Any]) -> str | None:
        """Counts the call; says why it may not happen, in words for the model, or None."""
        self.attempts += 1
        if self.attempts > self.budget.tool_calls:
            return f"All {self.budget.tool_calls} tool calls are used up. Answer with what you have."
        call = json.dumps([name, arguments], sort_keys=True, default=str)
        if call in self.asked:
            return (
                f"You have already called {name} with exactly these arguments. Use that result, "
                "ask something different, or answer."
            )
        self.asked.add(call)
        return None


@dataclass
class GuardedTools(WrapperToolset[None]):
    """Every failure is answered to the model with what was tried and why; the turn goes on."""

    ledger: Ledger
    redactor: Redactor

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> Any:
        if objection := self.ledger.objection(name, tool_args):
            raise ToolFailed(objection)
        seconds = (tool.tool_def.metadata or {}).get(TIMEOUT, self.ledger.budget.tool_seconds)
        try:
            async with asyncio.timeout(seconds):
                result = await super().call_tool(name, tool_args, ctx, tool)
            return self._keep(name, tool_args, result)
        except (ModelRetry, ToolFailed):
            raise
        except TimeoutError:
            raise ToolFailed(f"{name} gave no answer within {seconds:g} s.") from None
        except RatchetError as error:
            raise ToolFailed(self.redactor(f"{name} failed: {error}")) from None
        except Exception:  # the tool-call edge: one broken tool must not end the turn
            logger.exception("tool call failed", extra={"tool": name})
            raise ToolFailed(f"{name} failed for a reason that the operator finds in the log.") from None

    def _keep(self, name: str, arguments: dict[str, Any], result: object) -> str:
        data = redact_values(to_jsonable_python(result), self.redactor)
        self.ledger.results.append(ToolResult(name, arguments, data))
        # What is read on of a long result is short enough by itself.
        return wrap(name, self.ledger.long.shown(json.dumps(data, ensure_ascii=False)))

"""The agent loop. Imports pydantic_ai: reach it through `connect`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic_ai import Agent
from pydantic_ai import Tool as AgentTool
from pydantic_ai.capabilities import PrepareTools
from pydantic_ai.exceptions import AgentRunError, FallbackExceptionGroup
from pydantic_ai.output import PromptedOutput
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import DeferredToolRequests, RunContext, ToolDefinition
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.usage import RunUsage, UsageLimits

from ratchet.domain.errors import Refused
from ratchet.llm.bare import without_tools
from ratchet.llm.budget import Budget, Usage
from ratchet.llm.external import ExternalTools
from ratchet.llm.fallback import Models, lacks_tools
from ratchet.llm.guard import GuardedTools, Ledger
from ratchet.llm.mcp_tools import agent_tools, foreword
from ratchet.llm.redact import Redactor
from ratchet.llm.schemas import Schemas
from ratchet.llm.turn import (
    JsonResult,
    JsonTurn,
    OutOfTime,
    Pending,
    Resumed,
    Tool,
    ToolResult,
    Turn,
    TurnResult,
)
from ratchet.llm.waiting import resumption, waiting

logger = logging.getLogger(__name__)
T = TypeVar("T")

SETTLE_S: Final = 15.0
READ_ON: Final = "read_result"
ANSWER_NOW: Final = (
    "The budget of this turn is nearly used up and no tool is available any more. "
    "Answer now with what you have, and say what you could not check."
)


class AgentRunner:
    """Runs turns against the models. Holds connection pools: `await aclose()` at the end."""

    def __init__(
        self,
        models: Models,
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
        external: ExternalTools | None = None,
    ) -> None:
        """`external`: offered beside the tools of a turn that has some."""
        self.models = models
        self._external = external
        self._redactor = redactor
        self._clock = clock
        self._schemas = Schemas()

    @property
    def model(self) -> str:
        return self.models.name

    async def aclose(self) -> None:
        await self.models.aclose()

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See `TurnRunner.run_turn`."""
        spending = _Spending(turn.budget, Ledger(turn.budget), self._clock, self._clock(), RunUsage())
        if turn.meter is not None:
            turn.meter.usage = spending.usage
        text, pending = await self._within(
            turn.budget, self._as_able(turn, spending), spending.ledger.results
        )
        results = tuple(spending.ledger.results)
        return TurnResult(text, spending.served or self.model, spending.usage(), results, pending)

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        """See `TurnRunner.run_json`."""
        spending = _Spending(turn.budget, Ledger(turn.budget), self._clock, self._clock(), RunUsage())
        if turn.meter is not None:
            turn.meter.usage = spending.usage
        # The schema stands in the prompt: not every server takes one beside it.
        agent = Agent(
            self.models.model,
            output_type=PromptedOutput(turn.answer),
            name="ratchet",
            instructions=turn.instructions,
            retries={"output": 0},
        )
        asked = agent.run(
            self._redactor(turn.prompt),
            usage=spending.spent,
            usage_limits=UsageLimits(request_limit=1),
            model_settings=ModelSettings(max_tokens=turn.budget.answer_tokens),
        )
        result = await self._within(turn.budget, asked)
        return JsonResult(result.output, self.models.served(result.response), spending.usage())

    async def _within(self, budget: Budget, step: Awaitable[T], found: Sequence[ToolResult] = ()) -> T:
        """The step's result; what goes wrong in it, in our own errors. `found` grows while it runs."""
        try:
            async with asyncio.timeout(budget.seconds):
                return await step
        except TimeoutError:
            raise OutOfTime(
                f"The language model {self.model} came to no answer within {budget.seconds:g} s.",
                tuple(found),
            ) from None
        except (AgentRunError, FallbackExceptionGroup) as error:
            logger.warning("model turn failed", extra={"model": self.model, "error": type(error).__name__})
            # The cause quotes the answer's body, and that may quote the prompt: keep it out of tracebacks.
            raise self.models.ours(error) from None

    async def _as_able(self, turn: Turn, spending: _Spending) -> tuple[str, Pending | None]:
        """The answer; without tools, from what a search found, when only models answer that have none."""
        if not turn.tools or turn.resumed is not None:
            return await self._answer(turn, spending)
        if self.models.tools:
            try:
                return await self._answer(turn, spending)
            except (AgentRunError, FallbackExceptionGroup) as error:
                if not lacks_tools(error):
                    raise
        bare = await without_tools(turn, spending.ledger, self._redactor)
        return await self._answer(bare, spending)

    async def _answer(self, turn: Turn, spending: _Spending) -> tuple[str, Pending | None]:
        external = self._external if turn.tools else None
        if turn.resumed is not None and external is not None:
            await _agreed_tools_there(turn.resumed, external)
        theirs = agent_tools(external.tools(), self._redactor, turn.may_wait) if external else []
        about = foreword(external, self._redactor) if external else []
        agent: Agent[None, str | DeferredToolRequests] = Agent(
            self.models.model,
            output_type=[str, DeferredToolRequests],
            deps_type=type(None),
            name="ratchet",
            instructions=[turn.instructions, *about, spending.last_word],
            toolsets=[GuardedTools(self._toolset(turn, theirs, spending), spending.ledger, self._redactor)],
            capabilities=[PrepareTools(spending.offered)],
            # The number of requests bounds a model that keeps getting its arguments wrong.
            retries={"tools": turn.budget.requests, "output": 1},
        )
        history, decisions = resumption(turn.resumed)
        result = await agent.run(
            None if turn.resumed else self._redactor(turn.prompt),
            message_history=history,
            deferred_tool_results=decisions,
            usage=spending.spent,
            usage_limits=UsageLimits(
                request_limit=turn.budget.requests, total_tokens_limit=turn.budget.tokens
            ),
            model_settings=ModelSettings(max_tokens=turn.budget.answer_tokens),
        )
        spending.served = self.models.served(result.response)
        if isinstance(result.output, DeferredToolRequests):
            return "", waiting(result.output, result.all_messages_json())
        return result.output, None

    def _toolset(
        self, turn: Turn, theirs: Sequence[AgentTool[None]], spending: _Spending
    ) -> FunctionToolset[None]:
        read_on = [Tool(spending.ledger.long.read_result)] if turn.tools else []
        ours = [self._schemas.tool(tool) for tool in (*turn.tools, *read_on)]
        return FunctionToolset([*ours, *theirs])


async def _agreed_tools_there(resumed: Resumed, external: ExternalTools) -> None:
    """After a restart the programs come up beside the click. Raises Refused when a tool stays away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            await external.settled()
    there = {tool.name for tool in external.tools()}
    if away := [call.tool for call in resumed.pending.calls if call.tool not in there]:
        raise Refused(f"{', '.join(away)} is not there any more, so nothing was done.")


@dataclass
class _Spending:
    """What a turn has spent so far, and so what it may still do."""

    budget: Budget
    ledger: Ledger
    clock: Callable[[], float]
    started: float
    spent: RunUsage
    served: str = ""

    def seconds(self) -> float:
        return self.clock() - self.started

    def ending(self) -> bool:
        return self.budget.near_its_end(
            requests=self.spent.requests,
            tool_calls=self.ledger.attempts,
            tokens=self.spent.total_tokens,
            seconds=self.seconds(),
            cost_usd=float(self.spent.cost or 0),
        )

    async def offered(self, _: RunContext[None], tools: list[ToolDefinition]) -> list[ToolDefinition]:
        """The tools for the next request: none on the last one, and what reads on only when there is what."""
        if self.ending():
            return []
        return [tool for tool in tools if tool.name != READ_ON or self.ledger.long.kept]

    def last_word(self, _: RunContext[None]) -> str | None:
        return ANSWER_NOW if self.ending() else None

    def usage(self) -> Usage:
        return Usage(
            requests=self.spent.requests,
            tool_calls=self.ledger.attempts,
            input_tokens=self.spent.input_tokens,
            output_tokens=self.spent.output_tokens,
            cost_usd=None if self.spent.cost is None else float(self.spent.cost),
            seconds=round(self.seconds(), 3),
        )

"""The agent loop. Imports pydantic_ai: reach it through `connect`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai import Tool as AgentTool
from pydantic_ai.capabilities import PrepareTools
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.output import PromptedOutput
from pydantic_ai.providers import Provider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import RunContext, ToolDefinition
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.usage import RunUsage, UsageLimits

from ratchet.domain.errors import Transient
from ratchet.llm.budget import Budget, Usage
from ratchet.llm.config import ModelConfig
from ratchet.llm.failures import translated
from ratchet.llm.guard import GuardedTools, Ledger
from ratchet.llm.redact import Redactor
from ratchet.llm.turn import JsonResult, JsonTurn, Tool, Turn, TurnResult

logger = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_NOW: Final = (
    "The budget of this turn is nearly used up and no tool is available any more. "
    "Answer now with what you have, and say what you could not check."
)


class AgentRunner:
    """Runs turns against one model. Holds a connection pool: `await aclose()` at the end."""

    def __init__(
        self, config: ModelConfig, redactor: Redactor, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._redactor = redactor
        self._clock = clock
        self._client = _client(config)
        self._model = OpenAIChatModel(config.model, provider=_provider(self._client, config.url))

    @property
    def model(self) -> str:
        return self._config.model

    async def aclose(self) -> None:
        await self._client.close()

    async def run_turn(self, turn: Turn) -> TurnResult:
        """See `TurnRunner.run_turn`."""
        spending = _Spending(turn.budget, Ledger(turn.budget), self._clock, self._clock(), RunUsage())
        text = await self._within(turn.budget, self._answer(turn, spending))
        return TurnResult(text, self.model, spending.usage(), tuple(spending.ledger.results))

    async def run_json(self, turn: JsonTurn[T]) -> JsonResult[T]:
        """See `TurnRunner.run_json`."""
        spending = _Spending(turn.budget, Ledger(turn.budget), self._clock, self._clock(), RunUsage())
        # The schema stands in the prompt: not every server takes one beside it.
        agent = Agent(
            self._model,
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
        return JsonResult(result.output, self.model, spending.usage())

    async def _within(self, budget: Budget, step: Awaitable[T]) -> T:
        """The step's result; what goes wrong in it, in our own errors."""
        try:
            async with asyncio.timeout(budget.seconds):
                return await step
        except TimeoutError:
            raise Transient(
                f"The language model {self.model} came to no answer within {budget.seconds:g} s."
            ) from None
        except AgentRunError as error:
            logger.warning("model turn failed", extra={"model": self.model, "error": type(error).__name__})
            # The cause quotes the answer's body, and that may quote the prompt: keep it out of tracebacks.
            raise translated(error, self.model, self._config.url) from None

    async def _answer(self, turn: Turn, spending: _Spending) -> str:
        agent = Agent(
            self._model,
            deps_type=type(None),
            name="ratchet",
            instructions=[turn.instructions, spending.last_word],
            toolsets=[GuardedTools(_toolset(turn.tools), spending.ledger, self._redactor)],
            capabilities=[PrepareTools(spending.offered)],
            # The number of requests bounds a model that keeps getting its arguments wrong.
            retries={"tools": turn.budget.requests, "output": 1},
        )
        result = await agent.run(
            self._redactor(turn.prompt),
            usage=spending.spent,
            usage_limits=UsageLimits(
                request_limit=turn.budget.requests, total_tokens_limit=turn.budget.tokens
            ),
            model_settings=ModelSettings(max_tokens=turn.budget.answer_tokens),
        )
        return result.output


@dataclass
class _Spending:
    """What a turn has spent so far, and so what it may still do."""

    budget: Budget
    ledger: Ledger
    clock: Callable[[], float]
    started: float
    spent: RunUsage

    def seconds(self) -> float:
        return self.clock() - self.started

    def ending(self) -> bool:
        return self.budget.near_its_end(
            requests=self.spent.requests,
            tool_calls=self.ledger.attempts,
            tokens=self.spent.total_tokens,
            seconds=self.seconds(),
        )

    async def offered(self, _: RunContext[None], tools: list[ToolDefinition]) -> list[ToolDefinition]:
        """The tools for the next request: none on the last one."""
        return [] if self.ending() else tools

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


def _toolset(tools: Sequence[Tool]) -> FunctionToolset[None]:
    return FunctionToolset([AgentTool(tool.run, takes_ctx=False, name=tool.name) for tool in tools])


def _client(config: ModelConfig) -> AsyncOpenAI:
    # The SDK's own retries would sleep inside a job's slot; the queue retries instead.
    return AsyncOpenAI(
        base_url=config.url,
        api_key=config.api_key.get_secret_value() if config.api_key else "none",
        max_retries=0,
        timeout=config.request_timeout_s,
    )


def _provider(client: AsyncOpenAI, url: str) -> Provider[AsyncOpenAI]:
    """OpenAI's own name only for OpenAI itself: its prices and its extras do not hold for other servers."""
    if urlsplit(url).hostname == "api.openai.com":
        return OpenAIProvider(openai_client=client)
    return OpenAICompatibleProvider("openai-compatible", openai_client=client)

"""Several models in order of preference: when one fails, the next is asked, request by request.

A turn goes on where it was: what tools said is kept, so that no tool runs twice. Imports pydantic_ai.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pydantic_ai import exceptions as theirs
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings, merge_model_settings

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient
from ratchet.llm.config import ModelConfig
from ratchet.llm.failures import translated
from ratchet.llm.providers import opened
from ratchet.telemetry import MODEL_FAILURES

log = structlog.get_logger(__name__)

SERVED: Final = "ratchet_model"
# How long a model that failed is asked only when no other is left: one that may come back by itself, and one
# that a person must mend.
REST_S: Final = 60.0
LONG_REST_S: Final = 300.0
LONGEST_REST_S: Final = 3600.0
# What a model that has a successor may take of the time of one that has none.
SHARE: Final = 2 / 3

_MENDED_BY_PEOPLE: Final = (
    theirs.ModelAuthenticationError,
    theirs.ModelNotFoundError,
    theirs.ModelQuotaExceededError,
    theirs.UserError,
)
_TOOL: Final = r"['\"`]?(?:tools?|functions?)(?:[ _-]?(?:use|calls?|calling|choice))?\b['\"`]?"
_ABOUT_TOOLS: Final = re.compile(
    rf"{_TOOL}(?: \w+){{0,4}}? (?:not (?:supported|enabled|available|implemented)|unsupported|requires?)\b"
    rf"|(?:not|n't|endpoints found that) support(?:ed)?(?: \w+){{0,3}}? {_TOOL}"
    rf"|(?:unsupported|unknown|unrecogni[sz]ed|unexpected) \w+\W{{1,3}}{_TOOL}",
    re.IGNORECASE,
)
_ABOUT_CONTENT: Final = re.compile(
    r"content.?(?:filter|policy|management)|responsible.?ai|moderation|guardrail|flagged|safety",
    re.IGNORECASE,
)
_TOOL_STATUS: Final = frozenset({400, 404, 422, 500, 501})


class Failed(theirs.ModelAPIError):
    """One model's failure, translated. What the provider sent stays out of it: it may quote the prompt."""

    def __init__(self, model: str, ours: RatchetError, *, next_may: bool, no_tools: bool = False) -> None:
        """`next_may`: whether the next model is asked. `no_tools`: the model cannot call tools."""
        super().__init__(model, str(ours))
        self.ours = ours
        self.next_may = next_may
        self.no_tools = no_tools


@dataclass(slots=True)
class Health:
    """What is known of one model by now; `rests_until` on the clock of its candidate."""

    tools: bool = True
    rests_until: float = 0.0


class Candidate(WrapperModel):
    """One model of the list: bounded in time, priced, and rested when it fails."""

    def __init__(self, config: ModelConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises Misconfigured."""
        found = opened(config)
        super().__init__(found.model)
        self.config = config
        self.health = Health()
        self.close = found.close
        self._clock = clock

    @property
    def resting(self) -> bool:
        return self._clock() < self.health.rests_until

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Raises Failed, whatever goes wrong."""
        tools = bool(model_request_parameters.function_tools)
        if tools and not self.health.tools:
            raise self._without_tools()
        settings = self._without_retries(model_settings)
        try:
            async with asyncio.timeout(self.config.request_timeout_s):
                response = await super().request(messages, settings, model_request_parameters)
        except TimeoutError:
            late = theirs.ModelTimeoutError(self.config.model, "late")
            raise self._failed(late, tools=tools) from None
        except (theirs.AgentRunError, theirs.UserError) as error:
            raise self._failed(error, tools=tools) from None
        self.health.rests_until = 0.0
        return self._marked(response)

    def _without_retries(self, given: ModelSettings | None) -> ModelSettings | None:
        """Settings without the provider's own retries: they would sleep where the next model could answer."""
        if "max_retries" in self.wrapped.unsupported_settings:
            return given
        return merge_model_settings(given, ModelSettings(max_retries=0))

    def _marked(self, response: ModelResponse) -> ModelResponse:
        """Says which model answered, and what it cost where the operator set the price."""
        usage, price = response.usage, self.config.price
        if price is not None:
            usage.cost = price.of(usage.input_tokens, usage.output_tokens)
        response.metadata = {**(response.metadata or {}), SERVED: self.config.model}
        return response

    def _failed(self, error: theirs.AgentRunError | theirs.UserError, *, tools: bool) -> Failed:
        if tools and about_tools(error):
            self.health.tools = False
            log.warning("model_without_tools", model=self.config.model)
            return self._without_tools()
        self._rest(error)
        ours = self._ours(error)
        MODEL_FAILURES.labels(self.config.model, type(ours).__name__.lower()).inc()
        log.warning("model_failed", model=self.config.model, kind=type(error).__name__, reason=str(ours))
        return Failed(self.config.model, ours, next_may=not about_content(error))

    def _ours(self, error: theirs.AgentRunError | theirs.UserError) -> RatchetError:
        if isinstance(error, theirs.UserError):
            return Misconfigured(f"The language model {self.config.model} cannot be used: {error.message}")
        return translated(error, self.config.model, self.config.place)

    def _rest(self, error: theirs.AgentRunError | theirs.UserError) -> None:
        seconds = rest_s(error)
        if seconds > 0:
            self.health.rests_until = self._clock() + seconds

    def _without_tools(self) -> Failed:
        ours = Refused(f"The language model {self.config.model} at {self.config.place} cannot call tools.")
        return Failed(self.config.model, ours, next_may=True, no_tools=True)


class Chain(FallbackModel):
    """The candidates in order; those that rest come last: they are asked when no other is left."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__(*candidates, fallback_on=_next_may)
        self._candidates = tuple(candidates)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Raises what the last candidate to be asked raised, or a group of what each did."""
        # A list of its own: turns that run beside this one iterate over theirs.
        resting = [one for one in self._candidates if one.resting]
        self.models = [*(one for one in self._candidates if one not in resting), *resting]
        return await super().request(messages, model_settings, model_request_parameters)


class Models:
    """What a runner runs on: one model, or several in order."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        """At least one."""
        self.candidates = tuple(candidates)
        self.model: Model = Chain(candidates) if len(candidates) > 1 else candidates[0]

    @property
    def name(self) -> str:
        """The preferred one's."""
        return self.candidates[0].config.model

    @property
    def tools(self) -> bool:
        """Whether any of them may be able to call tools."""
        return any(candidate.health.tools for candidate in self.candidates)

    def served(self, response: ModelResponse) -> str:
        """The model that gave this response."""
        return str((response.metadata or {}).get(SERVED) or self.name)

    def ours(self, error: theirs.AgentRunError | theirs.FallbackExceptionGroup) -> RatchetError:
        """What went wrong, in our own errors."""
        if isinstance(error, theirs.FallbackExceptionGroup):
            return together([one.ours for one in error.exceptions if isinstance(one, Failed)])
        if isinstance(error, Failed):
            return error.ours
        return translated(error, self.name, self.candidates[0].config.place)

    async def aclose(self) -> None:
        for candidate in self.candidates:
            await candidate.close()


def open_models(configs: Sequence[ModelConfig], clock: Callable[[], float] = time.monotonic) -> Models:
    """Raises Misconfigured with every error."""
    candidates, problems = list[Candidate](), list[str]()
    for config in configs:
        share = 1.0 if config is configs[-1] else SHARE
        try:
            bounded = replace(config, request_timeout_s=config.request_timeout_s * share)
            candidates.append(Candidate(bounded, clock))
        except Misconfigured as problem:
            problems.append(str(problem))
    if problems or not candidates:
        raise Misconfigured("\n".join(problems) or "No language model is configured.")
    return Models(candidates)


def lacks_tools(error: theirs.AgentRunError | theirs.FallbackExceptionGroup) -> bool:
    """Whether an answer without tools may still come: some model only lacks those."""
    parts = error.exceptions if isinstance(error, theirs.FallbackExceptionGroup) else (error,)
    return any(isinstance(part, Failed) and part.no_tools for part in parts)


def together(errors: Sequence[RatchetError]) -> RatchetError:
    """Why no model answered. Transient if one of them may answer later, at the earliest time one named."""
    message = " ".join(["No language model of the list answered.", *map(str, errors)])
    later = [error for error in errors if isinstance(error, Transient)]
    if later:
        named = [error.retry_after for error in later if error.retry_after is not None]
        return Transient(message, retry_after=min(named, default=None))
    return Misconfigured(message) if isinstance(next(iter(errors), None), Misconfigured) else Refused(message)


def rest_s(error: theirs.AgentRunError | theirs.UserError) -> float:
    """For how long to leave a model alone that failed so; 0 when only this request does not suit it."""
    if isinstance(error, _MENDED_BY_PEOPLE):
        return LONG_REST_S
    if isinstance(error, theirs.ModelRequestRejectedError | theirs.ContentFilterError):
        return 0.0
    if isinstance(error, theirs.ModelAPIError):
        return min(max(error.retry_after or 0.0, REST_S), LONGEST_REST_S)
    return REST_S


def about_tools(error: BaseException) -> bool:
    """Whether a server refused a request because of the tools in it."""
    return (
        isinstance(error, theirs.ModelHTTPError)
        and error.status_code in _TOOL_STATUS
        and _ABOUT_TOOLS.search(_said(error)) is not None
    )


def about_content(error: BaseException) -> bool:
    """Whether a provider refused what was asked. That is an answer: a more lenient model is not asked."""
    if isinstance(error, theirs.ContentFilterError):
        return True
    if not isinstance(error, theirs.ModelRequestRejectedError):
        return False
    return _ABOUT_CONTENT.search(_said(error)) is not None


def _said(error: theirs.ModelAPIError) -> str:
    return f"{error.provider_error_code} {error.provider_error_type} {str(error.body)[:4000]}"


def _next_may(error: Exception) -> bool:
    return isinstance(error, Failed) and error.next_may

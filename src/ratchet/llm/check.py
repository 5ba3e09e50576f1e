"""What works with a language model: tried, not believed. Imports pydantic_ai."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog

from ratchet.domain.errors import Misconfigured, RatchetError
from ratchet.llm.agent import AgentRunner
from ratchet.llm.budget import Budget
from ratchet.llm.config import ModelConfig
from ratchet.llm.fallback import Candidate, Models
from ratchet.llm.prices import Price, known_price
from ratchet.llm.redact import redact
from ratchet.llm.turn import JsonTurn, Tool, Turn, TurnResult
from ratchet.telemetry import MODEL_WORKS

log = structlog.get_logger(__name__)

# A local model may have to be loaded first.
BUDGET: Final = Budget(requests=3, tool_calls=2, tokens=20_000, seconds=120.0, answer_tokens=1_000)
REACH_S: Final = 5.0
# Small models do not always call a tool that they could.
TRIES: Final = 2
CODE: Final = "kestrel-42"
NOT_TRIED: Final = "not tried"


@dataclass(frozen=True, slots=True)
class Check:
    """`ok` is None for what was not tried. `seconds`: how long it took."""

    what: str
    ok: bool | None
    detail: str = ""
    seconds: float | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What one model can do. `context_window` in tokens; it and the price are None where nobody says."""

    model: str
    provider: str
    place: str
    checks: tuple[Check, ...]
    context_window: int | None = None
    price: Price | None = None

    @property
    def ok(self) -> bool:
        return all(check.ok is not False for check in self.checks)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the sentence says."""

    region: str
    count: int


async def team_code(name: str) -> str:
    """The secret code of a team.

    Args:
        name: The team's name.
    """
    return CODE


async def check_model(candidate: Candidate) -> ModelReport:
    """Everything. Takes a few small requests."""
    config = candidate.config
    runner = AgentRunner(Models([candidate]), redact)
    reached = await _reachable(candidate)
    tried: tuple[Callable[[], Awaitable[Check]], ...] = (
        lambda: _chat(runner, config),
        lambda: check_tools(candidate),
        lambda: _json(runner),
        lambda: _embeddings(config),
    )
    checks = [reached]
    for what, step in zip(("chat", "tools", "json", "embeddings"), tried, strict=True):
        useless = any(check.ok is False for check in checks if check.what in {"reachable", "chat"})
        checks.append(Check(what, None, NOT_TRIED) if useless else await step())
    window = None if reached.ok is False else await _context_window(candidate)
    return ModelReport(
        config.model, config.provider, config.place, tuple(checks), window, known_price(config)
    )


async def check_tools(candidate: Candidate) -> Check:
    """A real round trip with a harmless tool. A model that fails it is not offered tools from now on."""
    runner = AgentRunner(Models([candidate]), redact)
    remedy = "Take a model that calls tools. Until then it gets search results in its prompt instead."
    detail = "the server says that it cannot"
    for _ in range(TRIES):
        try:
            result = await runner.run_turn(
                Turn(
                    "Do exactly as you are told.",
                    "Call the tool team_code with the name ratchet. Then answer with the code it returned.",
                    tools=(Tool(team_code),),
                    budget=BUDGET,
                )
            )
        except RatchetError as error:
            return Check("tools", False, str(error), remedy=_remedy(error, candidate.config))
        if result.tool_results:
            return Check("tools", True, _repeated(result), result.usage.seconds)
        if not candidate.health.tools:
            break
        detail = f"it was told to call a tool {TRIES} times, and did not"
    candidate.health.tools = False
    return Check("tools", False, detail, remedy=remedy)


def _repeated(result: TurnResult) -> str:
    return "" if CODE in result.text else "it called the tool, but did not repeat what the tool said"


async def check_at_start(models: Models) -> None:
    """The short form: whether each model answers and calls tools; said in the log and the metrics."""
    for candidate in models.candidates:
        name = candidate.config.model
        check = await check_tools(candidate)
        # A model that only lacks tools has answered.
        answers = check.ok is True or not candidate.health.tools
        MODEL_WORKS.labels(name, "answers").set(answers)
        MODEL_WORKS.labels(name, "tools").set(check.ok is True)
        if check.ok:
            log.info("model_works", model=name, seconds=check.seconds)
        else:
            log.warning("model_lacks", model=name, answers=answers, tools=False, reason=check.detail)


async def _chat(runner: AgentRunner, config: ModelConfig) -> Check:
    try:
        result = await runner.run_turn(Turn("Be brief.", "Say: ready", budget=BUDGET))
    except RatchetError as error:
        return Check("chat", False, str(error), remedy=_remedy(error, config))
    return Check("chat", True, "", result.usage.seconds)


async def _json(runner: AgentRunner) -> Check:
    turn = JsonTurn("Say what the sentence says.", "In Oslo 3 servers are down.", Sentence, BUDGET)
    try:
        result = await runner.run_json(turn)
    except RatchetError as error:
        return Check("json", False, str(error), remedy="Runbooks are quoted from people then, not written.")
    return Check("json", True, "", result.usage.seconds)


async def _reachable(candidate: Candidate) -> Check:
    """Whether anything answers there, whatever it says."""
    url = candidate.wrapped.base_url
    if not url:
        return Check("reachable", None, NOT_TRIED)
    started = time.monotonic()
    try:
        async with _client(url) as client:
            await client.get(url)
    except httpx.HTTPError as error:
        remedy = "Check the address, the network and the proxy."
        if candidate.config.provider == "ollama":
            remedy = "Install Ollama from https://ollama.com and start it with `ollama serve`."
        return Check("reachable", False, f"nobody answers at {url} ({type(error).__name__}).", remedy=remedy)
    return Check("reachable", True, "", round(time.monotonic() - started, 3))


async def _embeddings(config: ModelConfig) -> Check:
    if not config.embedding_model:
        return Check("embeddings", None, "the bundled model embeds")
    key = config.api_key.get_secret_value() if config.api_key else "none"
    started = time.monotonic()
    try:
        async with _client(config.url) as client:
            response = await client.post(
                f"{config.url}/embeddings",
                json={"model": config.embedding_model, "input": ["ready"]},
                headers={"Authorization": f"Bearer {key}"},
                timeout=30.0,
            )
        size = len(response.raise_for_status().json()["data"][0]["embedding"])
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        return Check("embeddings", False, f"{config.embedding_model}: {type(error).__name__}")
    detail = f"{config.embedding_model}, {size} dimensions"
    return Check("embeddings", True, detail, round(time.monotonic() - started, 3))


async def _context_window(candidate: Candidate) -> int | None:
    config = candidate.config
    if config.provider != "ollama":
        return candidate.wrapped.context_window
    root = config.url.removesuffix("/").removesuffix("/v1")
    try:
        async with _client(root) as client:
            response = await client.post(f"{root}/api/show", json={"model": config.model})
            return _ollama_window(response.raise_for_status().json())
    except (httpx.HTTPError, ValueError):
        return None


def _ollama_window(shown: Any) -> int | None:
    """https://docs.ollama.com/api/show: `ARCHITECTURE.context_length` in `model_info`."""
    info = shown.get("model_info") if isinstance(shown, dict) else None
    sizes = [v for k, v in info.items() if k.endswith(".context_length")] if isinstance(info, dict) else []
    return next((size for size in sizes if isinstance(size, int)), None)


def _client(url: str) -> httpx.AsyncClient:
    # A proxy from the environment must not be asked for this machine's own ports.
    here = urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
    return httpx.AsyncClient(timeout=REACH_S, trust_env=not here)


def _remedy(error: RatchetError, config: ModelConfig) -> str:
    if isinstance(error, Misconfigured) and config.provider == "ollama":
        return f"Fetch it: ratchet model pull {config.model}"
    if isinstance(error, Misconfigured):
        return "Check the model's name and its key; docs/models.md."
    return "Try again later, and see the log."

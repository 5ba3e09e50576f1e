"""The language models and the programs whose tools they may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ratchet.app.embedding import Embedding
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect
from ratchet.llm.discover import discover
from ratchet.llm.external import ExternalTools
from ratchet.llm.mcp_client import McpClient
from ratchet.llm.prices import known_price
from ratchet.llm.recorded import RecordedModel
from ratchet.llm.spending import CappedModel
from ratchet.llm.turn import Model
from ratchet.settings import Settings
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.pool import Database

if TYPE_CHECKING:
    from ratchet.llm.agent import AgentRunner

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Thinking:
    """The language model, None without one; the programs whose tools it may use; the embedding model."""

    runner: Model | None
    mcp: McpClient
    embedding: Embedding
    models: AgentRunner | None = None


async def chosen_models(settings: Settings) -> tuple[ModelConfig, ...]:
    """The language models of the settings, in order; else the one found on this machine, if any."""
    if listed := settings.language_models:
        return listed
    found = await discover(wanted=settings.openai_model)
    return () if found is None else (settings.tuned(found),)


async def language_model(settings: Settings, external: ExternalTools) -> AgentRunner | None:
    configs = await chosen_models(settings)
    if not configs:
        log.info("no_model", effect="answers are quotes from the record")
        return None
    log.info("models", models=[config.model for config in configs])
    if settings.turn_cost_usd is not None or settings.channel_cost_usd_per_day is not None:
        for config in configs:
            if known_price(config) is None:
                effect = "no limit in dollars holds for it; set RATCHET_MODEL_PRICES"
                log.warning("model_price_unknown", model=config.model, effect=effect)
    return connect(configs, external=external)


def recorded(model: Model | None, db: Database, settings: Settings) -> Model | None:
    """The same model; what its turns cost is kept."""
    if model is None:
        return None
    calls, limit = LlmCalls(db), settings.channel_cost_usd_per_day
    kept = RecordedModel(model, calls, settings.keep_model_contents)
    return kept if limit is None else CappedModel(kept, calls, limit)

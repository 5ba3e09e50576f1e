"""The door to pydantic_ai: importing this module is cheap, calling `connect` is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ratchet.llm.config import ModelConfig
from ratchet.llm.embed_config import EmbeddingConfig
from ratchet.llm.external import ExternalTools
from ratchet.llm.recorded import CallRecorder
from ratchet.llm.redact import Redactor, redact
from ratchet.telemetry import tracing

if TYPE_CHECKING:
    from ratchet.llm.agent import AgentRunner
    from ratchet.llm.embed_remote import RemoteEmbedder


def connect(
    config: ModelConfig | Sequence[ModelConfig],
    redactor: Redactor = redact,
    external: ExternalTools | None = None,
) -> AgentRunner:
    """A runner for the configured models, in order of preference; sends nothing yet.

    Call it at start: the import takes seconds. Raises Misconfigured when a provider, its package or its key
    is missing.
    """
    from ratchet.llm.agent import AgentRunner  # noqa: PLC0415  # over a second, and not everyone has a model
    from ratchet.llm.fallback import open_models  # noqa: PLC0415  # as above

    if tracing.configured():
        _instrument()
    configs = [config] if isinstance(config, ModelConfig) else config
    return AgentRunner(open_models(configs), redactor, external=external)


def _instrument() -> None:
    """Turns, requests and tool calls are spans, by the gen_ai conventions; what is said is left out."""
    from pydantic_ai import Agent, InstrumentationSettings  # noqa: PLC0415  # slow

    Agent.instrument_all(
        InstrumentationSettings(
            include_content=False, include_binary_content=False, include_model_request_parameters=False
        )
    )


def open_remote(config: EmbeddingConfig, recorder: CallRecorder | None = None) -> RemoteEmbedder:
    """The embedding model at a server; sends nothing yet. Call it at start: the import takes seconds."""
    from ratchet.llm.embed_remote import RemoteEmbedder  # noqa: PLC0415  # imports pydantic_ai

    return RemoteEmbedder(config, recorder)


async def check_at_start(runner: AgentRunner) -> None:
    """Try what each model of the runner can do, and say it in the log and the metrics."""
    from ratchet.llm import check  # noqa: PLC0415  # imports pydantic_ai

    await check.check_at_start(runner.models)

"""The door to pydantic_ai: importing this module is cheap, calling `connect` is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.llm.config import ModelConfig
from ratchet.llm.redact import Redactor, redact

if TYPE_CHECKING:
    from ratchet.llm.agent import AgentRunner


def connect(config: ModelConfig, redactor: Redactor = redact) -> AgentRunner:
    """A runner for the configured model; sends nothing yet. Call it at start: the import takes seconds."""
    from ratchet.llm.agent import AgentRunner  # noqa: PLC0415  # over a second, and not everyone has a model

    return AgentRunner(config, redactor)

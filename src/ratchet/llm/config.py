"""Which language model to talk to, and how long to wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """An OpenAI-compatible server. `url` is the base, with its `/v1` where the server has one.

    `request_timeout_s` is the longest silence within one request; the turn's budget bounds the whole.
    """

    url: str
    model: str
    api_key: SecretStr | None = None
    embedding_model: str | None = None
    request_timeout_s: float = 45.0

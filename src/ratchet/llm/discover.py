"""Finds the model to use when nobody configured one."""

from __future__ import annotations

from typing import Any, Final

import httpx

from ratchet.llm.config import OLLAMA_URL, ModelConfig

DEFAULT_MODEL: Final = "qwen2.5:7b"
DEFAULT_EMBEDDING_MODEL: Final = "nomic-embed-text"


async def discover(
    explicit: ModelConfig | None = None,
    *,
    ollama_url: str = OLLAMA_URL,
    wanted: str = DEFAULT_MODEL,
    timeout_s: float = 0.3,
) -> ModelConfig | None:
    """The explicit settings; else Ollama at `ollama_url`, if it answers in time with a chat model; else None.

    API: https://docs.ollama.com/api/tags
    """
    if explicit is not None:
        return explicit
    names = await _ollama_models(ollama_url, timeout_s)
    chat = _chosen(names, wanted)
    if chat is None:
        return None
    embedding = next((name for name in names if name.startswith(DEFAULT_EMBEDDING_MODEL)), None)
    return ModelConfig(
        url=f"{ollama_url.rstrip('/')}/v1", model=chat, embedding_model=embedding, provider="ollama"
    )


def _chosen(names: list[str], wanted: str) -> str | None:
    chat = [name for name in names if "embed" not in name and "minilm" not in name]
    return wanted if wanted in chat else next(iter(chat), None)


async def _ollama_models(url: str, timeout_s: float) -> list[str]:
    """Names of the installed models; empty when nobody, or somebody else, answers."""
    # A proxy from the environment must not be asked for this machine's own port.
    async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
        try:
            response = await client.get(f"{url.rstrip('/')}/api/tags")
            response.raise_for_status()
            return _names(response.json())
        except (httpx.HTTPError, ValueError):
            return []


def _names(answer: Any) -> list[str]:
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return []
    return [
        model["name"] for model in models if isinstance(model, dict) and isinstance(model.get("name"), str)
    ]

"""One model of one provider, as pydantic_ai opens it. Imports pydantic_ai: reach it through `connect`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import SecretStr
from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from ratchet.domain.errors import Misconfigured
from ratchet.llm.config import COMPATIBLE, ModelConfig


@dataclass(frozen=True, slots=True)
class Opened:
    """`close` ends its connections."""

    model: Model
    close: Callable[[], Awaitable[None]]


def opened(config: ModelConfig) -> Opened:
    """The model; sends nothing yet. Raises Misconfigured: no such provider, its package or key is missing."""
    if config.provider in COMPATIBLE:
        client = open_client(config.url, config.api_key, config.request_timeout_s)
        return Opened(OpenAIChatModel(config.model, provider=provider_at(client, config.url)), client.close)
    return _other(config)


def open_client(url: str, api_key: SecretStr | None, timeout_s: float) -> AsyncOpenAI:
    """Asks `url`, and nobody that it would send us on to: the operator named that server and no other."""
    return AsyncOpenAI(
        base_url=url,
        api_key=api_key.get_secret_value() if api_key else "none",
        # The SDK's own retries would sleep inside a job's slot; the queue retries instead.
        max_retries=0,
        timeout=timeout_s,
        http_client=DefaultAsyncHttpxClient(follow_redirects=False),
    )


def provider_at(client: AsyncOpenAI, url: str) -> Provider[AsyncOpenAI]:
    """OpenAI's own name only for OpenAI itself: its prices and its extras do not hold for other servers."""
    if urlsplit(url).hostname == "api.openai.com":
        return OpenAIProvider(openai_client=client)
    return OpenAICompatibleProvider("openai-compatible", openai_client=client)


def _other(config: ModelConfig) -> Opened:
    name = f"{config.provider}:{config.model}"
    given = {"api_key": config.api_key.get_secret_value()} if config.api_key else {}
    if config.url:
        # Without a key it would take the provider's own from the environment, and send it there.
        given = {"api_key": "none", **given, "base_url": config.url}

    def provider(kind: str) -> Provider[Any]:
        return infer_provider_class(kind)(**given)

    try:
        model = infer_model(name, provider)
    except ImportError:
        raise Misconfigured(
            f"RATCHET_MODELS: {name} needs a package that is not installed: {_remedy(config.provider)}"
        ) from None
    except (UserError, ValueError) as error:
        raise Misconfigured(f"RATCHET_MODELS: {name} cannot be used: {error}") from None
    except TypeError:
        raise Misconfigured(
            f"RATCHET_MODELS: {name} cannot be used with {' and '.join(given) or 'these settings'}"
        ) from None

    async def close() -> None:
        # What a provider opened it closes on leaving.
        async with model:
            pass

    return Opened(model, close)


def _remedy(provider: str) -> str:
    if provider == "anthropic":
        return "pip install 'ratchet-bot[anthropic]'"
    return f"pip install 'pydantic-ai-slim[{provider}]'"

"""Which language models to talk to, in which order, and how long to wait for one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from ratchet.domain.errors import Misconfigured
from ratchet.llm.prices import Price

OPENAI_URL: Final = "https://api.openai.com/v1"
OLLAMA_URL: Final = "http://localhost:11434"
# Providers that speak the OpenAI protocol at a URL that the operator names.
COMPATIBLE: Final = frozenset({"openai", "ollama"})
# Where each provider's own tools look for its key. Others than these look for theirs by themselves.
KEYS: Final[Mapping[str, Sequence[str]]] = {
    "openai": ("OPENAI_API_KEY",),
    "openai-responses": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "cohere": ("CO_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "together": ("TOGETHER_API_KEY",),
    "fireworks": ("FIREWORKS_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "moonshotai": ("MOONSHOTAI_API_KEY",),
    "huggingface": ("HF_TOKEN",),
}

_ENTRY: Final = re.compile(r"([a-z][a-z0-9-]*):([^\s@][^\s]*?)(?:@(https?://\S+))?")
FORM: Final = "PROVIDER:NAME or PROVIDER:NAME@URL, such as openai:gpt-5@https://llm.example/v1"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A model and where it is. `url` of an OpenAI-compatible server is the base, with its `/v1` where it has
    one; of other providers it may be "", which is their own address.

    `request_timeout_s` is the longest time of one request; the turn's budget bounds the whole.
    `provider` as pydantic-ai names it, or `ollama`; `price` the operator's own.
    """

    url: str
    model: str
    api_key: SecretStr | None = None
    embedding_model: str | None = None
    request_timeout_s: float = 45.0
    provider: str = "openai"
    price: Price | None = None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return self.url or f"{self.provider}'s own address"


@dataclass(frozen=True, slots=True)
class Access:
    """`keys` by a model's name, with its provider (`groq:NAME`) or without. `variables` is the environment,
    for the providers' usual keys.
    """

    keys: Mapping[str, str]
    variables: Mapping[str, str]


def read_models(entries: Sequence[str], keys: str, variables: Mapping[str, str]) -> tuple[ModelConfig, ...]:
    """The models of RATCHET_MODELS, in order. Raises Misconfigured with every error."""
    access, found, problems = Access(read_keys(keys), variables), list[ModelConfig](), list[str]()
    for entry in entries:
        try:
            found.append(read_model(entry, access))
        except Misconfigured as problem:
            problems.append(f"RATCHET_MODELS: {problem}")
    if problems:
        raise Misconfigured("\n".join(problems))
    return tuple(found)


def read_keys(text: str) -> dict[str, str]:
    """`NAME=KEY, …` by name. Raises Misconfigured; the message has no key in it."""
    keys = dict[str, str]()
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, key = entry.partition("=")
        if not (equals and name.strip() and key.strip()):
            raise Misconfigured("RATCHET_MODEL_KEYS: an entry is not NAME=KEY")
        keys[name.strip()] = key.strip()
    return keys


def read_model(entry: str, access: Access) -> ModelConfig:
    """One entry. Raises Misconfigured."""
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        # It may have a key in it, where a URL was meant.
        raise Misconfigured(f"the entry that begins with {entry[:12]!r} is not {FORM}")
    provider, model, url = parts[1], parts[2], parts[3] or ""
    if "@" in urlsplit(url).netloc:
        raise Misconfigured(
            f"RATCHET_MODELS: the address of {provider}:{model} has a password in it; use RATCHET_MODEL_KEYS"
        )
    key = access.keys.get(f"{provider}:{model}") or access.keys.get(model)
    if key is None and not url:
        key = _usual_key(provider, model, access.variables)
    return ModelConfig(
        url or _own_address(provider),
        model,
        SecretStr(key) if key else None,
        provider=provider,
    )


def _own_address(provider: str) -> str:
    return {"openai": OPENAI_URL, "ollama": f"{OLLAMA_URL}/v1"}.get(provider, "")


def _usual_key(provider: str, model: str, variables: Mapping[str, str]) -> str | None:
    """The provider's key: for the provider's own address only, a URL may be anybody's."""
    names = KEYS.get(provider, ())
    for name in names:
        if value := variables.get(name):
            return value
    if names:
        raise Misconfigured(f"{provider}:{model} needs a key; set {' or '.join(names)}")
    return None

"""RATCHET_MODELS: what each entry means, and whose key goes where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.errors import Misconfigured
from ratchet.llm.config import COMPATIBLE, read_models

ENVIRONMENT = {"OPENAI_API_KEY": "sk-own", "ANTHROPIC_API_KEY": "sk-ant", "GEMINI_API_KEY": "g"}


@pytest.mark.parametrize(
    ("entry", "provider", "model", "url", "key"),
    [
        ("openai:gpt-5", "openai", "gpt-5", "https://api.openai.com/v1", "sk-own"),
        ("openai:m@http://10.0.0.7:8000/v1", "openai", "m", "http://10.0.0.7:8000/v1", None),
        ("ollama:qwen2.5:7b", "ollama", "qwen2.5:7b", "http://localhost:11434/v1", None),
        ("ollama:a/b:c@http://gpu:11434/v1", "ollama", "a/b:c", "http://gpu:11434/v1", None),
        ("anthropic:claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6", "", "sk-ant"),
        ("google:gemini-3-pro", "google", "gemini-3-pro", "", "g"),
        ("bedrock:us.anthropic.claude@v2:0", "bedrock", "us.anthropic.claude@v2:0", "", None),
    ],
)
def test_an_entry_names_provider_model_and_place(
    entry: str, provider: str, model: str, url: str, key: str | None
) -> None:
    (found,) = read_models([entry], "", ENVIRONMENT)
    shown = found.api_key.get_secret_value() if found.api_key else None
    assert (found.provider, found.model, found.url, shown) == (provider, model, url, key)


def test_the_order_is_kept() -> None:
    found = read_models(["ollama:b", "openai:a", "ollama:c"], "", ENVIRONMENT)
    assert [model.model for model in found] == ["b", "a", "c"]


def test_a_providers_key_does_not_go_to_another_address() -> None:
    (proxied, other) = read_models(
        ["anthropic:claude@https://proxy.example", "openai:m@https://llm.example/v1"],
        "openai:m=sk-mine",
        ENVIRONMENT,
    )
    assert proxied.api_key is None
    assert other.api_key is not None
    assert other.api_key.get_secret_value() == "sk-mine"


def test_a_key_by_name_wins_over_the_usual_one() -> None:
    (found,) = read_models(["openai:gpt-5"], "gpt-5=sk-team", ENVIRONMENT)
    assert found.api_key is not None
    assert found.api_key.get_secret_value() == "sk-team"


def test_every_wrong_entry_is_said_at_once_with_what_to_set() -> None:
    entries = ["gpt-5", "groq:llama", "google:gemini-3-pro", "openai:m@https://me:hush-hush@llm.example"]
    with pytest.raises(Misconfigured) as caught:
        read_models(entries, "", {})
    text = str(caught.value)
    assert all(line.startswith("RATCHET_MODELS: ") for line in text.splitlines())
    assert "'gpt-5' is not PROVIDER:NAME" in text
    assert "set GROQ_API_KEY" in text
    assert "set GOOGLE_API_KEY or GEMINI_API_KEY" in text
    assert "RATCHET_MODEL_KEYS" in text
    assert "hush" not in text


@pytest.mark.parametrize("keys", ["sk-hush-hush", "m=", "=sk-hush-hush", "a=b,sk-hush-hush"])
def test_a_wrong_key_entry_is_not_repeated(keys: str) -> None:
    with pytest.raises(Misconfigured, match="RATCHET_MODEL_KEYS") as caught:
        read_models([], keys, {})
    assert "hush" not in str(caught.value)


@given(st.text(max_size=60))
def test_whatever_stands_there_is_a_model_or_said_to_be_none(entry: str) -> None:
    try:
        (found,) = read_models([entry], "", {})
    except Misconfigured:
        return
    assert found.model
    assert bool(found.url) or found.provider not in COMPATIBLE

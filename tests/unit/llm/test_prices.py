"""What tokens cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.errors import Misconfigured
from ratchet.llm.config import ModelConfig
from ratchet.llm.prices import Price, known_price, own_price, read_prices

GPT = ModelConfig("https://api.openai.com/v1", "gpt-4o")


def test_prices_are_read_by_name() -> None:
    prices = read_prices("qwen2.5:7b=0/0, groq:llama-3.3-70b=0.59/0.79,")
    assert prices == {
        "qwen2.5:7b": Price(Decimal(0), Decimal(0)),
        "groq:llama-3.3-70b": Price(Decimal("0.59"), Decimal("0.79")),
    }
    assert own_price(prices, "groq", "llama-3.3-70b") == prices["groq:llama-3.3-70b"]
    assert own_price(prices, "openai", "llama-3.3-70b") is None
    assert own_price(prices, "ollama", "qwen2.5:7b") == prices["qwen2.5:7b"]


@pytest.mark.parametrize("wrong", ["m", "m=1", "m=1/", "=1/2", "m=-1/2", "m=nan/1", "m=1/Infinity", "m=a/b"])
def test_what_is_no_price_is_said_with_an_example(wrong: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_prices(f"good=1/2,{wrong}")
    assert "RATCHET_MODEL_PRICES" in str(caught.value)
    assert "gpt-oss:20b=0.05/0.20" in str(caught.value)
    assert "good" not in str(caught.value)


@given(st.text(alphabet="m=/0123456789.,e-nN ", max_size=30))
def test_whatever_is_written_no_price_is_negative_or_endless(text: str) -> None:
    try:
        prices = read_prices(text)
    except Misconfigured:
        return
    assert all(price.of(10, 10) >= 0 for price in prices.values())


def test_a_price_is_per_million() -> None:
    assert Price(Decimal("2.5"), Decimal(10)).of(1_000_000, 500_000) == Decimal("7.5")


def test_the_library_knows_the_large_providers_models() -> None:
    price = known_price(GPT)
    assert price is not None
    assert 0 < price.input < price.output
    anthropic = known_price(ModelConfig("", "claude-sonnet-4-6", provider="anthropic"))
    assert anthropic is not None
    assert 0 < anthropic.input < anthropic.output


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("http://127.0.0.1:8000/v1", "gpt-4o"),
        ModelConfig("http://localhost:11434/v1", "qwen2.5:7b", provider="ollama"),
        ModelConfig("https://api.openai.com/v1", "no-such-model"),
        ModelConfig("", "no-such-model", provider="nobody"),
    ],
)
def test_another_server_or_an_unknown_model_has_no_price(config: ModelConfig) -> None:
    assert known_price(config) is None


def test_the_operators_price_wins() -> None:
    mine = Price(Decimal(1), Decimal(2))
    assert known_price(replace(GPT, price=mine)) == mine

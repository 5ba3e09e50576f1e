"""The settings of language models and what they may spend."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ratchet.domain.errors import Misconfigured
from ratchet.llm.budget import Budget
from ratchet.llm.config import ModelConfig
from ratchet.llm.prices import Price
from ratchet.settings import Settings, load, visible


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "RATCHET_OPENAI_URL", "RATCHET_OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"RATCHET_{name}", value)
    return load(env_file=None)


def test_without_settings_there_is_no_list_and_the_usual_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)
    assert settings.language_models == ()
    assert settings.turn_budget == Budget()


def test_the_one_openai_compatible_server_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = read(monkeypatch, OPENAI_URL="http://10.0.0.7/v1", OPENAI_MODEL="m").language_models
    assert found == ModelConfig("http://10.0.0.7/v1", "m")


def test_with_only_a_key_it_is_openai_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = read(monkeypatch, OPENAI_API_KEY="sk-hush", OPENAI_MODEL="gpt-5").language_models
    assert found.url == "https://api.openai.com/v1"
    assert found.api_key is not None
    assert "hush" not in repr(found)


def test_it_comes_before_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk")
    settings = read(
        monkeypatch,
        OPENAI_URL="http://10.0.0.7/v1",
        OPENAI_MODEL="first",
        MODELS="groq:second, ollama:third:7b,",
    )
    assert [model.model for model in settings.language_models] == ["first", "second", "third:7b"]


def test_prices_and_time_of_a_turn_reach_every_model(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        OPENAI_URL="http://10.0.0.7/v1",
        OPENAI_MODEL="first",
        MODELS="ollama:second",
        MODEL_PRICES="first=1/2,ollama:second=0/0",
        TURN_SECONDS="200",
    )
    first, second = settings.language_models
    assert (first.price, second.price) == (Price(Decimal(1), Decimal(2)), Price(Decimal(0), Decimal(0)))
    assert (first.request_timeout_s, second.request_timeout_s) == (120, 120)


def test_every_limit_of_a_turn_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        TURN_REQUESTS="3",
        TURN_TOOL_CALLS="5",
        TURN_TOKENS="9000",
        TURN_SECONDS="30",
        TURN_COST_USD="0.25",
        CHANNEL_COST_USD_PER_DAY="2",
    )
    budget = settings.turn_budget
    assert (budget.requests, budget.tool_calls, budget.tokens, budget.seconds, budget.cost_usd) == (
        3,
        5,
        9000,
        30,
        0.25,
    )
    assert settings.channel_cost_usd_per_day == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TURN_REQUESTS", "0"),
        ("TURN_TOOL_CALLS", "-1"),
        ("TURN_TOKENS", "many"),
        ("TURN_SECONDS", "100000"),
        ("TURN_COST_USD", "0"),
        ("CHANNEL_COST_USD_PER_DAY", "-1"),
    ],
)
def test_a_limit_that_is_none_is_said(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match=f"RATCHET_{name}"):
        read(monkeypatch, **{name: value})


def test_all_that_is_wrong_with_models_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"MODELS": "gpt,groq:llama", "MODEL_PRICES": "m=cheap", "TURN_REQUESTS": "0"}
    with pytest.raises(Misconfigured) as caught:
        read(monkeypatch, **wrong)
    names = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert names == ["RATCHET_MODELS", "RATCHET_MODELS", "RATCHET_MODEL_PRICES", "RATCHET_TURN_REQUESTS"]


def test_keys_of_models_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, MODELS="openai:m@https://llm.example/v1", MODEL_KEYS="m=hush-hush")
    (found,) = settings.language_models
    assert found.api_key is not None
    assert found.api_key.get_secret_value() == "hush-hush"
    assert "hush" not in str(visible(settings)) + repr(settings) + repr(found)

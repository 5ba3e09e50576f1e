"""Another provider's protocol, against a scripted server: the package's own client over real HTTP."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.llm.config import ModelConfig, read_models
from ratchet.llm.connect import connect
from ratchet.llm.testing import ModelServer, Say
from ratchet.llm.turn import Tool, Turn


class Messages:
    """POST /v1/messages, as https://docs.anthropic.com/en/api/messages has it."""

    def __init__(self, *answers: list[dict[str, Any]] | int) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Messages]:
        app = web.Application()
        app.router.add_post("/v1/messages", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def answer(self, http: web.Request) -> web.Response:
        self.requests.append(await http.json())
        self.keys.append(http.headers.get("Authorization"))
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
            return web.json_response(error, status=answer)
        ends = "tool_use" if answer[0]["type"] == "tool_use" else "end_turn"
        return web.json_response(
            {
                "id": f"msg_{len(self.requests)}",
                "type": "message",
                "role": "assistant",
                "model": self.requests[-1]["model"],
                "content": answer,
                "stop_reason": ends,
                "stop_sequence": None,
                "usage": {"input_tokens": 1000, "output_tokens": 100},
            }
        )


async def weather(city: str) -> str:
    """The weather."""
    return f"rain in {city}"


LOOK = [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}]
SAID = [{"type": "text", "text": "It rains."}]
TURN = Turn("Answer.", "Will it rain?", (Tool(weather),))


def claude(server: Messages) -> ModelConfig:
    return ModelConfig(server.url, "claude-sonnet-4-6", SecretStr("sk-ant-test"), provider="anthropic")


async def test_a_turn_with_a_tool_and_what_it_cost() -> None:
    async with Messages(LOOK, SAID).serve() as server:
        runner = connect(claude(server))
        result = await runner.run_turn(TURN)
        await runner.aclose()
    assert (result.text, result.model) == ("It rains.", "claude-sonnet-4-6")
    assert [call.data for call in result.tool_results] == ["rain in Oslo"]
    assert server.keys == ["Bearer sk-ant-test"] * 2
    # 3 and 15 dollars per million, by genai-prices.
    assert result.usage.cost_usd == pytest.approx(2 * (1000 * 3 + 100 * 15) / 1_000_000)


async def test_the_usual_key_does_not_go_to_an_address_of_the_operators(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-mine")
    async with Messages(SAID).serve() as server:
        (config,) = read_models([f"anthropic:claude-sonnet-4-6@{server.url}"], "", dict(os.environ))
        runner = connect(config)
        await runner.run_turn(TURN)
        await runner.aclose()
    assert server.keys == ["Bearer none"]


async def test_its_client_does_not_retry_by_itself() -> None:
    async with Messages(529, SAID).serve() as server:
        runner = connect(claude(server))
        with pytest.raises(Transient):
            await runner.run_turn(TURN)
        await runner.aclose()
    assert len(server.requests) == 1


async def test_from_one_provider_to_another_in_the_middle_of_a_turn() -> None:
    async with Messages(LOOK, 500).serve() as server, ModelServer([Say("Rain, they said.")]).serve() as other:
        runner = connect([claude(server), ModelConfig(other.url, "local")])
        result = await runner.run_turn(TURN)
        await runner.aclose()
    assert (result.text, result.model) == ("Rain, they said.", "local")
    assert "rain in Oslo" in other.requests[0].text


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        (ModelConfig("", "llama", SecretStr("k"), provider="groq"), "pip install 'pydantic-ai-slim[groq]'"),
        (ModelConfig("", "x", SecretStr("k"), provider="nobody"), "Unknown provider"),
        (ModelConfig("", "claude", provider="anthropic"), "ANTHROPIC_API_KEY"),
        (ModelConfig("http://here", "x", SecretStr("k"), provider="openrouter"), "cannot be used with"),
    ],
)
def test_what_cannot_be_opened_stops_the_start_with_the_remedy(
    config: ModelConfig, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(Misconfigured) as caught:
        connect([config, config])
    assert str(caught.value).count(remedy) == 2
    assert f"{config.provider}:{config.model}" in str(caught.value)

"""What works with a model, tried against the scripted server."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ratchet.llm.check import CODE, Check, ModelReport, check_model, check_tools
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import check_at_start, connect
from ratchet.llm.fallback import open_models
from ratchet.llm.prices import Price
from ratchet.llm.testing import (
    Answer,
    CallTools,
    ChatRequest,
    HttpError,
    ModelServer,
    Say,
    Script,
    Silence,
    ToolCall,
)
from ratchet.llm.testing.demo import demo
from ratchet.llm.testing.ollama import OllamaServer
from ratchet.llm.turn import Tool, Turn

NO_TOOLS = HttpError(400, message="this model does not support tools")


def able(request: ChatRequest) -> Answer:
    if request.schema is not None:
        return Say({"region": "Oslo", "count": 3})
    if request.texts("tool"):
        return Say(f"It is {CODE}.")
    return CallTools(ToolCall("team_code", {"name": "ratchet"})) if request.tools else Say("ready")


def without_tools(request: ChatRequest) -> Answer:
    return NO_TOOLS if request.tools else able(request)


def deaf(request: ChatRequest) -> Answer:
    """Takes tools, and never calls one."""
    return Say("The code is 42.") if request.tools else able(request)


def talks(request: ChatRequest) -> Answer:
    """Has no JSON in it."""
    return Say("There are three servers.") if request.schema is not None else able(request)


async def report(script: Script, **changes: Any) -> tuple[dict[str, Check], ModelReport]:
    async with ModelServer(script).serve() as server:
        config = replace(ModelConfig(server.url, "scripted", embedding_model="words"), **changes)
        models = open_models([config])
        found = await check_model(models.candidates[0])
        await models.aclose()
    return {check.what: check for check in found.checks}, found


async def test_a_model_that_can_do_everything() -> None:
    checks, found = await report(able)
    assert found.ok
    assert list(checks) == ["reachable", "chat", "tools", "json", "embeddings"]
    assert {check.ok for check in checks.values()} == {True}
    assert all(check.seconds is not None for check in checks.values())
    assert checks["embeddings"].detail == "words, 64 dimensions"
    assert found.price is None


async def test_the_demo_script_chats_and_calls_tools() -> None:
    checks, _ = await report(demo)
    assert (checks["chat"].ok, checks["tools"].ok) == (True, True)


@pytest.mark.parametrize("script", [without_tools, deaf])
async def test_a_model_without_tools_is_told_from_one_that_is_down(script: Script) -> None:
    checks, found = await report(script)
    assert not found.ok
    assert (checks["chat"].ok, checks["tools"].ok, checks["json"].ok) == (True, False, True)
    assert "search results in its prompt" in checks["tools"].remedy


async def test_a_model_without_json() -> None:
    checks, found = await report(talks)
    assert (checks["chat"].ok, checks["tools"].ok, checks["json"].ok) == (True, True, False)
    assert checks["json"].remedy
    assert not found.ok


@pytest.mark.parametrize(
    ("answer", "word"),
    [(HttpError(401), "refused the key"), (HttpError(404), "does not exist"), (HttpError(500), "failed")],
)
async def test_when_chat_fails_the_rest_is_not_tried(answer: Answer, word: str) -> None:
    checks, _ = await report(lambda _: answer)
    assert (checks["reachable"].ok, checks["chat"].ok) == (True, False)
    assert word in checks["chat"].detail
    assert checks["chat"].remedy
    assert {checks[what].ok for what in ("tools", "json", "embeddings")} == {None}


async def test_a_missing_model_of_ollama_is_to_be_pulled() -> None:
    checks, _ = await report(lambda _: HttpError(404), provider="ollama")
    assert checks["chat"].remedy == "Fetch it: ratchet model pull scripted"


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    models = open_models([ModelConfig(url, "gone")])
    found = await check_model(models.candidates[0])
    await models.aclose()
    assert [check.ok for check in found.checks] == [False, None, None, None, None]
    assert found.checks[0].remedy


async def test_without_an_embedding_model_the_bundled_one_does() -> None:
    checks, found = await report(able, embedding_model=None)
    assert (checks["embeddings"].ok, found.ok) == (None, True)


async def test_ollama_says_its_context_window_and_the_operator_the_price() -> None:
    mine = Price(Decimal(0), Decimal(0))
    async with OllamaServer(context_length=32_768).serve() as ollama:
        models = open_models([ModelConfig(f"{ollama.root}/v1", "qwen2.5:7b", provider="ollama", price=mine)])
        found = await check_model(models.candidates[0])
        await models.aclose()
    assert (found.context_window, found.price) == (32_768, mine)


async def test_a_model_that_failed_the_round_trip_is_not_offered_tools_any_more() -> None:
    async with ModelServer(deaf).serve() as server:
        runner = connect(ModelConfig(server.url, "deaf"))
        check = await check_tools(runner.models.candidates[0])

        async def search() -> str:
            """What was found."""
            return "logrotate"

        tool = Tool(search)
        result = await runner.run_turn(Turn("Answer.", "Why?", (tool,), opening=(tool,)))
        await runner.aclose()
    assert check.ok is False
    assert [bool(request.tools) for request in server.requests] == [True, True, False]
    assert "logrotate" in server.requests[-1].text
    assert [call.tool for call in result.tool_results] == ["search"]


def works(model: str) -> tuple[float | None, float | None]:
    answers, tools = (
        REGISTRY.get_sample_value("ratchet_model_works", {"model": model, "what": what})
        for what in ("answers", "tools")
    )
    return answers, tools


async def test_at_start_each_model_of_the_list_is_tried_and_counted() -> None:
    scripts = {"m-able": able, "m-bare": without_tools, "m-down": lambda _: HttpError(500)}
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(ModelServer(script).serve()) for script in scripts.values()
        ]
        configs = [ModelConfig(server.url, name) for name, server in zip(scripts, servers, strict=True)]
        runner = connect(configs)
        await check_at_start(runner)
        await runner.aclose()
    assert [works(name) for name in scripts] == [(1, 1), (1, 0), (0, 0)]
    # A failure is no lack of tools.
    assert [one.health.tools for one in runner.models.candidates] == [True, False, True]


async def test_a_model_that_does_not_answer_ends_the_check_within_its_time() -> None:
    async with ModelServer(lambda _: Silence()).serve() as server:
        models = open_models([ModelConfig(server.url, "mute", request_timeout_s=0.3)])
        check = await check_tools(models.candidates[0])
        await models.aclose()
    assert check.ok is False
    assert "did not answer in time" in check.detail

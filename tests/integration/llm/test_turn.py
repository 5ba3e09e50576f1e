"""One turn of pydantic-ai against the scripted server, over real HTTP on 127.0.0.1."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.llm.agent import ANSWER_NOW, AgentRunner
from ratchet.llm.budget import Budget
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect
from ratchet.llm.data import unwrap
from ratchet.llm.redact import RedactionFailed, Redactor, redact
from ratchet.llm.testing import (
    CallTools,
    ChatRequest,
    Cut,
    HttpError,
    ModelServer,
    NotJson,
    Say,
    Script,
    Silence,
    ToolCall,
)
from ratchet.llm.turn import Tool, Turn, TurnResult


@dataclass(frozen=True)
class Weather:
    city: str
    text: str


async def weather(city: str, days: int = 1) -> Weather:
    """The weather.

    Args:
        city: Where.
        days: How many days ahead.
    """
    return Weather(city, f"rain for {days} days")


async def broken() -> str:
    """Fails as only a bug fails."""
    return str(1 // 0)


async def refusing(name: str) -> str:
    """Says no."""
    raise Refused(f"No channel is called {name}; the token is xoxb-1234567890-abcdef.")


async def stuck() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return ""


TOOLS = tuple(Tool(run) for run in (weather, broken, refusing, stuck))
ASK_WEATHER = CallTools(ToolCall("weather", {"city": "Oslo"}))


@asynccontextmanager
async def served(
    script: Script, timeout_s: float = 5.0, redactor: Redactor = redact
) -> AsyncIterator[tuple[ModelServer, AgentRunner]]:
    async with ModelServer(script).serve() as server:
        config = ModelConfig(server.url, "scripted", SecretStr("sk-test"), request_timeout_s=timeout_s)
        runner = connect(config, redactor)
        try:
            yield server, runner
        finally:
            await runner.aclose()


def turn(prompt: str = "Will it rain?", budget: Budget | None = None) -> Turn:
    return Turn("Answer the question.", prompt, TOOLS, budget or Budget())


async def played(script: Script, budget: Budget | None = None) -> tuple[ModelServer, TurnResult]:
    async with served(script) as (server, runner):
        return server, await runner.run_turn(turn(budget=budget))


def forever(answer: CallTools) -> Callable[[ChatRequest], CallTools]:
    return lambda _: answer


async def test_a_tool_is_called_and_its_result_reaches_the_model_as_data() -> None:
    server, result = await played([ASK_WEATHER, Say("It rains.")])
    assert result.text == "It rains."
    assert result.model == "scripted"
    assert (result.usage.requests, result.usage.tool_calls) == (2, 1)
    assert result.usage.tokens > 0
    assert result.usage.cost_usd is None
    assert [call.data for call in result.tool_results] == [{"city": "Oslo", "text": "rain for 1 days"}]
    assert unwrap(server.requests[1].texts("tool")[0]) == ['{"city": "Oslo", "text": "rain for 1 days"}']


async def test_the_docstring_is_the_description() -> None:
    server, _ = await played([Say("Yes.")])
    offered = {tool["function"]["name"]: tool["function"] for tool in server.requests[0].body["tools"]}
    assert offered["weather"]["description"] == "The weather."
    assert offered["weather"]["parameters"]["properties"]["city"]["description"] == "Where."


async def test_parallel_calls_are_all_answered() -> None:
    both = CallTools(ToolCall("weather", {"city": "Oslo"}), ToolCall("weather", {"city": "Rome"}))
    server, result = await played([both, Say("Wet.")])
    assert [call.data["city"] for call in result.tool_results] == ["Oslo", "Rome"]
    assert len(server.requests[1].texts("tool")) == 2


async def test_an_identical_call_is_refused_with_a_hint() -> None:
    server, result = await played([ASK_WEATHER, ASK_WEATHER, Say("Wet.")])
    assert "already called weather" in server.requests[2].texts("tool")[1]
    assert len(result.tool_results) == 1


async def test_a_failing_tool_tells_the_model_why_and_the_turn_goes_on() -> None:
    server, result = await played([CallTools(ToolCall("refusing", {"name": "ops"})), Say("No such channel.")])
    told = server.requests[1].texts("tool")[0]
    assert "refusing failed: No channel is called ops" in told
    assert "xoxb-" not in told
    assert result.text == "No such channel."


async def test_a_bug_in_a_tool_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    server, result = await played([CallTools(ToolCall("broken", {})), Say("Sorry.")])
    assert "division" not in server.requests[1].texts("tool")[0]
    assert result.text == "Sorry."
    assert "ZeroDivisionError" in caplog.text


async def test_a_tool_that_hangs_is_given_up() -> None:
    server, result = await played([CallTools(ToolCall("stuck", {})), Say("Ok.")], Budget(tool_seconds=0.05))
    assert "no answer within 0.05 s" in server.requests[1].texts("tool")[0]
    assert result.text == "Ok."


@pytest.mark.parametrize("arguments", ["{not json", "[]", '{"town": "Oslo"}', '{"city": {"a": 1}}', ""])
async def test_malformed_arguments_are_answered_and_the_tool_does_not_run(arguments: str) -> None:
    server, result = await played([CallTools(ToolCall("weather", arguments)), Say("I could not look.")])
    assert result.tool_results == ()
    assert result.text == "I could not look."
    assert len(server.requests[1].texts("tool")) == 1


async def test_an_unknown_tool_is_answered() -> None:
    server, result = await played([CallTools(ToolCall("delete_channel", {"name": "ops"})), Say("I cannot.")])
    assert "delete_channel" in server.requests[1].texts("tool")[0]
    assert result.text == "I cannot."


async def test_on_the_last_request_the_tools_are_withheld_so_that_an_answer_comes() -> None:
    def script(request: ChatRequest) -> CallTools | Say:
        number = len(request.texts("tool"))
        return CallTools(ToolCall("weather", {"city": f"c{number}"})) if request.tools else Say("Enough.")

    server, result = await played(script, Budget(requests=4))
    assert result.text == "Enough."
    assert [bool(request.tools) for request in server.requests] == [True, True, True, False]
    assert ANSWER_NOW in server.requests[3].text
    assert ANSWER_NOW not in server.requests[2].text


async def test_used_up_tool_calls_end_in_an_answer() -> None:
    calls = CallTools(*(ToolCall("weather", {"city": f"c{i}"}) for i in range(9)))
    server, result = await played([calls, Say("Enough.")], Budget(tool_calls=3))
    assert len(result.tool_results) == 3
    assert "used up" in server.requests[1].texts("tool")[8]
    assert server.requests[1].tools == []


async def test_a_model_that_only_calls_tools_is_stopped() -> None:
    async with served(forever(ASK_WEATHER)) as (server, runner):
        with pytest.raises(Refused, match="no answer within the budget"):
            await runner.run_turn(turn(budget=Budget(requests=4)))
    assert len(server.requests) == 4


async def test_a_model_that_repeats_malformed_arguments_is_stopped() -> None:
    async with served(forever(CallTools(ToolCall("weather", "{")))) as (server, runner):
        with pytest.raises(Refused):
            await runner.run_turn(turn(budget=Budget(requests=4)))
    assert len(server.requests) <= 4


async def test_an_empty_answer_is_no_answer() -> None:
    async with served(lambda _: Say("")) as (server, runner):
        with pytest.raises(Refused):
            await runner.run_turn(turn())
    assert len(server.requests) <= Budget().requests


async def test_429_names_the_time_to_wait_and_is_not_retried_here() -> None:
    async with served([HttpError(429, retry_after=7)]) as (server, runner):
        with pytest.raises(Transient) as caught:
            await runner.run_turn(turn())
    assert caught.value.retry_after == 7
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpError(500), Transient),
        (HttpError(503), Transient),
        (HttpError(400), Refused),
        (HttpError(401), Misconfigured),
        (HttpError(404), Misconfigured),
        (HttpError(429, code="insufficient_quota"), Refused),
        (Cut(Say("It will rain for a long time.")), Transient),
        (NotJson(), (Refused, Transient)),
        (NotJson("{}"), (Refused, Transient)),
        (NotJson('{"choices": [], "id": "x", "object": "chat.completion"}'), (Refused, Transient)),
        (NotJson("null"), (Refused, Transient)),
        (Silence(), Transient),
    ],
    ids=str,
)
async def test_a_failing_model_is_one_error_of_ours(
    answer: HttpError | Cut | NotJson | Silence,
    error: type[Exception] | tuple[type[Exception], ...],
) -> None:
    async with served([answer], timeout_s=0.3) as (server, runner):
        with pytest.raises(error) as caught:
            await runner.run_turn(turn())
    assert len(server.requests) == 1
    shown = "".join(traceback.format_exception(caught.value))
    assert "scripted error" not in shown
    assert "Bad Gateway" not in shown


async def test_nobody_listening_is_transient() -> None:
    async with ModelServer([]).serve() as server:
        config = ModelConfig(server.url, "scripted")
    runner = connect(config)
    with pytest.raises(Transient, match="cannot be reached"):
        await runner.run_turn(turn())
    await runner.aclose()


async def test_a_turn_ends_with_its_time() -> None:
    async with served([ASK_WEATHER, Silence()]) as (_, runner):
        with pytest.raises(Transient, match="within"):
            await runner.run_turn(turn(budget=Budget(seconds=0.5)))


async def test_when_most_of_the_time_is_over_the_tools_are_withheld_so_that_an_answer_comes() -> None:
    async with served([ASK_WEATHER, Say("It rains; I could not check tomorrow.")]) as (server, runner):
        # The first request takes 50 of the 60 seconds.
        late = AgentRunner(runner.models, redact, clock=lambda: 50.0 if server.requests else 0.0)
        result = await late.run_turn(turn(budget=Budget(seconds=60.0)))
    assert result.text == "It rains; I could not check tomorrow."
    assert [bool(request.tools) for request in server.requests] == [True, False]
    assert ANSWER_NOW in server.requests[1].text


async def test_a_long_answer_and_a_long_result_are_bounded() -> None:
    async def report() -> str:
        """A long one."""
        return "x" * 500_000

    async with served([CallTools(ToolCall("report", {})), Say("y" * 200_000)]) as (server, runner):
        result = await runner.run_turn(
            Turn("Answer.", "Report?", (Tool(report),), Budget(result_chars=2_000))
        )
    assert len(server.requests[1].texts("tool")[0]) < 2_200
    assert "characters left out" in server.requests[1].texts("tool")[0]
    assert len(result.text) == 200_000


async def test_secrets_do_not_reach_the_model() -> None:
    async def notes() -> list[str]:
        """Notes."""
        return [
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "AKIAIOSFODNN7EXAMPLE",
        ]

    async with served([CallTools(ToolCall("notes", {})), Say("Done.")]) as (server, runner):
        await runner.run_turn(Turn("Answer.", "the token xoxb-1234567890-abc", (Tool(notes),)))
    sent = "\n".join(request.text for request in server.requests)
    assert not any(secret in sent for secret in ("xoxb-", "MIIE", "AKIAIOSFODNN7EXAMPLE"))
    assert "[redacted: slack token]" in sent


async def test_when_the_redactor_fails_nothing_leaves() -> None:
    def failing(text: str) -> str:
        raise RedactionFailed

    async with served([Say("Hello.")], redactor=failing) as (server, runner):
        with pytest.raises(RedactionFailed):
            await runner.run_turn(turn())
    assert server.requests == []


async def test_the_server_streams_and_embeds_as_the_protocol_says() -> None:
    async with (
        ModelServer([Say("It rains today."), ASK_WEATHER]).serve() as server,
        httpx.AsyncClient() as http,
    ):
        ask = {"model": "scripted", "messages": [{"role": "user", "content": "?"}], "stream": True}
        said = (await http.post(f"{server.url}/chat/completions", json=ask)).text
        called = (await http.post(f"{server.url}/chat/completions", json=ask)).text
        texts = {"model": "e", "input": ["disk full", "disk full", "cat"]}
        vectors = (await http.post(f"{server.url}/embeddings", json=texts)).json()["data"]
    assert said.endswith("data: [DONE]\n\n")
    assert "rains" in said
    assert '"weather"' in called
    assert vectors[0]["embedding"] == vectors[1]["embedding"] != vectors[2]["embedding"]


async def test_the_key_is_in_no_representation() -> None:
    async with served([HttpError(401)]) as (server, runner):
        with pytest.raises(Misconfigured) as caught:
            await runner.run_turn(turn())
        config = ModelConfig(server.url, "scripted", SecretStr("sk-test"))
    assert "sk-test" not in repr(config) + repr(caught.value) + repr(runner)

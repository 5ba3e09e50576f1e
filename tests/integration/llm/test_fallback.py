"""Several models in order of preference, each a scripted server on 127.0.0.1."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.llm.agent import AgentRunner
from ratchet.llm.budget import Budget
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect
from ratchet.llm.fallback import LONG_REST_S, REST_S, open_models
from ratchet.llm.prices import Price
from ratchet.llm.redact import redact
from ratchet.llm.testing import (
    Answer,
    CallTools,
    ChatRequest,
    HttpError,
    ModelServer,
    NotJson,
    Say,
    Script,
    Silence,
    ToolCall,
)
from ratchet.llm.turn import JsonTurn, Tool, Turn

SECRET = "xoxb-1234567890-abcdefghij"


@dataclass(frozen=True)
class Plan:
    """What to do."""

    step: str


async def sunny(city: str) -> str:
    """The weather in a city."""
    return f"sun in {city}"


@dataclass
class Team:
    """A runner on several servers, and the clock that its models rest by."""

    runner: AgentRunner
    servers: list[ModelServer]
    now: float = 0.0
    looked: list[str] = field(default_factory=list)

    def asked(self) -> list[int]:
        return [len(server.requests) for server in self.servers]

    async def weather(self, city: str) -> str:
        """The weather in a city."""
        self.looked.append(city)
        return "rain"

    def turn(self, budget: Budget | None = None, prompt: str = "Will it rain?") -> Turn:
        return Turn("Answer.", prompt, (Tool(self.weather),), budget or Budget())


@asynccontextmanager
async def team(*scripts: Script, timeout_s: float = 5.0) -> AsyncIterator[Team]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ModelServer(script).serve()) for script in scripts]
        configs = [
            ModelConfig(server.url, f"m{number}", request_timeout_s=timeout_s)
            for number, server in enumerate(servers, 1)
        ]
        models = open_models(configs, lambda: found.now)
        found = Team(AgentRunner(models, redact), servers)
        stack.push_async_callback(found.runner.aclose)
        yield found


def always(answer: Answer) -> Script:
    return lambda _: answer


LOOK = CallTools(ToolCall("weather", {"city": "Oslo"}))


def looks_first(request: ChatRequest) -> Answer:
    return Say("It rains.") if request.texts("tool") else LOOK


@pytest.mark.parametrize(
    "broken",
    [
        HttpError(500),
        HttpError(503),
        HttpError(429, retry_after=7),
        HttpError(429, code="insufficient_quota"),
        HttpError(401),
        HttpError(404),
        HttpError(400, message="max_tokens is too large"),
        NotJson(),
        Silence(),
    ],
    ids=str,
)
async def test_when_the_first_fails_the_second_answers_and_is_named(broken: Answer) -> None:
    async with team(always(broken), looks_first, timeout_s=0.6) as models:
        result = await models.runner.run_turn(models.turn())
    assert (result.text, result.model) == ("It rains.", "m2")
    assert result.usage.requests == 2
    assert models.looked == ["Oslo"]


async def test_with_nobody_listening_at_the_first_the_second_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with ModelServer([Say("Yes.")]).serve() as server:
        gone = ModelConfig(f"http://127.0.0.1:{port}/v1", "gone")
        runner = AgentRunner(open_models([gone, ModelConfig(server.url, "m2")]), redact)
        result = await runner.run_turn(Turn("Answer.", "Will it rain?"))
        await runner.aclose()
    assert (result.text, result.model) == ("Yes.", "m2")


async def test_the_first_that_works_is_the_only_one_asked() -> None:
    async with team(looks_first, always(Say("No."))) as models:
        result = await models.runner.run_turn(models.turn())
        assert models.asked() == [2, 0]
    assert (result.text, result.model) == ("It rains.", "m1")


async def test_in_the_middle_of_a_turn_the_second_goes_on_and_no_tool_runs_twice() -> None:
    async with team([LOOK, HttpError(500)], always(Say("It rains, they said."))) as models:
        result = await models.runner.run_turn(models.turn())
        assert models.servers[1].requests[0].texts("tool") != []
    assert (result.text, result.model) == ("It rains, they said.", "m2")
    assert models.looked == ["Oslo"]
    assert [call.tool for call in result.tool_results] == ["weather"]


async def test_json_falls_back_too() -> None:
    async with team(always(HttpError(500)), [Say({"step": "Restart"})]) as models:
        result = await models.runner.run_json(JsonTurn("Plan.", "It burns.", Plan))
    assert (result.value, result.model) == (Plan("Restart"), "m2")


async def test_a_model_that_failed_is_left_alone_for_a_while_and_then_asked_again() -> None:
    async with team([HttpError(500), Say("Back.")], always(Say("Here."))) as models:
        said = []
        for models.now in (0.0, 1.0, REST_S - 1, REST_S + 1):
            said.append((await models.runner.run_turn(Turn("Answer.", "Well?"))).text)
        assert said == ["Here.", "Here.", "Here.", "Back."]
        assert models.asked() == [2, 3]


async def test_a_wrong_key_rests_longer_and_a_named_time_is_kept() -> None:
    async with team(
        [HttpError(401), Say("m1.")], [HttpError(429, retry_after=120)], always(Say("m3."))
    ) as models:
        said = []
        for models.now in (0.0, 119.0, LONG_REST_S + 1):
            said.append((await models.runner.run_turn(Turn("Answer.", "Well?"))).text)
        assert said == ["m3.", "m3.", "m1."]
        assert models.asked() == [2, 1, 2]


async def test_when_all_rest_they_are_asked_all_the_same() -> None:
    async with team([HttpError(500), Say("Back.")], [HttpError(500), HttpError(500)]) as models:
        with pytest.raises(Transient):
            await models.runner.run_turn(Turn("Answer.", "Well?"))
        assert (await models.runner.run_turn(Turn("Answer.", "Well?"))).text == "Back."


async def test_when_none_answers_it_is_one_error_with_the_earliest_time_and_no_secret() -> None:
    echo = f"you said {SECRET}"
    async with team(
        always(HttpError(429, retry_after=30, message=echo)),
        always(HttpError(429, retry_after=4, message=echo)),
    ) as models:
        with pytest.raises(Transient) as caught:
            await models.runner.run_turn(models.turn(prompt=f"My token is {SECRET}"))
        told = "".join(request.text for server in models.servers for request in server.requests)
    assert caught.value.retry_after == 4
    assert "m1" in str(caught.value)
    assert "m2" in str(caught.value)
    assert "you said" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert SECRET not in told


async def test_when_every_key_is_wrong_the_operator_is_told() -> None:
    async with team(always(HttpError(401)), always(HttpError(401))) as models:
        with pytest.raises(Misconfigured, match="refused the key"):
            await models.runner.run_turn(models.turn())


@pytest.mark.parametrize(
    "refusal",
    [
        HttpError(400, code="content_filter", message="The prompt was filtered"),
        HttpError(400, message="This violates our content policy"),
    ],
    ids=str,
)
async def test_what_one_refuses_for_its_content_no_other_is_asked(refusal: Answer) -> None:
    async with team(always(refusal), always(Say("Sure!"))) as models:
        with pytest.raises(Refused):
            await models.runner.run_turn(models.turn())
        assert models.asked() == [1, 0]


async def test_a_slow_model_leaves_time_for_the_next() -> None:
    async with team(always(Silence()), always(Say("Here.")), timeout_s=1.5) as models:
        async with asyncio.timeout(2.9):
            result = await models.runner.run_turn(models.turn(Budget(seconds=3)))
    assert result.model == "m2"


async def test_one_budget_holds_for_all_models_together() -> None:
    calls = iter(range(100))

    def script(request: ChatRequest) -> Answer:
        if not request.tools:
            return Say("Enough.")
        return CallTools(ToolCall("weather", {"city": f"c{next(calls)}"}))

    async with team([HttpError(500)], script) as models:
        result = await models.runner.run_turn(models.turn(Budget(requests=4, tool_calls=50)))
        assert models.asked() == [1, 4]
    assert (result.text, result.usage.requests) == ("Enough.", 4)


async def test_a_turn_ends_with_what_it_has_when_its_money_is_nearly_used_up() -> None:
    cities = iter(range(100))

    def script(request: ChatRequest) -> Answer:
        if not request.tools:
            return Say("Enough.")
        return CallTools(ToolCall("weather", {"city": f"c{next(cities)}"}))

    price = Price(Decimal(1), Decimal(1))
    async with ModelServer(script).serve() as server:
        runner = connect(ModelConfig(server.url, "priced", price=price))
        # About 150 tokens a request, at a dollar per million.
        budget = Budget(requests=50, tool_calls=50, cost_usd=0.001)
        result = await runner.run_turn(Turn("Answer.", "Rain?", (Tool(sunny),), budget))
        await runner.aclose()
    assert result.text == "Enough."
    assert result.usage.cost_usd == pytest.approx(result.usage.tokens / 1_000_000)
    assert 0.0006 <= (result.usage.cost_usd or 0) < 0.0015
    assert 2 < result.usage.requests < 10


async def test_the_price_is_that_of_the_model_that_answered() -> None:
    dear, cheap = Price(Decimal(1000), Decimal(1000)), Price(Decimal(1), Decimal(1))
    async with ModelServer([HttpError(500)]).serve() as left, ModelServer([Say("Yes.")]).serve() as right:
        runner = connect(
            [ModelConfig(left.url, "dear", price=dear), ModelConfig(right.url, "cheap", price=cheap)]
        )
        result = await runner.run_turn(Turn("Answer.", "Rain?"))
        await runner.aclose()
    assert result.usage.cost_usd == pytest.approx(result.usage.tokens / 1_000_000)


async def test_turns_beside_each_other_do_not_disturb_each_other() -> None:
    async with team(always(HttpError(500)), always(Say("Here."))) as models, asyncio.TaskGroup() as group:
        turns = [group.create_task(models.runner.run_turn(models.turn())) for _ in range(20)]
    assert {turn.result().model for turn in turns} == {"m2"}

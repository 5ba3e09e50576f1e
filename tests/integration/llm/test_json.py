"""One JSON answer of pydantic-ai against the scripted server, over real HTTP on 127.0.0.1."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient
from ratchet.llm.budget import Budget
from ratchet.llm.testing import Answer, Cut, HttpError, NotJson, Say, Silence
from ratchet.llm.turn import JsonResult, JsonTurn
from tests.integration.llm.test_turn import served


@dataclass(frozen=True)
class Step:
    """One thing to do."""

    text: str
    cites: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What to do."""

    steps: list[Step]
    cause: str | None = None


TURN = JsonTurn("Make a plan.", "It burns. token xoxb-1234567890-abcdefghij", Plan, Budget(seconds=2))
GOOD = {"steps": [{"text": "Run.", "cites": [1]}]}


async def asked(answer: Answer) -> tuple[JsonResult[Plan], int]:
    async with served([answer]) as (server, runner):
        return await runner.run_json(TURN), len(server.requests)


async def test_an_answer_that_fits_becomes_the_dataclass_in_one_request() -> None:
    result, requests = await asked(Say(GOOD))
    assert (result.value, result.model, requests) == (Plan([Step("Run.", [1])]), "scripted", 1)
    assert result.usage.requests == 1
    assert result.usage.tokens > 0


async def test_json_in_a_code_block_is_read() -> None:
    result, _ = await asked(Say(f"```json\n{json.dumps(GOOD)}\n```"))
    assert result.value.steps[0].text == "Run."


async def test_the_model_is_told_the_schema_and_no_secret() -> None:
    async with served([Say(GOOD)]) as (server, runner):
        await runner.run_json(TURN)
    assert server.requests[0].schema == {}
    assert '"cites"' in server.requests[0].text
    assert "One thing to do." in server.requests[0].text
    assert "xoxb-1234567890" not in server.requests[0].text


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Say("Run away!"), Refused),
        (Say('{"steps": [{"text": "Ru'), Refused),
        (Say({"steps": "run"}), Refused),
        (Say("x" * 100_000), Refused),
        (Say(""), Refused),
        (NotJson(), Refused),
        (Cut(Say(GOOD)), Transient),
        (HttpError(500), Transient),
        (HttpError(429, retry_after=7), Transient),
        (HttpError(401), Misconfigured),
        (Silence(), Transient),
    ],
)
async def test_what_does_not_fit_is_refused_after_one_request(
    answer: Answer, error: type[RatchetError]
) -> None:
    async with served([answer, Say(GOOD)]) as (server, runner):
        with pytest.raises(error) as caught:
            await runner.run_json(TURN)
    assert len(server.requests) == 1
    assert "xxxx" not in str(caught.value)

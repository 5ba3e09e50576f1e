"""The running process with several language models, with one that has no tools, and with its money used up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localslack import LocalSlack
from ratchet.llm.testing import Answer, ChatRequest, HttpError, ModelServer
from ratchet.llm.testing.demo import demo
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running
from tests.acceptance.test_assistant import asked, said, thread


def toolless(request: ChatRequest) -> Answer:
    return HttpError(400, message="tiny does not support tools") if request.tools else demo(request)


async def test_a_model_that_is_down_is_found_at_start_and_the_next_one_answers(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        settings = environment(
            slack,
            DATABASE_URL=conninfo,
            OPENAI_MODEL="gone",
            MODELS=f"openai:spare@{model.url}",
            MODEL_CHECK="true",
        )
        async with running(RatchetProcess(settings, tmp_path / "log")) as process:

            async def checked() -> bool:
                return "model_works" in process.text()

            await eventually(checked, what="the models are tried")
            metrics = (await process.get("/metrics")).text
            [reply] = await thread(slack, *await asked(slack, conninfo))
            calls = await rows(conninfo, "select model, error from llm_calls")
    assert 'ratchet_model_works{model="gone",what="answers"} 0.0' in metrics
    assert 'ratchet_model_works{model="spare",what="tools"} 1.0' in metrics
    assert "bucketctl prune" in said(reply)
    assert "[module:assistant] · spare · " in said(reply)
    assert calls == [("spare", None)]


async def test_a_model_without_tools_answers_from_search_results(conninfo: str, tmp_path: Path) -> None:
    async with LocalSlack.serve() as slack, ModelServer(toolless).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="tiny")
        async with running(RatchetProcess(settings, tmp_path / "log")):
            [reply] = await thread(slack, *await asked(slack, conninfo))
    assert "tiny · 1 call" in said(reply)
    assert "bucketctl prune --older 30d" in model.requests[-1].text


async def test_with_the_channels_money_used_up_the_answer_is_quotes_and_says_so(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        settings = environment(
            slack,
            DATABASE_URL=conninfo,
            OPENAI_URL=model.url,
            OPENAI_MODEL="dear",
            MODEL_PRICES="dear=1000/1000",
            CHANNEL_COST_USD_PER_DAY="0.01",
        )
        async with running(RatchetProcess(settings, tmp_path / "log")):
            channel, first = await asked(slack, conninfo)
            [reply] = await thread(slack, channel, first)
            assert "$" in said(reply)
            requests = len(model.requests)
            bot = slack.workspace.bot.id
            second = await slack.control.post(channel, "ana", f"<@{bot}> why does the upload fail?")
            [again] = await thread(slack, channel, second)
            found: list[Any] = await rows(conninfo, "select cost_usd > 0.01 from llm_calls")
    assert "has used up what it may spend on the language model" in said(again)
    assert "bucketctl prune" in said(again)
    assert len(model.requests) == requests
    assert found == [(True,)]

"""A mention in Slack, answered by the running process: with a model, and when the model is down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.llm.testing import Answer, ChatRequest, ModelServer, Say, Silence
from ratchet.llm.testing.demo import demo
from tests.acceptance.harness import RatchetProcess, environment, eventually, free_port, rows, running

FIX = "The upload fails when the bucket is full: run `bucketctl prune --older 30d`"


async def thread(slack: LocalSlack, channel: str, ts: str) -> list[dict[str, Any]]:
    """Ratchet's replies under a message, once there is one."""

    async def replies() -> list[dict[str, Any]]:
        return (await slack.control.messages(channel, ts))[1:]

    found: list[dict[str, Any]] = await eventually(replies, what="a reply in the thread")
    return found


def said(message: dict[str, Any]) -> str:
    return str(message["blocks"])


async def asked(slack: LocalSlack, conninfo: str) -> tuple[str, str]:
    """A channel with an answer in its history, and a question about it."""
    person = await slack.control.add_user("ana", real_name="Ana")
    channel = await slack.control.add_channel("help", members=[person])
    await slack.control.post(channel, person, FIX)

    async def recorded() -> bool:
        return bool(await rows(conninfo, "select ts from messages"))

    await eventually(recorded, what="the history is recorded")
    bot = slack.workspace.bot.id
    return channel, await slack.control.post(channel, person, f"<@{bot}> why does the upload fail?")


async def test_a_model_answers_with_tools_and_the_footer_says_what_it_cost(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        async with running(RatchetProcess(settings, tmp_path / "log")):
            [reply] = await thread(slack, *await asked(slack, conninfo))
    assert "bucketctl prune" in said(reply)
    assert "/archives/" in said(reply)
    assert "[module:assistant] · scripted · 3 calls" in said(reply)


async def test_with_the_model_down_the_answer_is_quotes_and_says_so(conninfo: str, tmp_path: Path) -> None:
    async with LocalSlack.serve() as slack:
        # Port 9 discards: nobody answers there.
        process = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        async with running(process):
            [reply] = await thread(slack, *await asked(slack, conninfo))
    assert "bucketctl prune" in said(reply)
    assert "The language model did not answer" in said(reply)
    assert "Traceback" not in process.text()


async def test_a_model_that_goes_down_is_said_to_and_one_that_comes_back_answers_again(
    conninfo: str, tmp_path: Path
) -> None:
    port = free_port()
    async with LocalSlack.serve() as slack:
        url = f"http://127.0.0.1:{port}/v1"
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=url, OPENAI_MODEL="scripted")

        async def again(channel: str) -> str:
            bot = slack.workspace.bot.id
            ts = await slack.control.post(channel, "ana", f"<@{bot}> why does the upload fail?")
            [reply] = await thread(slack, channel, ts)
            return said(reply)

        async with running(RatchetProcess(settings, tmp_path / "log")) as process:
            async with ModelServer(demo).serve(port):
                channel, ts = await asked(slack, conninfo)
                [reply] = await thread(slack, channel, ts)
                assert "scripted" in said(reply)
            down = await again(channel)
            assert "bucketctl prune" in down
            assert "The language model did not answer" in down
            assert "scripted" not in down
            async with ModelServer(demo).serve(port):
                back = await again(channel)
            assert "scripted" in back
            assert "did not answer" not in back
    assert "Traceback" not in process.text()


async def test_a_click_on_the_feedback_button_is_a_vote(conninfo: str, tmp_path: Path) -> None:
    async def votes() -> list[Any]:
        return await rows(conninfo, "select key, value from votes")

    async with LocalSlack.serve() as slack:
        process = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        async with running(process):
            channel, ts = await asked(slack, conninfo)
            [reply] = await thread(slack, channel, ts)
            key = f"assistant:{channel}:{ts}:0"
            await slack.control.click(channel, reply["ts"], "ana", "feedback", f"down:{key}")
            assert await eventually(votes, what="a vote") == [(key, -1)]


@pytest.mark.parametrize("way", ["words", "button"])
async def test_stop_ends_a_turn_that_runs(conninfo: str, tmp_path: Path, way: str) -> None:
    def slow(request: ChatRequest) -> Answer:
        return Silence()

    async with LocalSlack.serve() as slack, ModelServer(slow).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        async with running(RatchetProcess(settings, tmp_path / "log")):
            channel, ts = await asked(slack, conninfo)

            async def thinking() -> bool:
                return bool(model.requests)

            async def stoppable() -> bool:
                return slack.workspace.sessions.get((channel, ts)) == "processing"

            await eventually(thinking, what="the model is asked")
            if way == "button":
                await eventually(stoppable, what="the stop button is shown")
                await slack.control.stop_session(channel, "ana", ts)
            else:
                bot = slack.workspace.bot.id
                await slack.control.post(channel, "ana", f"<@{bot}> stop", thread_ts=ts)

            async def stopped() -> bool:
                messages = await slack.control.messages(channel, ts)
                return any(
                    "Stopped, as you asked." in said(message) for message in messages if "blocks" in message
                )

            # Well before the turn's own time is over.
            await eventually(stopped, within=40, what="the turn is stopped")
            assert len(model.requests) == 1
            assert slack.workspace.sessions[channel, ts] == "active"


async def test_a_stop_from_before_the_question_stops_nothing(conninfo: str, tmp_path: Path) -> None:
    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        async with running(RatchetProcess(settings, tmp_path / "log")):
            channel, ts = await asked(slack, conninfo)
            await thread(slack, channel, ts)
            slack.workspace.sessions[channel, ts] = "processing"
            await slack.control.stop_session(channel, "ana", ts)

            async def recorded() -> bool:
                return bool(await rows(conninfo, "select user_id from stops"))

            await eventually(recorded, what="the stop is recorded")
            bot = slack.workspace.bot.id
            again = f"<@{bot}> why does the upload fail every night?"
            await slack.control.post(channel, "ana", again, thread_ts=ts)

            async def answered() -> bool:
                found = await slack.control.messages(channel, ts)
                return sum("[module:assistant]" in said(m) for m in found if "blocks" in m) == 2

            await eventually(answered, what="the second answer")


async def test_a_question_that_is_deleted_while_it_is_answered_gets_no_answer(
    conninfo: str, tmp_path: Path
) -> None:
    def slow(request: ChatRequest) -> Answer:
        return Silence(2.0, Say("The answer, too late."))

    async with LocalSlack.serve() as slack, ModelServer(slow).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):
            channel, ts = await asked(slack, conninfo)

            async def thinking() -> bool:
                return bool(model.requests)

            await eventually(thinking, what="the model is asked")
            await slack.control.delete(channel, ts)

            async def over() -> bool:
                waiting = await rows(conninfo, "select 1 from jobs where status <> 'failed'")
                gone = await rows(conninfo, "select 1 from tombstones where ts = %s", ts)
                return bool(gone) and not waiting

            await eventually(over, what="every job is done")
            said_there = [m for m in await slack.control.messages(channel) if m.get("ts") != ts]
            assert not any("too late" in str(m) for m in said_there)
            assert await rows(conninfo, "select 1 from outbox where state in ('pending', 'sending')") == []
            assert "Traceback" not in process.text()


async def test_a_question_at_the_end_of_a_thread_of_900_messages_is_answered_with_a_bounded_prompt(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        ana = await slack.control.add_user("ana", real_name="Ana")
        channel = await slack.control.add_channel("help", members=[ana])
        root = await slack.control.post(channel, ana, FIX)
        for number in range(899):
            await slack.control.post(
                channel, ana, f"note {number} on the upload " + "word " * 30, thread_ts=root
            )
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        async with running(RatchetProcess(settings, tmp_path / "log")):

            async def read() -> bool:
                return await rows(conninfo, "select count(*) from messages") == [(900,)]

            await eventually(read, what="the thread is read", within=120)
            bot = slack.workspace.bot.id
            await slack.control.post(channel, ana, f"<@{bot}> why does the upload fail?", thread_ts=root)

            async def answered() -> bool:
                found = await slack.control.messages(channel, root)
                return any("[module:assistant]" in said(m) for m in found if "blocks" in m)

            await eventually(answered, what="the answer", within=120)
    prompts = [sum(len(text) for text in request.texts("user")) for request in model.requests]
    assert 1_000 < max(prompts) < 60_000

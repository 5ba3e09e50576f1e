"""Models that cannot call tools: they get in their prompt what a search found."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from ratchet.domain.effects import Reply
from ratchet.domain.errors import Refused, Transient
from ratchet.domain.messages import Channel, Message, Sender, posted_at
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.llm.bare import NO_TOOLS
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect
from ratchet.llm.data import unwrap
from ratchet.llm.testing import Answer, CallTools, ChatRequest, HttpError, ModelServer, Say, Script, ToolCall
from ratchet.llm.turn import Tool, Turn, TurnResult
from ratchet.tools.base import WorkspaceLinks
from ratchet.tools.testing import MemoryRecord

ME = "U0RATCHET"
OPS = Channel("C0OPS", "ops")
SECRET = Channel("G0SEC", "security", kind="private")
REFUSES = HttpError(400, message="registry.ollama.ai/library/gemma:2b does not support tools")


def toolless(request: ChatRequest) -> Answer:
    return REFUSES if request.tools else Say("Run `logrotate -f`.")


def message(ts: str, text: str, name: str, parent: str | None = None, channel: str = "C0OPS") -> Message:
    sender = Sender("person", f"U0{name.upper()}", name)
    return Message(channel, ts, sender, text, version=ts, parent_ts=parent)


ASKED = message("1700000010.000100", "What to do about DiskFull on checkout-api?", "Cy")
FIX = message("1700000060.000200", "Run `logrotate -f`, password=hunter2hunter2", "Bo", parent=ASKED.ts)
PRIVATE = message("1700000080.000400", "DiskFull on checkout-api: ask the board", "Di", channel="G0SEC")
QUESTION = message("1700009000.000500", f"<@{ME}> what fixed DiskFull on checkout-api?", "Ana")
ASKED_LINK = "https://team.slack.com/archives/C0OPS/p1700000010000100"
FIX_LINK = "https://team.slack.com/archives/C0OPS/p1700000060000200?thread_ts=1700000010.000100&cid=C0OPS"


async def asked(*scripts: Script, times: int = 1) -> tuple[list[Reply], list[ModelServer]]:
    record = MemoryRecord([OPS, SECRET], [ASKED, FIX, PRIVATE, QUESTION])
    replies = []
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ModelServer(script).serve()) for script in scripts]
        runner = connect([ModelConfig(server.url, f"m{n}") for n, server in enumerate(servers, 1)])
        stack.push_async_callback(runner.aclose)
        links = WorkspaceLinks("https://team.slack.com")
        assistant = Assistant(record, links, runner, clock=lambda: posted_at(QUESTION.ts))
        for _ in range(times):
            (effect,) = await assistant.handle(Trigger(QUESTION, OPS, ME))
            assert isinstance(effect, Reply)
            replies.append(effect)
    return replies, servers


async def test_the_prompt_holds_the_top_messages_and_what_people_answered_as_data() -> None:
    _, (server,) = await asked(toolless)
    told = server.requests[1]
    found = [part for part in unwrap(told.text) if "logrotate" in part]
    assert len(found) == 1
    assert ASKED.text in found[0]
    assert "hunter2hunter2" not in told.text
    assert "ask the board" not in told.text
    assert NO_TOOLS in "".join(told.texts("system"))
    assert told.tools == []


async def test_the_answer_may_link_what_was_found() -> None:
    def links(request: ChatRequest) -> Answer:
        return (
            REFUSES
            if request.tools
            else Say(f"`logrotate -f` ([Bo]({FIX_LINK})) or [x](https://evil.example)")
        )

    (reply,), _ = await asked(links)
    assert reply.markdown == f"`logrotate -f` ([Bo]({FIX_LINK})) or x"
    assert reply.footer is not None
    assert (reply.footer.model, reply.footer.model_calls) == ("m1", 1)


async def test_an_answer_without_links_gets_its_sources_and_an_invented_one_is_none() -> None:
    def says(text: str) -> Script:
        return lambda request: REFUSES if request.tools else Say(text)

    (backed,), _ = await asked(says("Run `logrotate -f`."))
    assert FIX_LINK in backed.markdown
    (invented,), _ = await asked(says("Run `rm -rf /var/lib/checkout`."))
    assert "rm -rf" not in invented.markdown


async def test_it_is_tried_with_tools_only_once() -> None:
    replies, (server,) = await asked(toolless, times=3)
    assert [bool(request.tools) for request in server.requests] == [True, False, False, False]
    assert len({reply.markdown for reply in replies}) == 1


async def test_a_model_with_tools_is_preferred_over_an_earlier_one_without() -> None:
    def able(request: ChatRequest) -> Answer:
        return (
            Say(f"[Cy]({ASKED_LINK}) asked.")
            if request.texts("tool")
            else CallTools(ToolCall("search_messages", {"query": "DiskFull"}))
        )

    (first, second), (left, right) = await asked(toolless, able, times=2)
    assert (first.markdown, second.markdown) == (f"[Cy]({ASKED_LINK}) asked.",) * 2
    assert (len(left.requests), len(right.requests)) == (1, 4)


async def test_with_the_able_one_down_the_other_answers_from_the_search() -> None:
    (reply,), (left, right) = await asked(lambda _: HttpError(500), toolless)
    assert "logrotate" in reply.markdown
    assert reply.footer is not None
    assert reply.footer.model == "m2"
    assert [bool(request.tools) for request in right.requests] == [True, False]
    assert len(left.requests) == 1


# Below the assistant: turns of any kind.


async def played(
    script: Script, turn: Turn, second: Script | None = None
) -> tuple[TurnResult, list[ModelServer]]:
    async with AsyncExitStack() as stack:
        scripts = [script, second] if second else [script]
        servers = [await stack.enter_async_context(ModelServer(one).serve()) for one in scripts]
        runner = connect([ModelConfig(server.url, f"m{n}") for n, server in enumerate(servers, 1)])
        stack.push_async_callback(runner.aclose)
        return await runner.run_turn(turn), servers


async def weather(city: str = "Oslo") -> str:
    """The weather."""
    return f"rain in {city}"


async def test_what_tools_said_before_the_able_model_died_is_not_lost() -> None:
    look = CallTools(ToolCall("weather", {"city": "Rome"}))
    turn = Turn("Answer.", "Will it rain?", (Tool(weather),), opening=(Tool(weather),))
    result, (_, right) = await played([look, HttpError(500)], turn, toolless)
    assert result.model == "m2"
    assert unwrap(right.requests[-1].text) == ['"rain in Rome"']
    assert [call.data for call in result.tool_results] == ["rain in Rome"]


async def test_an_opening_that_fails_or_hangs_costs_only_itself() -> None:
    async def refusing() -> str:
        raise Refused("No.")

    async def away() -> str:
        raise Transient("The database is away.")

    turn = Turn(
        "Answer.", "Will it rain?", (Tool(weather),), opening=tuple(map(Tool, (refusing, away, weather)))
    )
    result, (server,) = await played(toolless, turn)
    assert unwrap(server.requests[-1].text) == ['"rain in Oslo"']
    assert [call.tool for call in result.tool_results] == ["weather"]


@pytest.mark.parametrize("tools", [(), (Tool(weather),)])
async def test_a_refusal_for_another_reason_is_no_lack_of_tools(tools: tuple[Tool, ...]) -> None:
    with pytest.raises(Refused):
        await played(
            lambda _: HttpError(400, message="temperature is too high"), Turn("Answer.", "Rain?", tools)
        )

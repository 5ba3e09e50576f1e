"""A tool that changes something waits for a person: across a restart, once, and not at all after a no."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localslack import LocalSlack
from localslack.errors import SlackError
from ratchet.llm.testing import CallTools, ChatRequest, ModelServer, Say, ToolCall
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

SCRIPTED = Path(__file__).parents[1] / "integration/llm/mcp_scripted.py"


def wants_to_wipe(request: ChatRequest) -> CallTools | Say:
    answered = request.texts("tool")
    if not answered:
        return CallTools(ToolCall("shop__wipe", {"text": "the cache of checkout"}))
    return Say("It was rejected." if "rejected" in answered[-1] else "The cache is wiped.")


@dataclass
class Desk:
    slack: LocalSlack
    process: RatchetProcess
    channel: str
    person: str
    wiped: Path

    async def ask(self) -> str:
        async def connected() -> bool:
            servers = (await self.process.get("/api/mcp")).json()["servers"]
            return bool(servers[0]["state"] == "connected")

        await eventually(connected, what="the server is connected")
        bot = self.slack.workspace.bot.id
        return await self.slack.control.post(
            self.channel, self.person, f"<@{bot}> wipe the cache of checkout"
        )

    async def question(self, ts: str) -> dict[str, Any]:
        async def asked() -> dict[str, Any] | None:
            found = await self.slack.control.messages(self.channel, ts)
            return next((m for m in found if "approval_approve" in str(m.get("blocks"))), None)

        found: dict[str, Any] = await eventually(asked, what="somebody is asked")
        return found

    async def says(self, ts: str, words: str) -> None:
        async def said() -> bool:
            found = await self.slack.control.messages(self.channel, ts)
            return any(words in str(message.get("blocks")) for message in found)

        await eventually(said, what=f"{words!r} is said")

    async def click(self, ts: str, message: dict[str, Any], answer: str, person: str = "ana") -> None:
        key = f"{answer}:assistant:{self.channel}:{ts}:0"
        await self.slack.control.click(self.channel, message["ts"], person, f"approval_{answer}", key)

    def calls(self) -> list[str]:
        return self.wiped.read_text("utf-8").splitlines() if self.wiped.exists() else []


@asynccontextmanager
async def desk(conninfo: str, tmp_path: Path, **more: str) -> AsyncIterator[Desk]:
    wiped = tmp_path / "wiped"
    servers = tmp_path / "servers.yaml"
    own = {"name": "shop", "command": f"{sys.executable} -I {SCRIPTED} log={wiped}"}
    servers.write_text(json.dumps({"servers": [own]}), "utf-8")
    async with LocalSlack.serve() as slack, ModelServer(wants_to_wipe).serve() as model:
        person = await slack.control.add_user("ana", real_name="Ana")
        channel = await slack.control.add_channel("help", members=[person])
        settings = environment(
            slack,
            DATABASE_URL=conninfo,
            OPENAI_URL=model.url,
            MCP_SERVERS=str(servers),
            MODEL_CHECK="false",
            **more,
        )
        process = RatchetProcess(settings, tmp_path / "log")
        yield Desk(slack, process, channel, person, wiped)
        assert "Traceback" not in process.text()


async def test_a_call_is_shown_exactly_and_made_once_after_a_click_that_comes_after_a_restart(
    conninfo: str, tmp_path: Path
) -> None:
    async with desk(conninfo, tmp_path) as team:
        async with running(team.process):
            ts = await team.ask()
            question = await team.question(ts)
        assert "shop__wipe" in str(question["blocks"])
        assert '"text": "the cache of checkout"' in json.dumps(question["blocks"]).replace("\\", "")
        assert team.calls() == []
        async with running(team.process):
            await team.click(ts, question, "approve")
            await team.says(ts, "The cache is wiped.")
            assert team.calls() == ["wipe the cache of checkout"]
            # Nothing of the conversation stays behind.
            assert await rows(conninfo, "select state, turn from approvals") == [("approved", None)]
            with pytest.raises(SlackError, match="action_not_found"):
                await team.click(ts, question, "approve")


async def test_a_rejected_call_is_not_made_and_the_model_is_told(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path) as team, running(team.process):
        ts = await team.ask()
        await team.click(ts, await team.question(ts), "reject")
        await team.says(ts, "It was rejected.")
        assert team.calls() == []


async def test_only_who_may_approve_may(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path, APPROVERS="S0L0000001") as team:
        bo = await team.slack.control.add_user("bo", real_name="Bo")
        await team.slack.control.add_group([bo])
        await team.slack.control.invite(team.channel, bo)
        async with running(team.process):
            ts = await team.ask()
            question = await team.question(ts)
            await team.click(ts, question, "approve", "ana")
            await team.says(ts, "you are not among those who may approve this")
            assert team.calls() == []
            await team.click(ts, question, "approve", "bo")
            await team.says(ts, "The cache is wiped.")
            assert len(team.calls()) == 1


async def test_deleting_the_question_takes_back_what_it_asked_for(conninfo: str, tmp_path: Path) -> None:
    async with desk(conninfo, tmp_path) as team, running(team.process):
        ts = await team.ask()
        question = await team.question(ts)
        await team.slack.control.delete(team.channel, ts)

        async def withdrawn() -> bool:
            return await rows(conninfo, "select state, turn, markdown from approvals") == [
                ("withdrawn", None, "")
            ]

        await eventually(withdrawn, what="it is withdrawn")
        await team.click(ts, question, "approve")
        await team.says(ts, "was deleted")
        assert team.calls() == []

"""The running process between other programs: it uses a server's tools, and serves its own."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from localslack import LocalSlack
from ratchet.llm.data import unwrap
from ratchet.llm.testing import CallTools, ChatRequest, ModelServer, Say, ToolCall
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

# A server of others, from the package registry: mcp-server-time
TIME = Path(sys.executable).with_name("mcp-server-time")
SCRIPTED = Path(__file__).parents[1] / "integration/llm/mcp_scripted.py"
TOKEN = "a-long-token"


def servers(directory: Path) -> Path:
    """One that works, one that is not there, one that hangs."""
    own = f"{sys.executable} -I {SCRIPTED}"
    path = directory / "servers.yaml"
    entries = [
        {"name": "time", "command": str(TIME), "args": ["--local-timezone", "UTC"]},
        {"name": "absent", "command": "no-such-program"},
        {"name": "stuck", "command": f"{own} hang"},
    ]
    path.write_text(json.dumps({"servers": entries}), "utf-8")
    return path


async def state(process: RatchetProcess, name: str) -> dict[str, Any]:
    answer = (await process.get("/api/mcp")).json()
    return next(server for server in answer["servers"] if server["name"] == name)


async def ask(slack: LocalSlack, question: str) -> dict[str, Any]:
    """Ratchet's answer to a mention in a new channel."""
    person = await slack.control.add_user("ana", real_name="Ana")
    channel = await slack.control.add_channel("help", members=[person])
    ts = await slack.control.post(channel, person, f"<@{slack.workspace.bot.id}> {question}")

    async def answered() -> list[dict[str, Any]]:
        return (await slack.control.messages(channel, ts))[1:]

    [reply] = await eventually(answered, what="an answer")
    found: dict[str, Any] = reply
    return found


NOON = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}


def convert(request: ChatRequest) -> CallTools | Say:
    """Asks the server, then answers. What else is asked, such as what the model can do, is answered too."""
    if request.texts("tool"):
        return Say("Then it is 21:00 in Tokyo.")
    return (
        CallTools(ToolCall("time__convert_time", NOON))
        if "time__convert_time" in request.tools
        else Say("ok")
    )


async def test_the_assistant_uses_a_server_from_the_registry_while_others_are_broken(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(convert).serve() as model:
        settings = environment(
            slack,
            DATABASE_URL=conninfo,
            OPENAI_URL=model.url,
            MCP_SERVERS=str(servers(tmp_path)),
            MODEL_CHECK="false",
        )
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):

            async def connected() -> bool:
                return bool((await state(process, "time"))["state"] == "connected")

            await eventually(connected, what="the server is connected")
            reply = await ask(slack, "when is noon UTC in Tokyo?")
            parts = {part["name"]: part for part in (await process.get("/readyz")).json()["parts"]}
            metrics = (await process.get("/metrics")).text
            absent = await state(process, "absent")
    assert "21:00 in Tokyo" in str(reply["blocks"])
    [answered] = [text for request in model.requests for text in request.texts("tool")]
    [converted] = unwrap(answered)
    assert json.loads(converted)["target"]["datetime"].endswith("T21:00:00+09:00")
    assert (parts["mcp time"]["state"], parts["mcp absent"]["state"]) == ("connected", "failed")
    assert absent["problem"] == "The command no-such-program was not found. Is it installed, and on PATH?"
    assert 'ratchet_mcp_connected{server="time"} 1.0' in metrics
    assert 'ratchet_mcp_calls_total{outcome="answered",server="time"} 1.0' in metrics
    assert "Traceback" not in process.text()


def children(pid: int) -> list[int]:
    """Of a process, those of its threads included."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in tasks for word in path.read_text("utf-8").split()]


def named(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except FileNotFoundError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_when_ratchet_stops_so_do_the_servers_it_started(conninfo: str, tmp_path: Path) -> None:
    async with LocalSlack.serve() as slack:
        settings = environment(slack, DATABASE_URL=conninfo, MCP_SERVERS=str(servers(tmp_path)))
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):
            assert process.process is not None
            pid = process.process.pid

            async def started() -> list[int]:
                mine = [
                    child
                    for child in children(pid)
                    if re.search(r"mcp.server.time|mcp_scripted", named(child))
                ]
                return mine if len(mine) == 2 else []

            pids = await eventually(started, what="both servers are started")

    async def gone() -> bool:
        return not any(named(pid) for pid in pids)

    await eventually(gone, within=5, what="both are gone")


@asynccontextmanager
async def client(process: RatchetProcess, token: str) -> AsyncIterator[Client]:
    url = f"http://127.0.0.1:{process.http_port}/mcp"
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as opened,
    ):
        yield opened


async def called(opened: Client, tool: str, **arguments: Any) -> str:
    answer = await opened.call_tool(tool, arguments)
    return "".join(block.text for block in answer.content if isinstance(block, TextContent))


async def recorded(conninfo: str, messages: int) -> None:
    async def there() -> bool:
        return len(await rows(conninfo, "select ts from messages where text like 'the pump%%'")) == messages

    await eventually(there, what="the messages are recorded")


async def test_a_client_reads_public_channels_over_mcp_with_the_token_alone(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack:
        person = await slack.control.add_user("ana", real_name="Ana")
        settings = environment(slack, DATABASE_URL=conninfo, HTTP_TOKEN=TOKEN)
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):
            ops = await slack.control.add_channel("ops", members=[person])
            secret = await slack.control.add_channel("secret", members=[person], kind="private")
            await slack.control.post(ops, person, "the pump leaks: tighten the valve")
            hidden = await slack.control.post(secret, person, "the pump was sabotaged")
            await recorded(conninfo, 2)
            async with client(process, TOKEN) as opened:
                names = {tool.name for tool in (await opened.list_tools()).tools}
                found = await called(opened, "search_messages", query="pump")
                thread = await called(opened, "read_thread", message_id=f"{secret}:{hidden}")
                many = await asyncio.gather(
                    *(called(opened, "search_messages", query="valve") for _ in range(20))
                )
            with pytest.raises(BaseExceptionGroup):
                async with client(process, "wrong"):
                    pass
    assert {"search_messages", "read_thread", "incidents", "runbook"} <= names
    assert "tighten the valve" in found
    assert "sabotaged" not in found + thread
    assert "may be read from here" in thread
    assert all("tighten the valve" in one for one in many)
    assert "Traceback" not in process.text()

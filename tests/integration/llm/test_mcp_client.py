"""External MCP servers as subprocesses, well-behaved and not."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ratchet.domain.errors import Refused, Transient
from ratchet.llm.data import TAG
from ratchet.llm.mcp_client import McpClient, McpStatus
from ratchet.llm.mcp_config import McpServer, Pace, inherited
from ratchet.llm.mcp_values import RESULT_CHARS
from tests.acceptance.harness import eventually

SCRIPT = Path(__file__).with_name("mcp_scripted.py")
QUICK = Pace(start_s=10, first_pause_s=0.05, longest_pause_s=0.2)
SMALL = {"PATH": os.defpath}


def scripted(*manners: str, name: str = "one", **more: Any) -> McpServer:
    command = (sys.executable, "-I", str(SCRIPT), *manners)
    return replace(McpServer(name, command, SMALL, timeout_s=5.0), **more)


@asynccontextmanager
async def connected(*servers: McpServer, pace: Pace = QUICK) -> AsyncIterator[McpClient]:
    """Once every server is connected or has failed."""
    client = McpClient(servers, pace)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(client.run())
        try:
            async with asyncio.timeout(30):
                await client.settled()
            yield client
        finally:
            running.cancel()


def status(client: McpClient, name: str = "one") -> McpStatus:
    return next(server for server in client.status() if server.name == name)


async def becomes(client: McpClient, state: str, name: str = "one") -> McpStatus:
    async def there() -> bool:
        return status(client, name).state == state

    await eventually(there, within=20, what=f"{name} is {state}")
    return status(client, name)


async def test_tools_are_offered_under_prefixed_names_and_called_by_either_name() -> None:
    async with connected(scripted()) as client:
        tools = {tool.name: tool for tool in client.tools()}
        assert list(tools)[:3] == ["one__echo", "one__wipe", "one__env_list"]
        assert await tools["one__echo"].call({"text": "hello"}) == "hello"
        assert await client.call("one", "one__echo", {"text": "a"}) == "a"
        assert await client.call("one", "echo", {"text": "b"}) == "b"
        assert client.instructions() == [("one", "Echo first.")]
        assert status(client).state == "connected"
        assert status(client).problem == ""


async def test_what_is_not_marked_read_only_needs_an_approval() -> None:
    async with connected(scripted()) as client:
        assert [tool.title for tool in client.tools() if tool.needs_approval] == ["wipe"]
        assert status(client).awaiting_approval == ("one__wipe",)


async def test_the_operator_decides_about_approval_and_which_tools_there_are() -> None:
    trusted = scripted(name="trusted", approval="never", include=("echo", "wipe", "die"), exclude=("d*",))
    feared = scripted(name="feared", approval="always", include=("echo",))
    async with connected(trusted, feared) as client:
        found = {tool.name: tool.needs_approval for tool in client.tools()}
        assert found == {"trusted__echo": False, "trusted__wipe": False, "feared__echo": True}
        left_out = status(client, "trusted").left_out
        assert (left_out["die"], left_out["say"]) == ("excluded", "not included")


async def test_a_server_that_hangs_at_its_start_is_left_out_and_the_others_are_there() -> None:
    pace = replace(QUICK, start_s=1.5, longest_pause_s=60, first_pause_s=60)
    async with connected(scripted("hang", name="stuck"), scripted(), pace=pace) as client:
        assert status(client, "stuck").state == "failed"
        assert status(client, "stuck").problem == "It did not start within 1.5 s."
        assert {tool.server for tool in client.tools()} == {"one"}
        with pytest.raises(Transient, match="stuck is not connected"):
            await client.call("stuck", "echo", {})


async def test_a_server_that_dies_during_a_call_is_started_again() -> None:
    with capture_logs() as logs:
        async with connected(scripted()) as client:
            with pytest.raises(Transient, match="one ended while it was asked"):
                await client.call("one", "die", {})
            await becomes(client, "connected")
            assert await client.call("one", "echo", {"text": "back"}) == "back"
    [failure] = [log for log in logs if log["event"] == "mcp_failed"]
    assert failure["problem"] == "It ended (7); its last words: out of cheese"


async def test_a_server_that_cannot_be_started_is_named_with_the_remedy(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_text("#!/bin/sh\n")
    absent = McpServer("absent", ("no-such-program",), SMALL)
    async with connected(absent, McpServer("locked", (str(locked),), SMALL)) as client:
        assert "no-such-program was not found" in status(client, "absent").problem
        assert "may not be run" in status(client, "locked").problem
        assert client.tools() == []


async def test_five_megabytes_are_cut_and_ten_end_the_connection_not_the_bot() -> None:
    async with connected(scripted()) as client:
        five = await client.call("one", "sized", {"text": "5000000"})
        assert len(five) < RESULT_CHARS + 100
        assert "characters left out" in five
        with pytest.raises(Transient):
            await client.call("one", "sized", {"text": "10000000"})
        await becomes(client, "connected")
        assert await client.call("one", "echo", {"text": "still"}) == "still"


async def test_tools_that_are_renamed_are_found_under_their_new_names() -> None:
    with capture_logs() as logs:
        async with connected(scripted()) as client:
            await client.call("one", "rename", {})

            async def renamed() -> bool:
                return "one__repeat" in status(client).tools

            await eventually(renamed, within=10, what="the new name")
            with pytest.raises(Refused, match="has no tool 'echo'"):
                await client.call("one", "echo", {})
            assert await client.call("one", "repeat", {"text": "again"}) == "again"
    [changed] = [log for log in logs if log["event"] == "mcp_tools_changed"]
    assert (changed["added"], changed["gone"]) == (["one__repeat"], ["one__echo"])


async def test_a_call_of_a_tool_that_is_gone_is_refused_in_the_servers_words_as_data() -> None:
    async with connected(scripted()) as client:
        old = next(tool for tool in client.tools() if tool.title == "echo")
        await client.call("one", "rename", {})
        with pytest.raises(Refused) as caught:
            await old.call({"text": "x"})
    assert str(caught.value).startswith(f'<{TAG} source="one">')


async def test_an_error_of_a_tool_reaches_the_model_as_data() -> None:
    async with connected(scripted()) as client:
        with pytest.raises(Refused) as caught:
            await client.call("one", "fail", {})
    said = str(caught.value)
    assert said.count(f"</{TAG}>") == 1
    assert said.endswith(f"</{TAG}>")
    assert "<question>" not in said


async def test_a_slow_call_ends_in_time_and_holds_up_no_other_server() -> None:
    slow, other = scripted(name="slow", timeout_s=0.5), scripted()
    async with connected(slow, other) as client:
        waiting = asyncio.gather(client.call("slow", "sleep", {"text": "30"}), return_exceptions=True)
        assert await client.call("one", "echo", {"text": "quick"}) == "quick"
        [outcome] = await waiting
        assert isinstance(outcome, Transient)
        assert "no answer in 0.5 s" in str(outcome)


async def test_a_server_that_answers_no_call_any_more_is_started_again() -> None:
    async with connected(scripted(timeout_s=0.3)) as client:
        slow = (client.call("one", "sleep", {"text": "300"}) for _ in range(3))
        await asyncio.gather(*slow, return_exceptions=True)

        async def answers() -> bool:
            try:
                return bool(await client.call("one", "echo", {"text": "new"}) == "new")
            except Transient:
                return False

        await eventually(answers, within=20, what="the server answers again")


async def test_many_calls_at_once_get_each_its_own_answer() -> None:
    async with connected(scripted()) as client:
        calls = (client.call("one", "echo", {"text": str(n)}) for n in range(50))
        assert await asyncio.gather(*calls) == [str(n) for n in range(50)]


async def test_a_cancelled_call_harms_no_other() -> None:
    async with connected(scripted()) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.call("one", "sleep", {"text": "0.5"})
        assert await client.call("one", "echo", {"text": "fine"}) == "fine"


async def test_a_log_on_standard_output_is_borne_with() -> None:
    async with connected(scripted("chatty")) as client:
        assert await client.call("one", "echo", {"text": "hello"}) == "hello"


async def test_a_server_that_does_not_survive_the_probe_is_asked_the_old_way() -> None:
    async with connected(scripted("probed")) as client:
        await becomes(client, "connected")
        assert await client.call("one", "echo", {"text": "old"}) == "old"


async def test_nothing_of_our_environment_reaches_the_server_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATCHET_SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("OTHER_SECRET", "hush")
    own = inherited(os.environ) | {"ITS_OWN": "1"}
    async with connected(scripted(environment=own)) as client:
        seen = await client.call("one", "env.list", {})
    assert seen["ITS_OWN"] == "1"
    assert not {"RATCHET_SLACK_BOT_TOKEN", "OTHER_SECRET"} & seen.keys()


def alive(pid: int) -> bool:
    """A process that has ended and waits for its parent is not alive."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_at_the_end_nothing_of_a_stubborn_server_is_left(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    async with connected(scripted(f"stay={pids}")) as client:
        await client.call("one", "echo", {"text": "x"})
        server, child = map(int, pids.read_text("utf-8").split())
        assert alive(server)
        assert alive(child)

    async def gone() -> bool:
        return not alive(server) and not alive(child)

    await eventually(gone, within=5, what="both processes are gone")


async def test_with_no_server_nothing_runs_and_nothing_is_imported() -> None:
    program = (
        "import asyncio, sys; import ratchet.app, ratchet.llm.agent;"
        "from ratchet.llm.mcp_client import McpClient; asyncio.run(McpClient(()).run());"
        "print([name for name in sys.modules if name.split('.')[0] in ('mcp', 'mcp_types', 'fastmcp')])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert printed.decode().strip() == "[]"


async def test_a_disabled_server_is_shown_and_not_started() -> None:
    async with connected(scripted(enabled=False)) as client:
        assert status(client).state == "disabled"
        with pytest.raises(Refused, match="that is enabled"):
            await client.call("one", "echo", {})

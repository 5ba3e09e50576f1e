"""The command, as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

COMMAND = (sys.executable, "-c", "from localslack.cli import main; main()")


async def test_the_command_serves_an_export_until_it_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "channels.json").write_text(json.dumps([{"id": "C1ABCDEF0", "name": "ops", "members": []}]))
    options = ("--port", "0", "--workspace", str(tmp_path), "--bot-token", "xoxb-mine")
    process = await asyncio.create_subprocess_exec(*COMMAND, *options, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(20):
        line = (await process.stdout.readline()).decode()
        url = line.split()[1]
        client = AsyncWebClient("xoxb-mine", base_url=f"{url}/api/")
        listed = await client.conversations_list()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert [channel["name"] for channel in listed["channels"]] == ["ops"]


async def test_the_command_says_what_is_wrong_with_a_workspace(tmp_path: Path) -> None:
    options = ("--port", "0", "--workspace", str(tmp_path / "none"))
    process = await asyncio.create_subprocess_exec(*COMMAND, *options, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        _, problem = await process.communicate()
    assert process.returncode == 2
    assert b"does not exist; give a Slack export" in problem

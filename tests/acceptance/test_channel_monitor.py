"""Channel monitors with real executables: message, model, JSON, executable, Slack; once, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.llm.testing import Answer, ChatRequest, HttpError, ModelServer, Say
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

JQ = "/usr/bin/jq"
FILTER = '{channel_messages: [{channel_id, slack_ts, text: "*\\(.llm_output.service)* noted by \\(.slug)"}]}'
SCHEMA = '{"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]}'
PERSON_AND_CHANNEL = """
import json, os, sys, time
told = json.load(sys.stdin)
with open(sys.argv[1], "a") as runs:
    runs.write("run\\n")
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)
service = told["llm_output"]["service"]
print(json.dumps({
    "direct_messages": [
        {"email": "ana@example.com", "text": f"{service} is yours"},
        {"email": "nobody@example.com", "text": "lost"},
    ],
    "channel_messages": [
        {"channel_id": sys.argv[3], "text": f"{service}: {told['message']['text']}"},
        {"channel_id": "C0NOWHERE", "text": "lost"},
    ],
}))
"""

pytestmark = pytest.mark.skipif(not Path(JQ).exists(), reason=f"no {JQ}")


def reads(request: ChatRequest) -> Answer:
    if "Which service" not in request.text:
        return HttpError(500)
    if "Your answer did not fit" not in request.text and "badly" in request.text:
        return Say("I think it is checkout.")
    return Say({"service": 5} if "hopeless" in request.text else {"service": "checkout"})


def monitors(channel: str, **commands: list[str]) -> str:
    """The file, written as existing ones are."""
    return "".join(
        f"{name}:\n  channel_id: {channel}\n  prompt: 'Which service? {{{{.Message.Text}}}}'\n"
        f"  result_schema: {SCHEMA}\n  executable: {command[0]}\n"
        f"  executable_args: {json.dumps(command[1:])}\n"
        for name, command in commands.items()
    )


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [
        block["text"]["text"] for one in messages for block in one["blocks"] if block["type"] == "section"
    ]


async def test_what_the_executables_say_is_sent_once_though_ratchet_is_killed_in_between(
    conninfo: str, tmp_path: Path
) -> None:
    script, runs, gate = tmp_path / "act.py", tmp_path / "runs", tmp_path / "gate"
    script.write_text(PERSON_AND_CHANNEL)
    gate.touch()
    async with LocalSlack.serve() as slack, ModelServer(reads).serve() as model:
        ana = await slack.control.add_user("ana", email="ana@example.com")
        ops = await slack.control.add_channel("deploys", members=[ana])
        dev = await slack.control.add_channel("dev", members=[ana])
        file = tmp_path / "monitors.yaml"
        python = [sys.executable, str(script), str(runs), str(gate), dev]
        file.write_text(monitors(ops, script=python, jq=[JQ, "-c", FILTER]))
        settings = environment(
            slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted",
            CHANNEL_MONITOR_CONFIG_FILE=str(file),
        )  # fmt: skip

        async def began() -> bool:
            return runs.exists()

        async def direct() -> list[dict[str, Any]]:
            found = [
                one for one in slack.workspace.channels.values() if ana in one.members and one.kind == "im"
            ]
            return await slack.control.messages(found[0].id) if found else []

        async def posted() -> list[dict[str, Any]]:
            return await slack.control.messages(dev)

        async def replied() -> list[dict[str, Any]]:
            return (await slack.control.messages(ops, root))[1:]

        async def settled() -> bool:
            states = await rows(conninfo, "select state, count(*) from outbox group by state order by state")
            return [tuple(row) for row in states] == [("refused", 2), ("sent", 3)]

        process = RatchetProcess(settings, tmp_path / "log")
        await process.start()
        await process.ready()
        root = await slack.control.post(ops, ana, "checkout <b>v1.42</b> is deployed, badly")
        await eventually(began, what="the executable runs")
        await process.kill()
        gate.unlink()
        async with running(RatchetProcess(settings, tmp_path / "log")):
            await eventually(settled, what="all is sent, and what has no address refused")
            await eventually(direct, what="a direct message")
            assert texts(await direct()) == ["checkout is yours"]
            assert len(await posted()) == 1
            assert "checkout: checkout" in texts(await posted())[0]
            assert texts(await replied()) == ["*checkout* noted by jq"]
        assert "delivery_refused" in process.text()


async def test_a_monitor_that_fails_is_seen_on_the_list_of_dead_jobs_and_a_changed_file_is_used(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack, ModelServer(reads).serve() as model:
        ana = await slack.control.add_user("ana", email="ana@example.com")
        ops = await slack.control.add_channel("deploys", members=[ana])
        file = tmp_path / "monitors.yaml"
        file.write_text(monitors(ops, first=[shutil.which("true") or "true"]))
        settings = environment(
            slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted",
            CHANNEL_MONITOR_CONFIG_FILE=str(file),
        )  # fmt: skip

        async def dead() -> list[Any]:
            return await rows(conninfo, "select id from jobs where status = 'failed'")

        async with running(RatchetProcess(settings, tmp_path / "log")) as process:
            await slack.control.post(ops, ana, "hopeless")
            await eventually(dead, what="the failure is kept")
            said = await listed(settings, tmp_path)
            assert "Channel monitor first: result_schema: " in said
            assert "5 is not of type 'string'" in said
            file.write_text("broken: [")
            await slack.control.post(ops, ana, "checkout is deployed")

            async def kept() -> bool:
                return "channel_monitors_not_reloaded" in process.text()

            await eventually(kept, what="the broken file is said")
            file.write_text(monitors(ops, second=[JQ, "-c", FILTER]))
            root = await slack.control.post(ops, ana, "checkout is deployed again")

            async def replied() -> list[dict[str, Any]]:
                return (await slack.control.messages(ops, root))[1:]

            assert texts(await eventually(replied, what="a reply")) == ["*checkout* noted by second"]


async def listed(settings: dict[str, str], home: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", "jobs", "dead", "--json",
        env={"PATH": os.defpath, "HOME": str(home), **settings}, cwd=home, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        return (await process.communicate())[0].decode()

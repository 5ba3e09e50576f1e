"""An answer is voted on by click and reaction, exported, and its question asked again, by the real program."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localslack import LocalSlack
from ratchet.llm.testing import ModelServer
from ratchet.llm.testing.demo import demo
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running

FIX = "The upload fails when the bucket is full: run `bucketctl prune --older 30d`"
SECRET = "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx"


async def command(settings: Mapping[str, str], *words: str) -> str:
    """What a command prints on standard output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "HOME": os.devnull, "COLUMNS": "200", **settings},
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def answered(slack: LocalSlack, conninfo: str, channel: str, person: str, text: str) -> tuple[str, str]:
    """The ts of Ratchet's recorded answer to a question, and its key."""
    asked = await slack.control.post(channel, person, f"<@{slack.workspace.bot.id}> {text}")

    async def replies() -> list[dict[str, Any]]:
        return (await slack.control.messages(channel, asked))[1:]

    [reply] = await eventually(replies, what="an answer")
    key = f"assistant:{channel}:{asked}:0"

    async def recorded() -> bool:
        found = "select count(*) from messages m, outbox o where m.ts = %s and o.key = %s and m.ts = any(o.slack_ts)"
        return bool((await rows(conninfo, found, reply["ts"], key))[0][0])

    await eventually(recorded, what="the answer is recorded")
    return str(reply["ts"]), key


async def test_votes_become_a_set_and_the_set_is_asked_again(conninfo: str, tmp_path: Path) -> None:
    async def votes() -> list[Any]:
        return sorted(await rows(conninfo, "select key, user_id, value from votes"))

    async def until(*expected: tuple[str, str, int]) -> None:
        async def so() -> bool:
            return await votes() == sorted(expected)

        await eventually(so, what=f"the votes are {expected}")

    async with LocalSlack.serve() as slack, ModelServer(demo).serve() as model:
        settings = environment(slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted")
        process = RatchetProcess(settings, tmp_path / "log")
        async with running(process):
            control = slack.control
            ana, bo = [await control.add_user(name, real_name=name.title()) for name in ("ana", "bo")]
            channel = await control.add_channel("help", members=[ana, bo])
            fix = await control.post(channel, bo, FIX)
            good, good_key = await answered(
                slack, conninfo, channel, ana, f"why does the upload fail? {SECRET}"
            )
            bad, bad_key = await answered(slack, conninfo, channel, ana, "what about the bucket?")

            await control.click(channel, good, "ana", "feedback", f"down:{good_key}")
            await until((good_key, ana, -1))
            await control.react(channel, good, ana, "+1::skin-tone-3")
            await control.react(channel, bad, bo, "x")
            await control.react(channel, fix, bo, "+1")
            await until((good_key, ana, 1), (bad_key, bo, -1))
            await control.react(channel, good, bo, "white_check_mark")
            await control.react(channel, bad, bo, "x", remove=True)
            await until((good_key, ana, 1), (good_key, bo, 1))
            await control.react(channel, bad, ana, "-1")
            await until((bad_key, ana, -1), (good_key, ana, 1), (good_key, bo, 1))
            posted = len(await control.messages(channel))

            file, before = tmp_path / "set.yaml", tmp_path / "before.json"
            await command(settings, "feedback", "export", "--out", str(file))
            before.write_text(await command(settings, "eval", str(file), "--json"), "utf-8")
            table = await command(settings, "eval", str(file), "--baseline", str(before))
            assert len(await control.messages(channel)) == posted
    assert SECRET not in file.read_text("utf-8")
    cases = {case["name"]: case for case in yaml.safe_load(file.read_text("utf-8"))["cases"]}
    assert cases.keys() == {good_key, bad_key}
    assert "bucketctl prune" in cases[good_key]["expected_output"]["text"]
    assert "expected_output" not in cases[bad_key]
    found = {case["name"]: case for case in json.loads(before.read_text("utf-8"))["cases"]}
    # The same model and record give an answer as good.
    assert found[good_key]["measures"]["citations"] == 1.0
    assert found[good_key]["measures"]["commands"] == 1.0
    assert found[bad_key]["measures"]["repeats"] is not None
    assert found[bad_key]["measures"]["citations"] is None
    assert {case["answer"]["model"] for case in found.values()} == {"scripted"}
    assert "none changed" in table
    assert "Traceback" not in process.text()

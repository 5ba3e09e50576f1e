"""`ratchet report` and `ratchet usage`, as one types them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from ratchet.domain.model_calls import ModelCall
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.pool import Database
from tests.integration.pipeline.house import START, House, alert_said, at, said
from tests.integration.reports.report_support import recorded


async def ratchet(conninfo: str, home: Path, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ratchet", *arguments,
        env={"PATH": os.defpath, "HOME": str(home), "RATCHET_DATABASE_URL": conninfo, "COLUMNS": "160"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=home,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def an_hour_ago(database: Database) -> None:
    """A private channel in which an alert fired and somebody wrote."""
    then = time.time() - START - 3600
    talk = said(at(then + 60), "on it", thread_ts=at(then))
    await recorded(House(database), alert_said(at(then)), talk, kind="private")


async def test_a_report_for_people_for_programs_and_as_markdown(
    database: Database, conninfo: str, tmp_path: Path
) -> None:
    await an_hour_ago(database)
    code, output, errors = await ratchet(conninfo, tmp_path, "report", "#ops-c1")
    assert (code, errors) == (0, "")
    assert "1 incident in 7 days" in output
    assert "HighErrorRate" in output
    assert "**" not in output
    _, output, _ = await ratchet(conninfo, tmp_path, "report", "C1", "--markdown", "--days", "1")
    assert output.startswith(
        "**1 incident** in 24 hours, **1 still open**, **0% without a reply or reaction**."
    )
    _, output, _ = await ratchet(conninfo, tmp_path, "report", "ops-c1", "--json")
    assert json.loads(output)["total"]["tta_p50_s"] == 60.0


async def test_usage_for_people_for_programs_and_as_markdown(
    database: Database, conninfo: str, tmp_path: Path
) -> None:
    await LlmCalls(database).record(ModelCall("big", "assistant", "C1", "abc", 2, 1, 90, 10, 0.5, 2.0))
    code, output, errors = await ratchet(conninfo, tmp_path, "usage")
    assert (code, errors) == (0, "")
    assert "$0.5000" in output
    _, output, _ = await ratchet(conninfo, tmp_path, "usage", "--markdown", "--days", "30")
    assert output.startswith("**0 messages** in 30 days, 1 turn with a model")
    _, output, _ = await ratchet(conninfo, tmp_path, "usage", "--json")
    assert json.loads(output)["total"]["input_tokens"] == 90


@pytest.mark.parametrize("days", ["0", "91", "week"])
async def test_what_is_wrong_is_said(conninfo: str, tmp_path: Path, days: str) -> None:
    assert (await ratchet(conninfo, tmp_path, "report", "ops", "--days", days))[0] == 2


async def test_an_unknown_channel_is_refused(database: Database, conninfo: str, tmp_path: Path) -> None:
    await an_hour_ago(database)
    assert await ratchet(conninfo, tmp_path, "report", "ops-c") == (
        1,
        "",
        "ratchet: No channel ops-c is recorded; give its name or its id.\n",
    )


async def test_gaps_for_people_for_programs_and_as_markdown(
    database: Database, conninfo: str, tmp_path: Path
) -> None:
    then = time.time() - START - 3600
    asked, told = "How do I run Kafka locally?", "`make kafka-up` in the devstack"
    await recorded(
        House(database),
        *(said(at(then + n), asked, user="UANA") for n in (0, 60)),
        *(said(at(then + n + 5), told, thread_ts=at(then + n), user="UBO") for n in (0, 60)),
    )
    code, output, errors = await ratchet(conninfo, tmp_path, "gaps", "--channel", "ops-c1", "--markdown")
    assert (code, errors) == (0, "")
    assert "**2 questions** in #ops-c1 in 30 days: 0 are answered by a document, **2 by none**" in output
    assert "1. **How do I run Kafka locally?** – asked 2 times by 1 person" in output
    _, output, _ = await ratchet(conninfo, tmp_path, "gaps", "--json", "--days", "1")
    assert json.loads(output)["again"][0]["page"]["path"] == "how-to/run-kafka-locally.md"
    code, _, errors = await ratchet(conninfo, tmp_path, "gaps", "--channel", "nowhere")
    assert (code, errors.startswith("ratchet: No channel nowhere is recorded")) == (1, True)

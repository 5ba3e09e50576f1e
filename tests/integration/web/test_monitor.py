"""The page on which a channel monitor is tried: who may, what is checked, what is run."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from ratchet.app.monitors import MonitorBench
from ratchet.llm.budget import Usage
from ratchet.llm.turn import JsonResult, JsonTurn, Turn, TurnResult
from ratchet.pipeline.monitors import MonitorFile
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from tests.integration.web.support import LOCAL, OPS, House, fill, services
from tests.integration.web.test_pages import HTML, secret

PATH = "/channelmonitor/test"
YAML = f"""
m:
  channel_id: {OPS}
  prompt: 'Which service? {{{{.Message.Text}}}}'
  result_schema: {{type: object, required: [service]}}
  executable: {sys.executable}
  executable_args: [-c, 'print("{{\\"channel_messages\\": [{{\\"channel_id\\": \\"C1\\", \\"text\\": \\"hi\\"}}]}}")']
"""


@dataclass
class Model:
    turns: list[Turn] = field(default_factory=list)
    model: str = "scripted"

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turns.append(turn)
        return TurnResult('{"service": "<b>checkout</b>"}', self.model, Usage(requests=1))

    async def run_json(self, turn: JsonTurn[Any]) -> JsonResult[Any]:
        raise AssertionError(turn)


@asynccontextmanager
async def page(
    database: Database, bench: MonitorBench | None, token: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(replace(services(database, House(), token), monitors=bench))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=LOCAL) as http:
        yield http


def bench(tmp_path: Path, allowed: Literal["listed", "any", "off"] = "any", listed: str = "") -> MonitorBench:
    path = tmp_path / "monitors.yaml"
    path.write_text(listed)
    return MonitorBench(MonitorFile.open(path), Model(), allowed)


async def ours(http: httpx.AsyncClient) -> dict[str, str]:
    return {"Origin": LOCAL, "X-Ratchet-Csrf": secret(await http.get(PATH, headers=HTML))}


def wanted(*, execute: bool = False, **message: Any) -> dict[str, Any]:
    return {"yaml": YAML, "monitor": "m", "message": {"text": "deployed"} | message, "execute": execute}


async def test_one_message_is_run_and_what_would_be_sent_is_said(database: Database, tmp_path: Path) -> None:
    async with page(database, bench(tmp_path)) as http:
        headers = await ours(http)
        shown = (await http.post(f"{PATH}/run", json=wanted(), headers=headers)).json()
        ran = (await http.post(f"{PATH}/run", json=wanted(execute=True), headers=headers)).json()
    assert "deployed" in shown["prompt"]
    assert (shown["output"], shown["ran"], shown["sends"]) == ({"service": "<b>checkout</b>"}, False, [])
    assert (ran["ran"], ran["problem"]) == (True, "")
    assert ran["sends"] == [{"kind": "post", "to": "C1", "text": "hi"}]


async def test_an_executable_that_the_file_does_not_name_does_not_run(
    database: Database, tmp_path: Path
) -> None:
    for allowed, listed, status in (
        ("listed", "", 422),
        ("listed", YAML, 200),
        ("listed", YAML.replace("hi", "ho"), 422),
        ("off", YAML, 422),
    ):
        async with page(database, bench(tmp_path, allowed, listed)) as http:  # type: ignore[arg-type]  # as listed
            answer = await http.post(f"{PATH}/run", json=wanted(execute=True), headers=await ours(http))
            assert answer.status_code == status, answer.text
            if status == 422:
                assert "RATCHET_CHANNEL_MONITOR" in answer.json()["detail"]


async def test_yaml_is_checked_and_every_error_said(database: Database, tmp_path: Path) -> None:
    await fill(database)
    async with page(database, bench(tmp_path)) as http:
        headers = await ours(http)
        right = (await http.post(f"{PATH}/check", json={"yaml": YAML}, headers=headers)).json()
        wrong = (await http.post(f"{PATH}/check", json={"yaml": "m: {}"}, headers=headers)).json()
        run = await http.post(f"{PATH}/run", json=wanted() | {"yaml": "m: {}"}, headers=headers)
    assert right == {
        "monitors": [{"name": "m", "channel_id": OPS, "channel": "ops", "refusal": ""}],
        "problems": [],
    }
    assert [line.partition(":")[2].partition(":")[0].strip() for line in wrong["problems"]] == [
        "channel_id",
        "prompt",
        "result_schema",
        "executable",
    ]
    assert (run.status_code, run.json()["detail"].splitlines()) == (422, wrong["problems"])


async def test_the_newest_messages_of_the_channel_are_fetched(database: Database, tmp_path: Path) -> None:
    await fill(database)
    async with page(database, bench(tmp_path)) as http:
        headers = await ours(http)
        body = {"channel_id": OPS, "last": 2}
        found = (await http.post(f"{PATH}/messages", json=body, headers=headers)).json()
        missing = await http.post(f"{PATH}/messages", json={"channel_id": "C0GONE"}, headers=headers)
    assert [one["text"] for one in found["messages"]] == ["Disk/Full on db/primary", "HighLatency resolved"]
    assert (missing.status_code, "Invite Ratchet" in missing.text) == (404, True)


BAD: list[Any] = [
    None, [], 5, {}, {"yaml": 5, "monitor": "m", "message": {"text": "x"}}, wanted(text=5), wanted(text="a\0b"),
    wanted(text="x" * 60_000), wanted() | {"execute": "yes"}, wanted() | {"more": 1},
    wanted() | {"monitor": "gone"},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=[str(n) for n in range(len(BAD))])
async def test_a_body_of_a_wrong_kind_is_refused(body: Any, database: Database, tmp_path: Path) -> None:
    async with page(database, bench(tmp_path)) as http:
        answer = await http.post(f"{PATH}/run", json=body, headers=await ours(http))
    assert answer.status_code in (413, 422)


async def test_only_the_operator_and_only_from_the_page(database: Database, tmp_path: Path) -> None:
    async with page(database, bench(tmp_path)) as http:
        assert (await http.post(f"{PATH}/run", json=wanted(), headers={"Origin": LOCAL})).status_code == 403
        headers = await ours(http) | {"Origin": "https://evil.example.com"}
        assert (await http.post(f"{PATH}/run", json=wanted(), headers=headers)).status_code == 403
    async with page(database, bench(tmp_path), "token") as http:
        assert (await http.get(PATH, headers=HTML)).status_code == 303
        assert (await http.post(f"{PATH}/run", json=wanted())).status_code == 401
        bearer = {"Authorization": "Bearer token"}
        assert (await http.post(f"{PATH}/run", json=wanted(), headers=bearer)).status_code == 200


async def test_without_a_model_the_page_says_so(database: Database) -> None:
    async with page(database, None) as http:
        assert "There is no language model" in (await http.get(PATH, headers=HTML)).text
        answer = await http.post(f"{PATH}/run", json=wanted(), headers=await ours(http))
    assert answer.status_code == 503

"""Reports over HTTP, as JSON and as Markdown."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.domain.model_calls import ModelCall
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.pool import Database
from tests.integration.web.support import OPS, SECRET, client, fill, stamp

MARKDOWN = {"Accept": "text/markdown"}


async def get(database: Database, path: str, headers: dict[str, str] | None = None) -> Any:
    async with client(database) as http:
        answer = await http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer


async def test_a_channel_report_is_json(database: Database) -> None:
    await fill(database)
    answer = await get(database, "/api/reports/channel?channel=ops")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert (found["channel_id"], found["total"]["opens"], found["total"]["closed"]) == (OPS, 2, 1)
    assert (found["since"], found["until"]) == ("2023-11-13T00:00:00+00:00", "2023-11-20T00:00:00+00:00")
    (untouched,) = found["untriaged"]
    assert untouched["alert"] == "Disk/Full"
    assert untouched["permalink"] == f"https://team.slack.com/archives/{OPS}/p{stamp(60).replace('.', '')}"


async def test_a_channel_report_is_markdown_to_who_accepts_that(database: Database) -> None:
    await fill(database)
    answer = await get(database, f"/api/reports/channel?channel={OPS}&days=14", MARKDOWN)
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("**2 incidents** in 14 days")


async def test_the_operator_sees_private_channels(database: Database) -> None:
    await fill(database)
    found = (await get(database, "/api/reports/channel?channel=security")).json()
    assert (found["channel_id"], found["total"]["opens"]) == (SECRET, 1)


async def test_days_narrow_the_window(database: Database) -> None:
    await fill(database)
    found = (await get(database, "/api/reports/channel?channel=ops&days=1")).json()
    assert (found["total"]["opens"], found["open"]) == (0, 0)


async def test_usage_is_reported_both_ways(database: Database) -> None:
    call = ModelCall("big", "assistant", OPS, "abc", 2, 1, 90, 10, 0.5, 2.0)
    await LlmCalls(database).record(call)
    empty = (await get(database, "/api/reports/usage?days=90")).json()
    assert (empty["messages"], empty["total"]["turns"], empty["purposes"]) == (0, 0, [])
    words = await get(database, "/api/reports/usage", MARKDOWN)
    assert words.text == "Ratchet said nothing in 7 days, and asked no model."


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/reports/channel", 422),
        ("/api/reports/channel?channel=", 422),
        ("/api/reports/channel?channel=nowhere", 404),
        ("/api/reports/channel?channel=ops&days=0", 422),
        ("/api/reports/channel?channel=ops&days=91", 422),
        ("/api/reports/usage?days=many", 422),
    ],
)
async def test_what_cannot_be_reported_is_a_problem_in_json(
    database: Database, path: str, status: int
) -> None:
    await fill(database)
    async with client(database) as http:
        answer = await http.get(path, headers=MARKDOWN)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_gaps_are_reported_both_ways(database: Database) -> None:
    await fill(database)
    found = (await get(database, "/api/reports/gaps?days=365")).json()
    assert (found["again"], [channel["name"] for channel in found["channels"]]) == ([], ["ops"])
    words = await get(database, "/api/reports/gaps?channel=ops", MARKDOWN)
    assert words.text.startswith("Nobody asked anything in #ops in 30 days.")


@pytest.mark.parametrize(
    "path", ["/api/reports/channel?channel=ops", "/api/reports/usage", "/api/reports/gaps"]
)
async def test_who_has_a_report_already_is_told_so(database: Database, path: str) -> None:
    await fill(database)
    async with client(database) as http:
        first = await http.get(path)
        again = await http.get(path, headers={"If-None-Match": first.headers["etag"]})
        words = await http.get(path, headers=MARKDOWN | {"If-None-Match": first.headers["etag"]})
        other = await http.get(path, headers={"If-None-Match": 'W/"0", "1"'})
    assert (first.status_code, again.status_code, words.status_code, other.status_code) == (
        200,
        304,
        200,
        200,
    )
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"] != words.headers["etag"]

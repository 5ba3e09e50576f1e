"""Errors as problem details, and what odd values come to."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ratchet.domain.errors import Refused, Transient
from ratchet.store.pool import Database
from tests.integration.web.support import OPS, House, client, fill, stamp

COMMAND = f"/api/commands/generate?channel_id={OPS}&ts={stamp(0)}"


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert "Traceback" not in answer.text
    return answer.status_code, body["title"]


MISSING = [
    "/api/channels/nowhere",
    "/api/channels/nowhere/messages",
    f"/api/channels/{OPS}/messages/{stamp(999)}/thread",
    "/api/search?q=x&channels=nowhere",
    "/api/incidents?channel=nowhere",
    f"/api/commands/generate?channel_id={OPS}&ts={stamp(999)}",
    "/api/nothing",
    "/nothing",
]
WRONG = [
    "/api/channels/ops/messages?n=0",
    "/api/channels/ops/messages?n=1e30",
    "/api/channels/ops/messages?n=9999999999999999999999",
    "/api/channels/ops/messages?before=yesterday",
    f"/api/channels/{OPS}/messages/1/thread",
    f"/api/channels/{OPS}/messages/٣٣٣٣٣٣٣٣٣٣.٣٣٣٣٣٣/thread",
    f"/api/channels/{OPS}/messages/{stamp(0)}/thread?exclude_bot=perhaps",
    "/api/search",
    "/api/search?q=",
    "/api/search?q=x&limit=1000",
    f"/api/search?q={'x' * 10_001}",
    "/api/search?q=x&channels=,",
    "/api/services/checkout/alerts?priority=MIDDLING",
    "/api/incidents?since=never",
    "/api/incidents?since=inf",
    "/api/incidents?until=0001-01-01T00:00:00%2B23:59",
    "/api/commands/generate?channel_id=a%20b&ts=1",
]


async def test_what_is_not_there_is_404(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        for path in MISSING:
            assert problem(await http.get(path)) == (404, "Not Found"), path


async def test_a_wrong_parameter_is_422_and_named(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        for path in WRONG:
            answer = await http.get(path)
            assert problem(answer)[0] == 422, path
            assert answer.json().get("errors") or answer.json()["detail"]


async def test_another_method_is_405(database: Database) -> None:
    async with client(database) as http:
        assert problem(await http.delete("/api/channels", headers={"X-Ratchet-Request": "1"}))[0] == 405


async def test_a_refusal_says_why(database: Database) -> None:
    await fill(database)
    async with client(database, House(failure=Refused("The channel is external."))) as http:
        answer = await http.get(COMMAND)
    assert problem(answer)[0] == 422
    assert answer.json()["detail"] == "The channel is external."


async def test_what_may_work_later_is_503_with_the_time_to_wait(database: Database) -> None:
    await fill(database)
    async with client(database, House(failure=Transient("Slack is away", retry_after=30))) as http:
        answer = await http.get(COMMAND)
    assert problem(answer)[0] == 503
    assert answer.headers["retry-after"] == "30"


async def test_an_error_of_ours_is_logged_once_under_the_id_the_caller_gets(database: Database) -> None:
    await fill(database)
    async with client(database, House(failure=KeyError("secret value"))) as http:
        with capture_logs() as logs:
            answer = await http.get(COMMAND)
    assert problem(answer)[0] == 500
    assert "secret" not in answer.text
    assert [(entry["event"], entry["id"]) for entry in logs] == [("request_failed", answer.json()["id"])]


async def test_a_database_that_is_away_is_503(database: Database) -> None:
    await database.pool.close()
    async with client(database) as http:
        assert problem(await http.get("/api/channels"))[0] == 503


ODD = ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "%F0%9F%98%80", "'", "%25", "..%2F..", "%0A", "\\", ";--", "*"]
PATHS = [
    "/api/channels/{}",
    "/api/channels/{}/messages",
    "/api/channels/ops/messages?before={}",
    "/api/channels/{}/messages/1700000000.000100/thread",
    "/api/channels/C1/messages/{}/thread",
    "/api/search?q={}",
    "/api/search?q=x&channels={}",
    "/api/services/{}/alerts",
    "/api/services/*/alerts?priority={}",
    "/api/services/{}/alerts/{}/messages",
    "/api/incidents?channel={}",
    "/api/incidents?since={}",
    "/api/commands/generate?channel_id={}&ts={}",
]


async def test_odd_values_are_never_an_error_of_ours(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        for path, odd in product(PATHS, ODD):
            answer = await http.get(path.replace("{}", odd))
            assert answer.status_code < 500, (path, answer.text)


@given(text=st.text(max_size=30), path=st.sampled_from(PATHS))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_value_is_answered(database: Database, text: str, path: str) -> None:
    async with client(database) as http:
        answer = await http.get(path.replace("{}", quote(text, safe="")))
        assert answer.status_code < 500, (path, answer.text)


@given(since=st.datetimes(timezones=st.none() | st.timezones()))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_time_is_answered(database: Database, since: datetime) -> None:
    async with client(database) as http:
        answer = await http.get("/api/incidents", params={"since": since.isoformat()})
        assert answer.status_code in (200, 422), answer.text

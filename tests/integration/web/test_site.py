"""What the pages show, whatever Slack, documents and jobs hold; and what their forms do."""

from __future__ import annotations

import json
import re
from typing import ClassVar
from urllib.parse import quote

import httpx
import pytest
from psycopg.types.json import Jsonb

from ratchet.domain.errors import Transient
from ratchet.domain.messages import Channel
from ratchet.domain.runbooks import Content, ToldRunbook, to_json
from ratchet.jobs.base import Job, NewJob
from ratchet.jobs.schema import install
from ratchet.pipeline.work import HandlerJob
from ratchet.store import incidents, messages
from ratchet.store.channels import Channels
from ratchet.store.pool import Database
from tests.integration.web.support import LOCAL, OPS, House, client, fill, message, opening, queue_of

HTML = {"Accept": "text/html"}
EVIL = "<script>alert('x')</script>\"'; drop table messages; --"
MARKUP = re.compile(r"<script>alert|<b>bold")


class Reading(Job):
    kind: ClassVar[str] = "read_for_test"
    what: str


async def fill_evil(database: Database, *, lately: bool = False) -> None:
    """A channel in which every field that people and tools may choose is markup. `lately`: open now."""
    await Channels(database).upsert(Channel("C0EVIL", EVIL))
    evil = message(0, EVIL, channel="C0EVIL", kind="bot")
    async with database.transaction() as conn:
        await messages.upsert(conn, [(evil, b"")])
        await incidents.record(conn, [incidents.judged(evil, opening(EVIL, EVIL))])
        if lately:
            await conn.execute("update incident_events set happened_at = now() - interval '1 hour'")


def secret(answer: httpx.Response) -> str:
    return str(re.findall(r'<meta name="csrf" content="([0-9a-f]+)">', answer.text)[0])


def path_of(service: str, alert: str) -> str:
    return f"/alerts/{quote(service, safe='')}/{quote(alert, safe='')}"


async def test_the_overview_shows_what_is_open_and_how_often_alerts_fired(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    async with database.connection() as conn:
        await conn.execute(
            "update incident_events set happened_at = now() - interval '1 hour' where alert = 'Disk/Full'"
        )
    async with client(database) as http:
        page = await http.get("/", headers=HTML)
    assert page.status_code == 200
    assert "Disk/Full" in page.text
    assert "/alerts/db%2Fprimary/Disk%2FFull" in page.text
    assert "<svg viewBox" in page.text
    assert "Open incidents" in page.text


@pytest.mark.parametrize(
    "path", ["/", "/alerts", "/channels", "/channels/ops", "/jobs", "/documents", "/ask"]
)
async def test_every_page_of_an_empty_database_says_so(database: Database, path: str) -> None:
    await install(database.conninfo)
    await Channels(database).upsert(Channel(OPS, "ops"))
    async with client(database) as http:
        page = await http.get(path, headers=HTML)
    assert page.status_code == 200, page.text
    assert "<h1>" in page.text
    assert len(page.content) < 100_000


@pytest.mark.parametrize("path", ["/", "/alerts", "/channels", "/channels/C0EVIL", path_of(EVIL, EVIL)])
async def test_what_slack_says_is_text_in_every_field(database: Database, path: str) -> None:
    await install(database.conninfo)
    await fill_evil(database, lately=path == "/")
    async with client(database) as http:
        page = await http.get(path, headers=HTML)
    assert page.status_code == 200, page.text
    assert "&lt;script&gt;alert(" in page.text
    assert not MARKUP.search(page.text)
    assert not re.findall(r' style="', page.text)


async def test_an_alert_with_slashes_in_its_names_has_its_own_page(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    async with client(database) as http:
        found = await http.get(path_of("db/primary", "Disk/Full"), headers=HTML)
        of_any = await http.get(path_of("*", "HighLatency"), headers=HTML)
        hidden = await http.get(path_of("vault", "Intruder"), headers=HTML)
        unknown = [
            await http.get(path, headers=HTML)
            for path in (
                "/alerts/a/b",
                "/alerts/a",
                "/alerts/a/b/c",
                "/alerts//b",
                "/alerts/%ff/b",
                "/alerts/..%2f/x",
            )
        ]
    assert found.status_code == 200
    assert "<h1>Disk/Full</h1>" in found.text
    assert "Restart None." in of_any.text
    # The operator sees private channels; docs/pages.md says so.
    assert hidden.status_code == 200
    assert {answer.status_code for answer in unknown} == {404}


async def test_a_runbook_is_shown_as_markdown_whose_html_and_odd_links_are_text(database: Database) -> None:
    text = "**Do** <b>bold</b> [a](javascript:alert(1)) [b](https://x.example/1)\n\n![i](https://evil.example/p.png)"

    class Told(House):
        async def runbook(self, service: str | None, alert: str) -> ToldRunbook | None:
            return ToldRunbook(text, "person", "U1", 3, True, to_json(Content()))

    await install(database.conninfo)
    await fill(database)
    async with client(database, Told()) as http:
        page = await http.get(path_of("checkout", "HighLatency"), headers=HTML)
    assert "<strong>Do</strong> &lt;b&gt;bold" in page.text
    assert 'href="https://x.example/1"' in page.text
    assert 'href="javascript' not in page.text
    assert '<img src="https' not in page.text
    assert "version 3" in page.text


async def test_messages_of_a_channel_come_in_pages(database: Database) -> None:
    await install(database.conninfo)
    await Channels(database).upsert(Channel(OPS, "ops"))
    async with database.transaction() as conn:
        await messages.upsert(conn, [(message(n, f"number {n:03}"), b"") for n in range(70)])
    async with client(database) as http:
        seen: list[str] = []
        path = "/channels/ops"
        for _ in range(3):
            page = await http.get(path, headers=HTML)
            seen += re.findall(r"number \d{3}", page.text)
            older = re.search(r'href="(\?before=[^"]+)" rel="next"', page.text)
            path = f"/channels/ops{older[1]}" if older else ""
    assert seen == [f"number {n:03}" for n in reversed(range(70))]
    assert path == ""


async def test_how_a_channel_is_served_is_set_by_its_form(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    async with client(database) as http:
        given = secret(await http.get("/channels/ops", headers=HTML))
        without = await http.post(
            f"/channels/{OPS}/manners", data={"mode": "auto"}, headers={"Origin": LOCAL}
        )
        form = {"csrf": given, "mode": "auto", "runbooks": "on", "follow_ups": "on"}
        done = await http.post(f"/channels/{OPS}/manners", data=form, headers={"Origin": LOCAL})
        wrong = await http.post(
            f"/channels/{OPS}/manners", data={"csrf": given, "mode": "loud"}, headers={"Origin": LOCAL}
        )
    channel = await Channels(database).get(OPS)
    assert channel is not None
    assert (without.status_code, done.status_code, wrong.status_code) == (403, 303, 422)
    assert (channel.mode, channel.manners.runbooks, channel.manners.storms) == ("auto", True, False)
    assert channel.manners.follow_ups


async def test_failed_jobs_are_read_retried_and_deleted_with_the_secret_of_the_page(
    database: Database,
) -> None:
    await install(database.conninfo)
    async with database.transaction() as conn:
        await queue_of(database).put(conn, [NewJob(Reading(what=f"{EVIL} {n}")) for n in range(14)])
        error = {"type": "Boom", "message": EVIL, "traceback": f"Traceback\n{EVIL}", "at": "now"}
        await conn.execute(
            "update jobs set status = 'failed', headers = %s where id <= (select min(id) + 11 from jobs)",
            (Jsonb({"failures": 5, "error": error}),),
        )
    async with client(database) as http:
        page = await http.get("/jobs", headers=HTML)
        ids = [
            int(found)
            for found in re.findall(r'action="/jobs/discard"[^>]*>.*?value="(\d+)"', page.text, re.DOTALL)
        ]
        older = await http.get(f"/jobs?before={min(ids)}", headers=HTML)
        own = {"Origin": LOCAL}
        refused = await http.post("/jobs/retry", data={"ids": str(ids[0])}, headers=own)
        given = {"csrf": secret(page)}
        again = await http.post("/jobs/retry", data=given | {"ids": f"{ids[0]},{ids[1]}"}, headers=own)
        gone = await http.post("/jobs/discard", data=given | {"ids": str(ids[2])}, headers=own)
        cancelled = await http.post("/jobs/cancel", data=given | {"ids": str(ids[0])}, headers=own)
        odd = [
            await http.post("/jobs/retry", data=given | {"ids": value}, headers=own)
            for value in ("", "x", "1;drop", "9" * 30, "1," * 200)
        ]
        said = await http.get(again.headers["location"], headers=HTML)
    assert len(ids) == 10
    assert not MARKUP.search(page.text)
    assert "Boom" in page.text
    assert older.text.count('action="/jobs/discard"') == 2
    assert refused.status_code == 403
    assert again.headers["location"] == "/jobs?did=retry&n=2"
    assert gone.headers["location"] == "/jobs?did=discard&n=1"
    assert cancelled.headers["location"] == "/jobs?did=cancel&n=1"
    assert {answer.status_code for answer in odd} == {422}
    assert "2 jobs put back to run again." in said.text


async def test_a_question_is_answered_in_lines_as_the_work_goes_on(database: Database) -> None:
    async with client(database) as http:
        headers = {"Origin": LOCAL, "X-Ratchet-Csrf": secret(await http.get("/ask", headers=HTML))}
        answer = await http.post("/ask/stream", json={"question": EVIL}, headers=headers)
        without = await http.post("/ask/stream", json={"question": "x"}, headers={"Origin": LOCAL})
        odd = [
            await http.post("/ask/stream", json=body, headers=headers)
            for body in (
                {"question": ""},
                {"question": 1},
                {},
                {"question": "x" * 10_001},
                {"question": "a\0"},
            )
        ]
    doing, last = (json.loads(line) for line in answer.text.splitlines())
    assert doing == {"doing": "Looking through messages"}
    assert "<strong>You asked</strong> &lt;script&gt;" in last["html"]
    assert not MARKUP.search(last["html"])
    assert last["footer"] == "scripted · 2 calls · 1,234 tokens"
    assert without.status_code == 403
    assert {one.status_code for one in odd} == {422}


async def test_without_scripts_the_form_gives_the_page_with_the_answer_or_with_what_is_wrong(
    database: Database,
) -> None:
    house = House()
    async with client(database, house) as http:
        form = {"csrf": secret(await http.get("/ask", headers=HTML)), "question": EVIL}
        page = await http.post("/ask", data=form, headers={"Origin": LOCAL})
        house.failure = Transient("The model is away")
        wrong = await http.post("/ask", data=form, headers={"Origin": LOCAL})
        empty = await http.post("/ask", data=form | {"question": " "}, headers={"Origin": LOCAL})
    assert "<strong>You asked</strong> &lt;script&gt;" in page.text
    assert not MARKUP.search(page.text)
    assert "The model is away" in wrong.text
    assert "Write a question first." in empty.text


async def test_channel_monitors_that_failed_are_named_with_the_reason_where_they_failed(
    database: Database,
) -> None:
    await install(database.conninfo)
    await fill(database)
    failing = {
        "labels": (OPS, "channel_monitor/labels"),
        "quiet": ("C0SECRET", "channel_monitor/quiet"),
        "other": (OPS, "assistant"),
    }
    async with database.transaction() as conn:
        for name, (channel, handler) in failing.items():
            job = HandlerJob(handler=handler, channel_id=channel, ts="1", version="1", thread_ts=name)
            await queue_of(database).put(conn, [NewJob(job)])
            error = {"type": "Refused", "message": f"Channel monitor {name}: {EVIL}", "traceback": ""}
            await conn.execute(
                "update jobs set status = 'failed', headers = %s where status = 'queued'",
                (Jsonb({"failures": 1, "error": error}),),
            )
        await queue_of(database).put(conn, [NewJob(Reading(what="no JSON"))])
        await conn.execute("update jobs set status = 'failed', payload = '{' where status = 'queued'")
    async with client(database) as http:
        overview = (await http.get("/", headers=HTML)).text
        channel = (await http.get("/channels/ops", headers=HTML)).text
    assert re.findall(r"Channel monitor (\w+): &lt;script&gt;", overview) == ["quiet", "labels"]
    assert re.findall(r"Channel monitor (\w+): &lt;script&gt;", channel) == ["labels"]
    assert not MARKUP.search(overview + channel)

"""What a private channel says is found from that channel and from nowhere else, whichever way one asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ratchet.app import runbook_rooms
from ratchet.domain.errors import Refused
from ratchet.domain.messages import MessageRef
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.jobs.base import Done
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import messages
from ratchet.store.channel_report import ChannelReports
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.store.search import Search, Within
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps, WorkspaceLinks
from ratchet.web.app import create_app
from tests.integration.documents.support import CONTEXT
from tests.integration.store.test_search_meaning import Subjects
from tests.integration.web import test_mcp
from tests.integration.web.support import LOCAL, NOW, OPS, SECRET, House, fill, message, services, stamp

QUESTION = "who blocked the address of the intruder at the vault"
BY_MEANING = "password"
TOLD = "blocked the address"
WEB = "https://team.slack.com"


async def recorded(database: Database) -> None:
    await fill(database)
    fix = message(200, "Fixed with `vault seal --now`, and blocked the address", channel=SECRET, parent=180)
    async with database.transaction() as conn:
        await messages.upsert(conn, [(fix, b"")])
    assert await Embed(database, Subjects()).run(EmbedJob(), CONTEXT) == Done()


def told(value: Any) -> bool:
    """Whether anything of the private channel's message is in it."""
    text = json.dumps(asdict(value) if hasattr(value, "__dataclass_fields__") else value, default=str)
    return TOLD in text or stamp(190) in text


@pytest.mark.parametrize("query", [QUESTION, BY_MEANING])
async def test_search_finds_it_from_its_channel_alone(database: Database, query: str) -> None:
    await recorded(database)
    search = Search(database, Subjects())
    for seen_from in (None, PUBLIC, OPS):
        for channels in (None, [SECRET], [OPS, SECRET]):
            hits = await search.messages(query, seen_from, channel_ids=channels, limit=100)
            assert SECRET not in {hit.ref.channel_id for hit in hits}
    assert SECRET in {hit.ref.channel_id for hit in await search.messages(query, SECRET)}
    operator = await search.find(query, Within(everywhere=True))
    assert SECRET in {hit.ref.channel_id for hit in operator}


def tools(database: Database, asked_in: str) -> dict[str, Any]:
    reader = Reader(database, embedder=Subjects())
    deps = ToolDeps(reader, WorkspaceLinks(WEB), lambda: NOW)
    return {tool.name: tool.run for tool in builtin(deps, asked_in)}


async def answers(database: Database, asked_in: str) -> Sequence[bool]:
    """Whether each tool tells of it, asked in a channel."""
    own = tools(database, asked_in)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_messages", {"query": QUESTION}),
        ("search_messages", {"query": BY_MEANING}),
        ("search_messages", {"query": QUESTION, "channel": "security"}),
        ("read_thread", {"message_id": str(MessageRef(SECRET, stamp(180)))}),
        ("channel_report", {"channel": "security", "days": 30}),
    ]
    found = []
    for name, arguments in calls:
        try:
            found.append(told(await own[name](**arguments)))
        except Refused:
            found.append(False)
    return found


async def test_the_assistants_tools_tell_of_it_in_its_channel_alone(database: Database) -> None:
    await recorded(database)
    assert not any(await answers(database, OPS))
    assert not any(await answers(database, PUBLIC))
    inside = await answers(database, SECRET)
    assert all(inside[:4])


async def test_the_report_reads_it_for_its_channel_alone(database: Database) -> None:
    await recorded(database)
    reports = ChannelReports(database)
    since = NOW - timedelta(days=30)

    async def seen(visible_from: str) -> bool:
        rows = await reports.channel_rows(SECRET, visible_from=visible_from, since=since, until=NOW)
        return "Intruder" in str(rows) or stamp(190) in str(rows)

    assert not await seen(OPS)
    assert not await seen(PUBLIC)
    assert await seen(SECRET)


async def test_the_runbook_rests_on_it_in_its_channel_alone(database: Database) -> None:
    await recorded(database)
    runbooks = ToldRunbooks(*runbook_rooms(database, WEB), lambda: NOW)
    for seen_from in (OPS, PUBLIC):
        runbook = await runbooks.told("vault", "Intruder", seen_from)
        assert runbook is None or not told(runbook)
    runbook = await runbooks.told("vault", "Intruder", SECRET)
    assert runbook is not None
    assert TOLD in runbook.markdown


async def test_the_api_tells_it_to_the_operator_alone(database: Database) -> None:
    await recorded(database)
    served = replace(services(database, House(), "secret-token"), search=Search(database, Subjects()))
    transport = httpx.ASGITransport(create_app(served))
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as api:
        for path in ("/api/search", f"/api/channels/{SECRET}/messages/{stamp(180)}/thread"):
            asked = {"q": QUESTION} if path == "/api/search" else {}
            refused = await api.get(path, params=asked)
            assert refused.status_code == 401
            assert TOLD not in refused.text
            answer = await api.get(path, params=asked, headers={"Authorization": "Bearer secret-token"})
            assert TOLD in answer.text


async def test_mcp_tells_it_to_nobody(database: Database) -> None:
    await recorded(database)
    async with test_mcp.session(database) as client:
        for tool, arguments in (
            ("search_messages", {"query": QUESTION}),
            ("search_messages", {"query": QUESTION, "channel": "security"}),
            ("read_thread", {"message_id": str(MessageRef(SECRET, stamp(180)))}),
            ("channel_report", {"channel": "security"}),
        ):
            assert TOLD not in test_mcp.said(await client.call_tool(tool, arguments))

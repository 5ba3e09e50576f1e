"""With much history, no page and no list of the API reads a large table from end to end."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import pytest
from psycopg.rows import scalar_row

from ratchet.jobs.schema import install
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from tests.integration.reports.report_support import watched
from tests.integration.web.support import LOCAL, NOW, House, services

MESSAGES: Final = 20_000
# One message in two opens or resolves an alert; each key fires again some times.
HISTORY: Final = (
    "insert into channels (id, name, kind) select 'C' || n, 'ops-' || n, 'public' from generate_series(0, 19) n",
    """
    insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
    select 'C' || n %% 20, ts, case when n %% 5 = 3 then before end, slack_time(ts), ts, 'said', '',
           jsonb_build_object('sender', jsonb_build_object('kind', case n %% 2 when 0 then 'bot' else 'person' end,
                                                           'id', 'U1', 'name', '')), to_tsvector('said')
    from (select n, to_char(%(until)s - n * 600, 'FM0000000000') || '.000000' as ts,
                 to_char(%(until)s - (n + 40) * 600, 'FM0000000000') || '.000000' as before
          from generate_series(1, %(count)s) n) n
    """,
    """
    insert into incident_events (channel_id, ts, version, happened_at, action, pair_key, service, alert, priority, tool)
    select channel_id, ts, ts, posted_at, case number %% 2 when 0 then 'open_incident' else 'close_incident' end,
           'key-' || number / 2 %% 700, 'service-' || number / 2 %% 40, 'Alert' || number / 2 %% 350, 'HIGH', 'test'
    from (select *, row_number() over (order by ts) as number from messages where attrs->'sender'->>'kind' = 'bot') m
    """,
    """
    insert into reactions (channel_id, ts, reaction, user_id, present, version)
    select channel_id, ts, 'eyes', 'U1', true, ts from messages
    """,
    """
    insert into outbox (key, handler, channel_id, thread_ts, state, slack_ts, created_at)
    select channel_id || ts, 'runbook', channel_id, ts, 'sent', array[ts], posted_at from messages
    """,
    """
    insert into llm_calls (at, purpose, channel_id, model, prompt_hash, requests, input_tokens, output_tokens, cost_usd,
                           seconds, tool_calls)
    select posted_at, 'runbook', channel_id, 'scripted', '', 1, 1000, 100, 0.01, 1.5, 0 from messages
    """,
    "analyze",
)
LARGE: Final = re.compile(
    r"Seq Scan on (?:messages|incident_events|reactions|message_vectors|outbox|llm_calls)\b"
)
PATHS: Final = (
    "/",
    "/alerts",
    "/alerts/service-1/Alert1",
    "/channels",
    "/channels/C1",
    "/jobs",
    "/documents",
    "/ask",
    "/api/channels",
    "/api/channels/C1/messages",
    "/api/services",
    "/api/services?after=service-2&n=10",
    "/api/services/service-1/alerts",
    "/api/services/service-1/alerts/Alert1/messages",
    "/api/services/*/alerts/Alert1/messages",
    "/api/incidents",
    "/api/incidents?open=true",
    "/api/incidents?channel=C1&until=2023-10-01T00:00:00Z",
    "/api/reports/channel?channel=C1",
    "/api/reports/usage",
)


@pytest.fixture
async def busy(database: Database) -> Database:
    await install(database.conninfo)
    async with database.connection() as conn:
        for statement in HISTORY:
            given = {"until": int(NOW.timestamp()), "count": MESSAGES}
            await conn.execute(statement.encode(), given)
    return database


async def test_every_page_and_list_finds_its_rows_by_an_index(busy: Database) -> None:
    noting = watched(busy)
    app = create_app(services(noting, House()))
    wrong = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=LOCAL) as http:
        for path in PATHS:
            noting.asked.clear()
            answer = await http.get(path, headers={} if path.startswith("/api/") else {"Accept": "text/html"})
            assert answer.status_code == 200, (path, answer.text[:300])
            wrong += [(path, plan) for plan in await plans(busy, noting.asked) if LARGE.search(plan)]
    assert not wrong, "\n\n".join(f"{path}\n{plan}" for path, plan in wrong)


async def plans(database: Database, asked: list[tuple[str, Any]]) -> list[str]:
    found = []
    async with database.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        for query, params in asked:
            if re.match(r"\s*(?:with|select|\()", query, re.IGNORECASE):
                await cur.execute(f"explain (costs off) {query}".encode(), params)
                found.append("\n".join(await cur.fetchall()))
    return found

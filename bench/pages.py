"""`pages`: how long each page and each list of the API takes, with much history, through a server.

Each time another channel and another alert, so that nothing is quick because it was just looked at.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from bench.corpus import Corpus
from bench.processes import rows
from bench.repeated import fill
from bench.report import Report, percentile
from ratchet.app import Store, open_store
from ratchet.app.handlers import runbook_rooms
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.settings import load as load_settings
from ratchet.store.channels import Channels
from ratchet.store.documents import Documents, SourceStatus
from ratchet.store.help_threads import HelpThreads
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.overview import Overviews
from ratchet.store.reader import Reader
from ratchet.store.runbooks import Runbooks
from ratchet.store.schedules import Schedules
from ratchet.store.search import Search
from ratchet.tools.base import WorkspaceLinks
from ratchet.web.app import create_app
from ratchet.web.server import serve
from ratchet.web.services import Health, Part, Services, utc_now

DAYS: Final = 150.0
CHANNELS: Final = 20
LIMIT_MS: Final = 100.0
MOST_KB: Final = 100.0
HTML: Final = {"Accept": "text/html"}
TEAM: Final = "https://bench.slack.com"
PATHS: Final = (
    "/",
    "/alerts",
    "/alerts/{service}/{alert}",
    "/channels",
    "/channels/{channel}",
    "/jobs",
    "/documents",
    "/ask",
    "/api/channels",
    "/api/channels/{channel}/messages",
    "/api/services",
    "/api/services/*/alerts",
    "/api/services/{service}/alerts",
    "/api/services/{service}/alerts/{alert}/messages",
    "/api/services/{service}/alerts/{alert}/runbook",
    "/api/incidents",
    "/api/incidents?open=true",
    "/api/incidents?channel={channel}",
    "/api/incidents?until={long_ago}",
    "/api/reports/channel?channel={channel}",
    "/api/reports/usage",
    "/api/docs/status",
)
# Alerts that fired, the frequent ones first.
ALERTS: Final = """
select service, alert, count(*) from incident_events where service is not null and alert is not null
group by 1, 2 order by 3 desc, 1, 2
"""
# 20 sources of 500 documents, four passages each; what it said under each alert, and the cost; some jobs.
AROUND: Final = (
    """
    insert into sources (name, kind, state, checked_at, refreshed_at)
    select 'docs-' || n, 'github', 'ready', now(), now() from generate_series(1, 20) n
    """,
    """
    insert into documents (source, path, blob, format, title, text, names, attrs)
    select 'docs-' || n % 20 + 1, n || '.md', '', 1, 'Document ' || n, repeat('some words ', 200), '{}', '{}'
    from generate_series(1, 10000) n
    """,
    """
    insert into chunks (source, path, number, heading, text, hash, fts)
    select d.source, d.path, n, '', repeat('some words ', 50), decode(md5(d.path || n), 'hex'),
           to_tsvector('some words')
    from documents d, generate_series(1, 4) n
    """,
    """
    insert into outbox (key, handler, channel_id, thread_ts, state, slack_ts, created_at)
    select channel_id || ts, 'runbook', channel_id, ts, 'sent', array[ts], happened_at from incident_events
    """,
    """
    insert into llm_calls (at, model, purpose, channel_id, prompt_hash, requests, tool_calls, input_tokens,
                           output_tokens, cost_usd, seconds)
    select happened_at, 'scripted', 'runbook', channel_id, '', 1, 0, 3000, 400, 0.01, 2.5 from incident_events
    """,
    """
    insert into jobs (entrypoint, payload, priority, status, execute_after, headers)
    select 'message', convert_to('{"channel_id": "C0BENCH001"}', 'utf8'), 0,
           case when n % 10 = 0 then 'failed' else 'queued' end::jobs_status, now() + interval '1 hour',
           '{"failures": 3, "error": {"type": "KeyError", "message": "no such thing", "traceback": "…"}}'
    from generate_series(1, 5000) n
    """,
)


@dataclass(frozen=True, slots=True)
class Places:
    """What to look at, in turn."""

    channels: Sequence[str]
    alerts: Sequence[tuple[str, str]]

    def address(self, path: str, number: int) -> str:
        service, alert = self.alerts[number % len(self.alerts)]
        return path.format(
            channel=self.channels[number % len(self.channels)],
            service=service,
            alert=alert,
            long_ago=datetime.fromtimestamp(time.time() - 60 * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )


@dataclass(frozen=True, slots=True)
class Sources:
    """The documents' states; nothing is read here."""

    documents: Documents
    names: Sequence[str] = ()

    async def status(self) -> Sequence[SourceStatus]:
        return await self.documents.status()

    async def request(self, names: Sequence[str], *, asked: bool) -> int:
        return 0


async def run(directory: Path, *, quick: bool) -> Report:
    count, times = (20_000, 20) if quick else (1_000_000, 100)
    report = Report("pages", f"{count:,} messages in {CHANNELS} channels, each address {times} times")
    async with AsyncExitStack() as stack:
        settings = load_settings({"data_dir": directory, "database_url": None}, env_file=None)
        store = await stack.enter_async_context(open_store(settings))
        began = time.perf_counter()
        corpus = Corpus(seed=7, channels=CHANNELS, alert_share=0.04)
        await fill(store, corpus, count, days=DAYS, until=datetime.now(UTC))
        for statement in (*AROUND, "vacuum (analyze)", "checkpoint"):
            await rows(store.db.conninfo, statement)
        report.add("to fill the database", time.perf_counter() - began, "s")
        [(incidents,)] = await rows(store.db.conninfo, "select count(*) from incidents")
        report.add("incidents", int(incidents), "")
        found = await rows(store.db.conninfo, ALERTS)
        places = Places(corpus.channel_ids, [(service, alert) for service, alert, _ in found])
        http = await stack.enter_async_context(_asking(store))
        for path in PATHS:
            await _measured(report, http, path, places, times)
    return report


@asynccontextmanager
async def _asking(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    # As `ratchet run` does at its start.
    gc.collect()
    gc.freeze()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        app = create_app(_services(store))
        serving = group.create_task(serve(app, ("127.0.0.1", 0), listening.set_result))
        address = f"http://127.0.0.1:{await listening}"
        async with httpx.AsyncClient(base_url=address, timeout=120, trust_env=False) as http:
            yield http
        serving.cancel()


async def _measured(report: Report, http: httpx.AsyncClient, path: str, places: Places, times: int) -> None:
    first, taken, size = 0.0, [], 0
    for number in range(times + 1):
        address = places.address(path, number)
        began = time.perf_counter()
        answer = await http.get(address, headers={} if path.startswith("/api/") else HTML)
        spent = (time.perf_counter() - began) * 1000
        if answer.status_code not in (200, 404):
            raise RuntimeError(f"{address}: {answer.status_code} {answer.text[:500]}")
        if number:
            taken.append(spent)
        else:
            first = spent
        size = max(size, answer.num_bytes_downloaded)
        if not number and not path.startswith("/api/"):
            size += await _loaded(http, answer.text)
    report.below(f"{path}, p95", percentile(taken, 0.95), "ms", LIMIT_MS)
    report.add(f"{path}, the first time", first, "ms")
    report.below(f"{path}, size", size / 1000, "kB", MOST_KB)
    report.raw[path] = taken


async def _loaded(http: httpx.AsyncClient, page: str) -> int:
    """Bytes of what a page loads beside itself."""
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    return sum([(await http.get(one)).num_bytes_downloaded for one in found])


def _services(store: Store) -> Services:
    """What only reads; nothing here posts or asks a model."""

    async def nothing(*_: object) -> None:
        return None

    async def none(*_: object) -> list[dict[str, object]]:
        return []

    async def well() -> Health:
        return Health((Part("database", True, "connected"),))

    db = store.db
    return Services(
        channels=Channels(db),
        messages=Messages(db),
        incidents=Incidents(db),
        search=Search(db),
        outbox=Outbox(db),
        queue=store.queue,
        health=well,
        onboard=nothing,
        generate=none,
        respond=none,
        runbook=ToldRunbooks(*runbook_rooms(db, TEAM), utc_now).told,
        runbook_versions=Runbooks(db).versions,
        post=nothing,
        reports=Reader(db),
        gaps=HelpThreads(db),
        schedules=Schedules(db),
        links=WorkspaceLinks(TEAM),
        overview=Overviews(db),
        sources=Sources(Documents(db)),
    )

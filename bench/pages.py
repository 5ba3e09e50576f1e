"""`pages`: how long each page and each list of the API takes, with much history."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from bench.corpus import Corpus, history
from bench.processes import rows
from bench.report import Report, percentile
from ratchet.app import Store, open_store
from ratchet.domain.events import MessagePosted
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.intake import Intake
from ratchet.settings import load as load_settings
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_stored_message
from ratchet.store.channels import Channels
from ratchet.store.help_threads import HelpThreads
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.overview import Overviews
from ratchet.store.reader import Reader
from ratchet.store.schedules import Schedules
from ratchet.store.search import Search
from ratchet.tools.base import WorkspaceLinks
from ratchet.web.app import create_app
from ratchet.web.services import Health, Services

DAYS: Final = 150.0
CHANNELS: Final = 20
CHANNEL: Final = "C0BENCH000"
LIMIT_MS: Final = 100.0
MOST_KB: Final = 100.0
HTML: Final = {"Accept": "text/html"}
PATHS: Final = (
    "/",
    "/alerts",
    "/channels",
    f"/channels/{CHANNEL}",
    "/jobs",
    "/documents",
    "/ask",
    "/api/channels",
    f"/api/channels/{CHANNEL}/messages",
    "/api/services",
    "/api/services/*/alerts",
    "/api/incidents",
    "/api/incidents?open=true",
    f"/api/incidents?channel={CHANNEL}",
    f"/api/reports/channel?channel={CHANNEL}",
)


async def run(directory: Path, *, quick: bool) -> Report:
    count, times = (20_000, 20) if quick else (1_000_000, 100)
    report = Report("pages", f"{count:,} messages in {CHANNELS} channels, each address {times} times")
    until = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        settings = load_settings({"data_dir": directory, "database_url": None}, env_file=None)
        store = await stack.enter_async_context(open_store(settings))
        await _filled(store, count, until)
        [(incidents,)] = await rows(store.db.conninfo, "select count(*) from incidents")
        report.add("incidents", int(incidents), "")
        transport = httpx.ASGITransport(create_app(_services(store)))
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5001", timeout=120)
        )
        for path in (*PATHS, await _an_alert(store)):
            await _measured(report, http, path, times)
    return report


async def _measured(report: Report, http: httpx.AsyncClient, path: str, times: int) -> None:
    first, taken, size = 0.0, [], 0
    for number in range(times + 1):
        began = time.perf_counter()
        answer = await http.get(path, headers=HTML if not path.startswith("/api/") else {})
        spent = (time.perf_counter() - began) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        if number:
            taken.append(spent)
        else:
            first = spent
        size = max(size, len(answer.content))
    report.below(f"{path}, p95", percentile(taken, 0.95), "ms", LIMIT_MS)
    report.add(f"{path}, the first time", first, "ms")
    if not path.startswith("/api/"):
        report.below(f"{path}, size", size / 1000, "kB", MOST_KB)
    report.raw[path] = taken


async def _an_alert(store: Store) -> str:
    """The page of the alert that fired most."""
    [(service, alert, _)] = await rows(
        store.db.conninfo,
        "select service, alert, count(*) from incident_events where service is not null and alert is not null"
        " group by 1, 2 order by 3 desc limit 1",
    )
    return f"/alerts/{service}/{alert}"


async def _filled(store: Store, count: int, until: datetime) -> None:
    intake = Intake(store.db, store.queue, BuiltIn())
    corpus = Corpus(seed=7, channels=CHANNELS, alert_share=0.04)
    batch: list[MessagePosted] = []
    for channel, message in history(corpus, count, days=DAYS, until=until.timestamp()):
        event = parse_stored_message(channel, "public", message, NOBODY)
        batch += [event] if isinstance(event, MessagePosted) else []
        if len(batch) == 1_000:
            await intake.record_history(batch, onboard=False)
            batch = []
    await intake.record_history(batch, onboard=False)
    for command in ("vacuum (analyze)", "checkpoint"):
        await rows(store.db.conninfo, command)


def _services(store: Store) -> Services:
    """What only reads; nothing here posts or asks a model."""

    async def nothing(*_: object) -> None:
        return None

    async def none(*_: object) -> list[dict[str, object]]:
        return []

    async def well() -> Health:
        return Health(())

    return Services(
        channels=Channels(store.db),
        messages=Messages(store.db),
        incidents=Incidents(store.db),
        search=Search(store.db),
        outbox=Outbox(store.db),
        queue=store.queue,
        health=well,
        onboard=nothing,
        generate=none,
        respond=none,
        runbook=nothing,
        runbook_versions=none,  # type: ignore[arg-type]  # an empty list is one of anything
        post=nothing,
        reports=Reader(store.db),
        gaps=HelpThreads(store.db),
        schedules=Schedules(store.db),
        links=WorkspaceLinks("https://bench.slack.com"),
        overview=Overviews(store.db),
    )

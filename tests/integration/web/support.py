"""Services over a real database, with the callables of the other rooms recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from ratchet.domain.effects import Footer, Reply
from ratchet.domain.incidents import Action, IncidentAction, Priority
from ratchet.domain.messages import Channel, Message, MessageRef, Sender, SenderKind
from ratchet.domain.runbooks import Content, Item, KeptRunbook, ToldRunbook, to_json
from ratchet.jobs.queue import Queue
from ratchet.store import incidents, messages
from ratchet.store.channels import Channels
from ratchet.store.document_search import DocumentSearch
from ratchet.store.help_threads import HelpThreads
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.overview import Overviews
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.store.schedules import Schedules
from ratchet.store.search import Search
from ratchet.tools.base import WorkspaceLinks
from ratchet.web.app import create_app
from ratchet.web.services import Health, Part, Services

OPS, SECRET = "C0OPS", "C0SECRET"
NOW = datetime(2023, 11, 20, tzinfo=UTC)
LOCAL = "http://127.0.0.1:5001"


@dataclass
class House:
    """What the endpoints called, and what they are told."""

    health: Health = field(default_factory=lambda: Health((Part("database", True, "up"),)))
    onboarded: list[tuple[str, int | None]] = field(default_factory=list)
    responded: list[tuple[str, str]] = field(default_factory=list)
    posted: list[tuple[str, str]] = field(default_factory=list)
    failure: Exception | None = None

    async def state(self) -> Health:
        return self.health

    async def onboard(self, channel_id: str, n: int | None) -> None:
        self.onboarded.append((channel_id, n))

    async def generate(self, channel_id: str, ts: str) -> Sequence[Mapping[str, Any]]:
        if self.failure is not None:
            raise self.failure
        return [{"kind": "reply", "channel_id": channel_id, "thread_ts": ts, "markdown": "Restart it."}]

    async def respond(self, channel_id: str, ts: str) -> Sequence[Mapping[str, Any]]:
        self.responded.append((channel_id, ts))
        return await self.generate(channel_id, ts)

    async def runbook(self, service: str | None, alert: str) -> ToldRunbook | None:
        told = ToldRunbook(f"Restart {service}.", "model", "scripted", 2, False, to_json(Content()))
        return told if alert == "HighLatency" else None

    async def versions(self, service: str | None, alert: str, scope: str) -> Sequence[KeptRunbook]:
        content = Content(last_fix=Item("Restart.", (MessageRef("C1", stamp(1)),)))
        kept = KeptRunbook(scope, service, alert, 2, "model", False, "e", content, "scripted", NOW)
        return [kept] if alert == "HighLatency" else []

    async def ask(self, question: str, told: Callable[[str], None]) -> Reply:
        if self.failure is not None:
            raise self.failure
        told("search_messages")
        return Reply(
            "", "1", f"**You asked** {question} <b>bold</b>", Footer("assistant", "scripted", 2, 1234)
        )

    async def post(self, channel_id: str, markdown: str) -> None:
        self.posted.append((channel_id, markdown))


def services(
    database: Database,
    house: House,
    token: str | None = None,
    read_token: str | None = None,
    per_s: float = 0,
) -> Services:
    return Services(
        channels=Channels(database),
        messages=Messages(database),
        incidents=Incidents(database),
        search=Search(database),
        outbox=Outbox(database),
        queue=Queue(database.connection),
        health=house.state,
        onboard=house.onboard,
        generate=house.generate,
        respond=house.respond,
        runbook=house.runbook,
        runbook_versions=house.versions,
        post=house.post,
        reports=Reader(database),
        gaps=HelpThreads(database),
        schedules=Schedules(database),
        links=WorkspaceLinks("https://team.slack.com"),
        overview=Overviews(database),
        token=token,
        read_token=read_token,
        requests_per_s=per_s,
        now=lambda: NOW,
        ask=house.ask,
        documents=DocumentSearch(database),
    )


@asynccontextmanager
async def client(
    database: Database,
    house: House | None = None,
    token: str | None = None,
    base_url: str = LOCAL,
    *,
    read_token: str | None = None,
    per_s: float = 0,
) -> AsyncIterator[httpx.AsyncClient]:
    """Without a server: what the application answers."""
    app = create_app(services(database, house or House(), token, read_token, per_s))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url) as opened:
        yield opened


def queue_of(database: Database) -> Queue:
    return Queue(database.connection)


def stamp(second: int) -> str:
    return f"{1_700_000_000 + second}.000100"


def message(
    second: int,
    text: str,
    *,
    channel: str = OPS,
    parent: int | None = None,
    kind: SenderKind = "person",
) -> Message:
    root = None if parent is None else stamp(parent)
    return Message(channel, stamp(second), Sender(kind, "U0ANA", "ana"), text, stamp(second), root)


def opening(service: str | None, alert: str, priority: Priority = "HIGH") -> IncidentAction:
    return IncidentAction(Action.OPEN, alert, service, priority, pair_key=f"{service}/{alert}", tool="test")


async def fill(database: Database) -> None:
    """A public channel with two alerts, one closed, and their triage; a private one with a third."""
    channels = Channels(database)
    await channels.upsert(Channel(OPS, "ops"))
    await channels.upsert(Channel(SECRET, "security", kind="private"))
    high = message(0, "HighLatency on checkout", kind="bot")
    disk = message(60, "Disk/Full on db/primary", kind="bot")
    closed = message(120, "HighLatency resolved", kind="bot")
    hidden = message(180, "Intruder on vault", channel=SECRET, kind="bot")
    talk = [
        message(10, "the cache was cold, warmed it", parent=0),
        message(11, "Last time it was the cache", parent=0, kind="self"),
        message(190, "blocked the address of the intruder", channel=SECRET, parent=180),
    ]
    closing = IncidentAction(Action.CLOSE, "HighLatency", "checkout", "HIGH", pair_key="checkout/HighLatency")
    judged = [
        incidents.judged(high, opening("checkout", "HighLatency")),
        incidents.judged(disk, opening("db/primary", "Disk/Full", "LOW")),
        incidents.judged(closed, closing),
        incidents.judged(hidden, opening("vault", "Intruder")),
    ]
    async with database.transaction() as conn:
        await messages.upsert(conn, [(m, b"") for m in [high, disk, closed, hidden, *talk]])
        await incidents.record(conn, judged)

"""What the HTTP edge may ask for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ratchet.app.asking import asker
from ratchet.app.handlers import runbook_rooms
from ratchet.app.health import parts_of
from ratchet.app.monitors import monitor_bench
from ratchet.domain.effects import Footer, Post
from ratchet.domain.messages import MessageRef
from ratchet.handlers.runbook import (
    ToldRunbooks,
)
from ratchet.llm.turn import Tool
from ratchet.pipeline.pages import onboard_job
from ratchet.settings import Settings
from ratchet.store import embeddings
from ratchet.store.channels import Channels
from ratchet.store.help_threads import HelpThreads
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.overview import Overviews
from ratchet.store.reader import Reader
from ratchet.store.runbooks import Runbooks
from ratchet.store.schedules import Schedules
from ratchet.store.search import Search
from ratchet.store.vector_tables import VECTOR_TABLES
from ratchet.tools import builtin
from ratchet.tools.base import PUBLIC, ToolDeps, WorkspaceLinks
from ratchet.web.services import Health, Services, utc_now

if TYPE_CHECKING:
    from ratchet.app import Ratchet


def services(ratchet: Ratchet, settings: Settings, roles: Sequence[str]) -> Services:
    """What the HTTP edge may ask for."""
    db = ratchet.store.db
    reader = Reader(db, embedder=ratchet.embedding.questions)

    async def onboard(channel_id: str, limit: int | None) -> None:
        async with db.transaction() as conn:
            await ratchet.store.queue.put(conn, [onboard_job(channel_id, limit)])

    async def generate(channel_id: str, ts: str) -> list[dict[str, Any]]:
        found = await ratchet.dispatch.preview(MessageRef(channel_id, ts))
        return [asdict(effect) for _, effects in found for effect in effects]

    async def respond(channel_id: str, ts: str) -> list[dict[str, Any]]:
        effects = await ratchet.dispatch.respond(MessageRef(channel_id, ts), uuid.uuid4().hex)
        return [asdict(effect) for effect in effects]

    async def health() -> Health:
        return await parts_of(ratchet, roles)

    def tools() -> list[Tool]:
        links = WorkspaceLinks(ratchet.account.team_url)
        return builtin(ToolDeps(reader, links, utc_now, runbooks, ratchet.documents, HelpThreads(db)), PUBLIC)

    runbooks = ToldRunbooks(*runbook_rooms(db, ratchet.account.team_url), utc_now)

    async def post(channel_id: str, markdown: str) -> None:
        effect = Post(channel_id, markdown, Footer("runbook"))
        await ratchet.dispatch.commit(f"runbook:{channel_id}:{uuid.uuid4().hex}", "runbook", [effect])

    return Services(
        Channels(db),
        Messages(db),
        Incidents(db),
        Search(db, ratchet.embedding.questions),
        Outbox(db),
        ratchet.store.queue,
        health,
        onboard,
        generate,
        respond,
        runbooks.told,
        Runbooks(db).versions,
        post,
        reader,
        HelpThreads(db),
        Schedules(db),
        WorkspaceLinks(ratchet.account.team_url),
        Overviews(db),
        settings.http_token.get_secret_value() if settings.http_token else None,
        settings.http_read_token.get_secret_value() if settings.http_read_token else None,
        settings.http_requests_per_s,
        tools=tools,
        mcp=ratchet.mcp.status,
        monitors=monitor_bench(settings, ratchet.runner),
        embedding=lambda: embeddings.status(db, VECTOR_TABLES),
        sources=ratchet.refresh,
        ask=asker(ratchet, settings),
        documents=ratchet.documents,
    )

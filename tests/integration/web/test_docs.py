"""The sources of documents over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from ratchet.documents.directory import Directory
from ratchet.jobs.queue import Queue
from ratchet.pipeline.refresh import Refresh
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from tests.integration.web.support import LOCAL, House, services


@asynccontextmanager
async def asked(database: Database, refresh: Refresh | None) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(replace(services(database, House()), sources=refresh))
    transport, headers = httpx.ASGITransport(app), {"X-Ratchet-Request": "1"}
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL, headers=headers) as opened:
        yield opened


def two(database: Database, root: Path) -> Refresh:
    (root / "one").mkdir()
    (root / "one" / "a.md").write_text("# A\n\nWords.\n")
    (root / "one" / "b.md").write_bytes(b"\0")
    sources = [Directory("one", root / "one"), Directory("two", root / "two")]
    return Refresh(database, Queue(database.connection), sources)


async def test_the_state_of_every_source_is_told(database: Database, tmp_path: Path) -> None:
    refresh = two(database, tmp_path)
    await refresh.refresh("one")
    async with asked(database, refresh) as client:
        one, other = (await client.get("/api/docs/status")).json()["sources"]
    assert (one["name"], one["kind"], one["state"], one["documents"]) == ("one", "directory", "ready", 1)
    assert one["left_out"] == [{"path": "b.md", "reason": "is binary", "lasting": True}]
    assert (other["name"], other["state"], other["documents"]) == ("two", "new", 0)
    await refresh.refresh("two")
    async with asked(database, refresh) as client:
        other = (await client.get("/api/docs/status")).json()["sources"][1]
    assert other["state"] == "failed"
    assert "is not there" in other["error"]


async def test_sources_are_read_on_demand_once_however_often_it_is_asked(
    database: Database, tmp_path: Path
) -> None:
    async with asked(database, two(database, tmp_path)) as client:
        first = await client.post("/api/docs/refresh", params={"name": "one"})
        assert (first.status_code, first.json()) == (202, {"sources": ["one"], "queued": 1})
        again = await client.post("/api/docs/refresh")
        assert again.json() == {"sources": ["one", "two"], "queued": 1}
        unknown = await client.post("/api/docs/refresh", params={"name": "three"})
        assert (unknown.status_code, "'three'" in unknown.json()["detail"]) == (404, True)


async def test_without_sources_there_is_nothing_to_tell(database: Database) -> None:
    async with asked(database, None) as client:
        assert (await client.get("/api/docs/status")).json() == {"sources": []}
        assert (await client.post("/api/docs/refresh")).json() == {"sources": [], "queued": 0}

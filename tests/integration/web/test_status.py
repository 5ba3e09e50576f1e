"""Health, readiness, version, metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import httpx

from ratchet import __version__
from ratchet.jobs.base import Job, NewJob
from ratchet.jobs.queue import Queue
from ratchet.store.embeddings import EmbeddingStatus, InUse
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from ratchet.web.services import Health, Part
from tests.integration.web.support import House, client, services


class Waiting(Job):
    kind: ClassVar[str] = "waiting"


DOWN = Health(
    (
        Part("socket", False, "connecting", "Slack does not answer"),
        Part("worker", True, "running"),
        Part("database", True, "up"),
    )
)


async def test_a_process_with_its_database_is_healthy_though_not_ready(database: Database) -> None:
    async with client(database, House(health=DOWN)) as http:
        health, ready = await http.get("/healthz"), await http.get("/readyz")
    assert (health.status_code, health.json()) == (200, {"ok": True, "database": "up"})
    assert ready.status_code == 503
    assert ready.json() == {
        "ready": False,
        "parts": [
            {"name": "socket", "ready": False, "state": "connecting", "reason": "Slack does not answer"},
            {"name": "worker", "ready": True, "state": "running", "reason": ""},
            {"name": "database", "ready": True, "state": "up", "reason": ""},
        ],
    }


async def test_a_process_is_ready_when_every_part_is(database: Database) -> None:
    async with client(database) as http:
        assert (await http.get("/readyz")).status_code == 200


async def test_a_process_without_its_database_lives_and_is_not_ready(database: Database) -> None:
    """Ending it would not bring the database back: it holds what Slack sent, and goes on when it can."""
    house = House(health=Health((Part("database", False, "down", "does not answer"),)))
    async with client(database, house) as http:
        health, ready = await http.get("/healthz"), await http.get("/readyz")
    assert (health.status_code, health.json()) == (200, {"ok": True, "database": "does not answer"})
    assert ready.status_code == 503


async def test_the_version_is_told(database: Database) -> None:
    async with client(database) as http:
        assert (await http.get("/version")).json() == {"version": __version__}


async def test_metrics_show_the_queue_as_it_is(database: Database) -> None:
    queue = Queue(database.connection)
    async with database.transaction() as conn:
        await queue.put(conn, [NewJob(Waiting(), unique="a"), NewJob(Waiting(), unique="b")])
    async with client(database) as http:
        before = (await http.get("/metrics")).text
        async with database.connection() as conn:
            await conn.execute("delete from jobs")
        after = await http.get("/metrics")
    assert 'ratchet_jobs_queued{kind="waiting"} 2.0' in before
    assert "ratchet_outbox_unsent 0.0" in before
    assert 'kind="waiting"' not in after.text
    assert after.headers["content-type"].startswith("text/plain; version=")


async def test_metrics_are_served_without_the_database(database: Database) -> None:
    await database.pool.close()
    async with client(database) as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert "ratchet_events_total" in answer.text


async def test_the_embedding_model_is_told_and_how_much_waits_for_it(database: Database) -> None:
    async def status() -> EmbeddingStatus:
        return EmbeddingStatus(InUse("words", 64), 3)

    app = create_app(replace(services(database, House()), embedding=status))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        answer = await http.get("/api/embedding")
    assert answer.json() == {"model": "words", "dimension": 64, "waiting": 3}

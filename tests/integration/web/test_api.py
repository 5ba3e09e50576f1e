"""The JSON API over a real database."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from ratchet.jobs.schema import install
from ratchet.store.pool import Database
from tests.integration.web.support import OPS, SECRET, House, client, fill, stamp

OWN = {"X-Ratchet-Request": "1"}


async def get(database: Database, path: str) -> Any:
    await fill(database)
    async with client(database) as http:
        answer = await http.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()


async def test_channels_are_listed_by_name(database: Database) -> None:
    found = await get(database, "/api/channels")
    assert [(c["id"], c["name"], c["kind"]) for c in found["channels"]] == [
        (OPS, "ops", "public"),
        (SECRET, "security", "private"),
    ]


@pytest.mark.parametrize("name", ["ops", OPS, quote("#ops")])
async def test_a_channel_is_found_by_name_and_by_id(database: Database, name: str) -> None:
    assert (await get(database, f"/api/channels/{name}"))["id"] == OPS


async def test_messages_are_paged_from_the_newest(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        first = (await http.get("/api/channels/ops/messages?n=3")).json()
        second = (await http.get(f"/api/channels/ops/messages?n=3&before={first['next_before']}")).json()
    assert [m["ts"] for m in first["messages"]] == [stamp(120), stamp(60), stamp(11)]
    assert [m["ts"] for m in second["messages"]] == [stamp(10), stamp(0)]
    assert second["next_before"] is None
    assert second["messages"][0]["sender"] == {"kind": "person", "id": "U0ANA", "name": "ana"}
    assert second["messages"][0]["thread_ts"] == stamp(0)
    assert second["messages"][0]["posted_at"] == "2023-11-14T22:13:30.000100Z"


@pytest.mark.parametrize("second", [0, 10])
async def test_a_thread_is_given_whole_whichever_message_is_named(database: Database, second: int) -> None:
    found = await get(database, f"/api/channels/{OPS}/messages/{stamp(second)}/thread")
    assert [m["ts"] for m in found["messages"]] == [stamp(0), stamp(10), stamp(11)]


async def test_a_thread_can_be_read_without_its_bots(database: Database) -> None:
    found = await get(database, f"/api/channels/{OPS}/messages/{stamp(0)}/thread?exclude_bot=true")
    assert [m["ts"] for m in found["messages"]] == [stamp(10)]


async def test_onboarding_is_put_off_to_the_queue(database: Database) -> None:
    await fill(database)
    house = House()
    async with client(database, house) as http:
        answer = await http.post("/api/channels/ops/onboard?n=50", headers=OWN)
        default = await http.post("/api/channels/ops/onboard", headers=OWN)
    assert (answer.status_code, answer.json()) == (202, {"channel_id": OPS, "n": 50})
    assert default.status_code == 202
    assert house.onboarded == [(OPS, 50), (OPS, None)]


async def test_search_finds_threads_for_the_operator_in_private_channels_too(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        everywhere = (await http.get("/api/search?q=cache+intruder")).json()["hits"]
        one = (await http.get("/api/search?q=cache+intruder&channels=ops&limit=5")).json()["hits"]
        two = (await http.get(f"/api/search?q=cache+intruder&channels={OPS},security")).json()["hits"]
    assert {hit["thread_ts"] for hit in everywhere} == {stamp(0), stamp(180)}
    assert [hit["ts"] for hit in one] == [stamp(10)]
    assert one[0]["channel"] == "ops"
    assert one[0]["snippet"] == "the cache was cold, warmed it"
    assert len(two) == 2


async def test_services_and_their_alerts_are_listed(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        services = (await http.get("/api/services")).json()["services"]
        alerts = (await http.get("/api/services/checkout/alerts")).json()["alerts"]
        low = (await http.get("/api/services/*/alerts?priority=LOW")).json()["alerts"]
        slash = (await http.get("/api/services/db%2Fprimary/alerts")).json()["alerts"]
    assert [s["service"] for s in services] == ["checkout", "db/primary", "vault"]  # the operator sees all
    assert [(a["alert"], a["priority"], a["firings"]) for a in alerts] == [("HighLatency", "HIGH", 1)]
    assert [a["alert"] for a in low] == ["Disk/Full"]
    assert slash == low


@pytest.mark.parametrize("service", ["db%2Fprimary", "*", "db/primary"])
async def test_messages_of_an_alert_are_listed(database: Database, service: str) -> None:
    found = await get(database, f"/api/services/{service}/alerts/Disk%2FFull/messages")
    assert [(m["channel_id"], m["ts"], m["service"]) for m in found["messages"]] == [
        (OPS, stamp(60), "db/primary")
    ]


async def test_incidents_are_filtered(database: Database) -> None:
    await fill(database)
    async with client(database) as http:

        async def alerts(query: str) -> list[str]:
            rows = (await http.get(f"/api/incidents?{query}")).json()["incidents"]
            return [row["alert"] for row in rows]

        assert await alerts("") == ["Intruder", "Disk/Full", "HighLatency"]
        assert await alerts("open=true&channel=ops") == []  # nothing was heard of it since then
        assert await alerts("since=2023-11-14T22:13:30Z&channel=ops") == ["Disk/Full"]
        assert await alerts("until=2023-11-14T22:13:30") == ["HighLatency"]
        assert await alerts("n=1") == ["Intruder"]
        async with database.transaction() as conn:
            await conn.execute("update incident_events set happened_at = now() where alert = 'Disk/Full'")
        assert await alerts("open=true&channel=ops&until=2100-01-01T00:00:00Z") == ["Disk/Full"]


async def test_an_incident_says_its_state_and_how_long_people_and_it_took(database: Database) -> None:
    await fill(database)
    async with client(database) as http:
        rows = (await http.get("/api/incidents?channel=ops")).json()["incidents"]
    told = [(row["alert"], row["state"], row["tta_s"], row["ttr_s"]) for row in rows]
    assert told == [("Disk/Full", "expired", None, None), ("HighLatency", "closed", 10.0, 120.0)]
    assert rows[1]["acknowledged_at"] == "2023-11-14T22:13:30.000100Z"
    assert rows[1]["last_at"] == rows[1]["closed_at"]


async def test_what_ratchet_would_say_is_shown_and_not_said(database: Database) -> None:
    await fill(database)
    house = House()
    query = {"channel_id": OPS, "ts": stamp(0)}
    async with client(database, house) as http:
        shown = await http.get("/api/commands/generate", params=query)
        assert house.responded == []
        said = await http.post("/api/commands/respond", params=query, headers=OWN)
    assert shown.status_code == 200
    assert said.status_code == 202
    assert shown.json() == said.json()
    assert shown.json()["effects"][0]["markdown"] == "Restart it."
    assert house.responded == [(OPS, stamp(0))]


async def test_the_schema_names_every_endpoint(database: Database) -> None:
    paths = (await get(database, "/openapi.json"))["paths"]
    assert set(paths) == {
        "/healthz",
        "/readyz",
        "/version",
        "/metrics",
        "/api/channels",
        "/api/channels/{name}",
        "/api/channels/{name}/messages",
        "/api/channels/{name}/onboard",
        "/api/channels/{name}/schedules",
        "/api/channels/{name}/schedules/{kind}",
        "/api/channels/{id}/messages/{ts}/thread",
        "/api/search",
        "/api/services",
        "/api/services/{service}/alerts",
        "/api/services/{service}/alerts/{alert}/messages",
        "/api/services/{service}/alerts/{alert}/post-runbook",
        "/api/services/{service}/alerts/{alert}/runbook",
        "/api/services/{service}/alerts/{alert}/runbook/versions",
        "/api/incidents",
        "/api/reports/channel",
        "/api/reports/gaps",
        "/api/reports/usage",
        "/api/commands/generate",
        "/api/commands/respond",
        "/api/mcp",
        "/api/docs/status",
        "/api/docs/refresh",
    }


async def test_a_runbook_is_read_and_posted(database: Database) -> None:
    await fill(database)
    house = House()
    async with client(database, house) as http:
        read = await http.get("/api/services/checkout/alerts/HighLatency/runbook")
        unknown = await http.get("/api/services/checkout/alerts/Nothing/runbook")
        path = "/api/services/*/alerts/HighLatency/post-runbook"
        sent = await http.post(path, params={"channel_id": OPS}, headers={"X-Ratchet-Request": "1"})
        nowhere = await http.post(path, params={"channel_id": "C0NONE"}, headers={"X-Ratchet-Request": "1"})
        versions = await http.get("/api/services/checkout/alerts/HighLatency/runbook/versions")
    said = read.json()
    assert (said["service"], said["alert"], said["markdown"]) == (
        "checkout",
        "HighLatency",
        "Restart checkout.",
    )
    assert (said["writer"], said["version"], said["pinned"]) == ("model", 2, False)
    [version] = versions.json()["versions"]
    assert (version["version"], version["content"]["last_fix"]["text"]) == (2, "Restart.")
    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert sent.status_code == 202
    assert house.posted == [(OPS, "Restart None.")]


async def test_long_answers_are_compressed_for_who_accepts_it_and_pages_are_not(database: Database) -> None:
    await install(database.conninfo)
    await fill(database)
    path = "/api/reports/channel?channel=ops&days=90"
    async with client(database) as http:
        plain = await http.get(path, headers={"Accept-Encoding": "identity"})
        small = await http.get(path, headers={"Accept-Encoding": "gzip"})
        same = await http.get(
            path, headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["etag"]}
        )
        page = await http.get("/", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in small.headers["vary"].lower()
    assert int(small.headers["content-length"]) * 2 < len(plain.content)
    assert small.json().keys() == plain.json().keys()
    assert same.status_code == 304
    assert "content-encoding" not in page.headers
    assert "content-encoding" not in plain.headers

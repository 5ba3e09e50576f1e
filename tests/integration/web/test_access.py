"""Who may call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product

import httpx

from ratchet.store.pool import Database
from tests.integration.web.support import LOCAL, House, client, fill

TOKEN = "a-long-token-ü"
ONBOARD = "/api/channels/ops/onboard"


def bearer(token: str, **others: str) -> httpx.Headers:
    return httpx.Headers({"Authorization": f"Bearer {token}", **others}, encoding="utf-8")


CLOSED = ("/api/channels", "/api/search?q=x", "/metrics", "/openapi.json", "/nothing")
WRONG = (httpx.Headers(), bearer("wrong"), bearer(""), httpx.Headers({"Authorization": "Basic eA=="}))


async def test_with_a_token_configured_everything_but_probes_asks_for_it(database: Database) -> None:
    async with client(database, token=TOKEN) as http:
        for path, headers in product(CLOSED, WRONG):
            answer = await http.get(path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
            assert TOKEN not in answer.text
        allowed = [(await http.get(path, headers=bearer(TOKEN))).status_code for path in CLOSED]
    assert allowed == [200, 200, 200, 200, 404]


async def test_probes_need_no_token(database: Database) -> None:
    async with client(database, token=TOKEN) as http:
        for path in ("/healthz", "/readyz", "/version"):
            assert (await http.get(path)).status_code == 200


async def test_with_the_token_the_host_and_the_origin_do_not_matter(database: Database) -> None:
    await fill(database)
    async with client(database, token=TOKEN, base_url="https://ratchet.example.com") as http:
        headers = bearer(TOKEN, Origin="https://elsewhere.example.com")
        assert (await http.post(ONBOARD, headers=headers)).status_code == 202


LOCAL_HOSTS = ("127.0.0.1:5001", "localhost", "LOCALHOST:80", "[::1]:5001")
OTHER_HOSTS = ("evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.example.com", "10.0.0.1", "")


async def test_without_a_token_local_callers_are_the_operator(database: Database) -> None:
    async with client(database) as http:
        for host in LOCAL_HOSTS:
            assert (await http.get("/api/channels", headers={"Host": host})).status_code == 200


async def test_without_a_token_another_host_name_is_refused(database: Database) -> None:
    async with client(database) as http:
        for host, path in product(OTHER_HOSTS, ("/api/channels", "/healthz")):
            assert (await http.get(path, headers={"Host": host})).status_code == 403


POSTS: list[tuple[dict[str, str], int]] = [
    ({}, 403),
    ({"Origin": "https://evil.example.com"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://127.0.0.1:9999"}, 403),
    ({"Origin": "https://evil.example.com", "X-Ratchet-Request": "1"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "X-Ratchet-Request": "1"}, 403),
    ({"Origin": LOCAL}, 202),
    ({"X-Ratchet-Request": "1"}, 202),
]


async def test_without_a_token_a_page_of_another_site_cannot_post(database: Database) -> None:
    await fill(database)
    house = House()
    async with client(database, house) as http:
        for headers, status in POSTS:
            assert (await http.post(ONBOARD, headers=headers)).status_code == status, headers
    assert len(house.onboarded) == 2


async def test_no_other_origin_is_ever_allowed_to_read(database: Database) -> None:
    async with client(database) as http:
        answer = await http.options(
            "/api/channels",
            headers={"Origin": "https://evil.example.com", "Access-Control-Request-Method": "GET"},
        )
        read = await http.get("/api/channels", headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in read.headers


async def test_a_large_body_is_refused(database: Database) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1024

    headers = {"X-Ratchet-Request": "1"}
    async with client(database) as http:
        whole = await http.post(ONBOARD, content=b"x" * 100_000, headers=headers)
        in_parts = await http.post(ONBOARD, content=parts(), headers=headers)
    assert whole.status_code == 413
    assert in_parts.status_code in (404, 413)  # nobody reads the body of a request that needs none


async def test_the_second_token_reads_and_changes_nothing(database: Database) -> None:
    await fill(database)
    house = House()
    async with client(database, house, token=TOKEN, read_token="reader") as http:
        reader = bearer("reader")
        read = [
            (await http.get(path, headers=reader)).status_code
            for path in ("/api/channels", "/metrics", "/api/reports/channel?channel=ops", "/")
        ]
        post = await http.post(ONBOARD, headers=reader)
        patch = await http.patch("/api/channels/ops", json={"mode": "off"}, headers=reader)
        costly = await http.get(
            "/api/commands/generate?channel_id=C0OPS&ts=1700000000.000100", headers=reader
        )
        signed_in = await http.post("/login", data={"token": "reader"}, headers={"Origin": LOCAL})
        full = await http.post(ONBOARD, headers=bearer(TOKEN))
    assert read == [200, 200, 200, 200]
    assert (post.status_code, patch.status_code, costly.status_code) == (403, 403, 403)
    assert "may only read" in post.json()["detail"]
    assert signed_in.status_code == 403
    assert full.status_code == 202
    assert house.onboarded == [("C0OPS", None)]


async def test_a_request_keeps_its_id_in_the_answer_and_in_its_problem(database: Database) -> None:
    async with client(database) as http:
        given = await http.get("/api/channels/nowhere", headers={"X-Request-Id": "from-my-script.7"})
        odd = await http.get("/api/channels", headers={"X-Request-Id": "a b<script>"})
        page = await http.get("/nothing", headers={"Accept": "text/html", "X-Request-Id": "seen-by-a-person"})
    assert given.headers["x-request-id"] == "from-my-script.7"
    assert given.json()["id"] == "from-my-script.7"
    assert len(odd.headers["x-request-id"]) == 12
    assert "seen-by-a-person" in page.text


async def test_whoever_asks_too_often_is_told_when_to_come_again(database: Database) -> None:
    async with client(database, per_s=0.5) as http:
        answers = [await http.get("/version") for _ in range(8)]
        answers += [await http.get("/api/nothing") for _ in range(9)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:13] == [200] * 8 + [404] * 5
    assert statuses[-1] == 429
    assert answers[-1].headers["retry-after"] in ("1", "2", "3")
    assert answers[-1].headers["content-type"] == "application/problem+json"

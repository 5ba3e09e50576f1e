"""Pages for people: who is let in, what they load, and that nobody else's page acts in their name."""

from __future__ import annotations

import re

import httpx
import pytest

from ratchet.store.pool import Database
from ratchet.web.headers import policy
from ratchet.web.login import local_path
from tests.integration.web.support import LOCAL, House, client, fill

TOKEN = "a-long-token-ü"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SITE = "https://ratchet.example.com"
OWN = {"Origin": SITE, **HTML}


def secret(answer: httpx.Response) -> str:
    [found] = re.findall(r'<meta name="csrf" content="([0-9a-f]+)">', answer.text)
    return str(found)


async def signed_in(http: httpx.AsyncClient, token: str = TOKEN) -> httpx.Response:
    return await http.post("/login", data={"token": token, "next": "/version"}, headers=OWN)


async def test_an_error_is_a_page_to_a_browser_and_problem_details_to_a_program(database: Database) -> None:
    async with client(database) as http:
        page = await http.get("/nothing", headers=HTML)
        details = await http.get("/nothing")
        wrong = await http.get("/api/search", headers=HTML)
    assert (page.status_code, details.status_code, wrong.status_code) == (404, 404, 422)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not Found</h1>" in page.text
    assert details.headers["content-type"] == "application/problem+json"
    assert "query.q" in wrong.text


async def test_what_an_error_quotes_is_text(database: Database) -> None:
    async with client(database) as http:
        page = await http.get("/api/channels/<script>alert(1)<script>", headers=HTML)
    assert page.status_code == 404
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_a_page_loads_from_us_alone_and_only_scripts_with_its_nonce(database: Database) -> None:
    async with client(database) as http:
        pages = [await http.get("/nothing", headers=HTML) for _ in range(2)]
        details = await http.get("/api/channels")
    nonces = [re.findall(r'<script nonce="([^"]+)"', page.text)[0] for page in pages]
    assert nonces[0] != nonces[1]
    for page, nonce in zip(pages, nonces, strict=True):
        assert page.headers["content-security-policy"] == policy(nonce)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
    for answer in (*pages, details):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"


async def test_files_of_pages_are_kept_for_good_under_the_hash_of_their_contents(database: Database) -> None:
    async with client(database, token=TOKEN) as http:
        page = await http.get("/login")
        loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        answers = {path: await http.get(path) for path in loaded}
        missing = [
            await http.get(path) for path in ("/static/style.css", "/static/..%2fapp.py", "/static/x.0.css")
        ]
    assert {path.rpartition(".")[2] for path in loaded} == {"css", "js", "svg"}
    for path, answer in answers.items():
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
    assert [answer.status_code for answer in missing] == [404, 404, 404]
    assert sum(len(answer.content) for answer in answers.values()) < 40_000


async def test_a_browser_without_a_session_is_led_to_the_sign_in_page(database: Database) -> None:
    async with client(database, token=TOKEN, base_url=SITE) as http:
        led = await http.get("/channelmonitor/test?a=b", headers=HTML)
        program = await http.get("/channelmonitor/test")
        api = await http.get("/api/channels", headers=HTML)
    assert led.status_code == 303
    assert led.headers["location"] == "/login?next=/channelmonitor/test%3Fa%3Db"
    assert (program.status_code, api.status_code) == (401, 401)


async def test_the_token_opens_a_session_that_the_cookie_carries(database: Database) -> None:
    async with client(database, token=TOKEN, base_url=SITE) as http:
        wrong = await signed_in(http, "wrong")
        refused = await http.get("/api/channels")
        right = await signed_in(http)
        allowed = await http.get("/api/channels")
    assert (wrong.status_code, refused.status_code) == (403, 401)
    assert "That is not the token" in wrong.text
    assert (right.status_code, right.headers["location"]) == (303, "/version")
    cookie = right.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"))
    assert TOKEN not in cookie
    assert allowed.status_code == 200


async def test_a_session_that_nobody_signed_is_none(database: Database) -> None:
    async with client(database, token=TOKEN, base_url=SITE) as http:
        real = (await signed_in(http)).headers["set-cookie"].partition("=")[2].partition(";")[0]
        http.cookies.clear()
        end, nonce, signature = real.split(".")
        forged = (f"9{end}.{nonce}.{signature}", f"{end}.{nonce}.", "..", "a.b.c", "", signature)
        for value in forged:
            answer = await http.get("/api/channels", headers={"Cookie": f"ratchet_session={value}"})
            assert answer.status_code == 401, value
        assert (
            await http.get("/api/channels", headers={"Cookie": f"ratchet_session={real}"})
        ).status_code == 200


async def test_what_a_session_changes_needs_its_secret_and_our_own_page(database: Database) -> None:
    await fill(database)
    house = House()
    post = "/api/channels/ops/onboard"
    async with client(database, house, token=TOKEN, base_url=SITE) as http:
        await signed_in(http)
        given = secret(await http.get("/nothing", headers=HTML))
        cases: list[tuple[dict[str, str], int]] = [
            ({}, 401),
            ({"X-Ratchet-Csrf": given}, 401),
            ({"Origin": SITE}, 403),
            ({"Origin": SITE, "X-Ratchet-Csrf": "0" * 64}, 403),
            ({"Origin": SITE, "X-Ratchet-Csrf": "ü"}, 403),
            ({"Origin": "https://evil.example.com", "X-Ratchet-Csrf": given}, 401),
            ({"Origin": "null", "X-Ratchet-Csrf": given}, 401),
            ({"Origin": SITE, "X-Ratchet-Csrf": given}, 202),
        ]
        for headers, status in cases:
            sent = httpx.Headers(headers, encoding="utf-8")
            assert (await http.post(post, headers=sent)).status_code == status, headers
    assert len(house.onboarded) == 1


async def test_signing_out_is_a_form_with_the_secret_and_ends_the_session(database: Database) -> None:
    async with client(database, token=TOKEN, base_url=SITE) as http:
        await signed_in(http)
        given = secret(await http.get("/nothing", headers=HTML))
        without = await http.post("/logout", headers=OWN)
        out = await http.post("/logout", data={"csrf": given}, headers=OWN)
        after = await http.get("/api/channels")
    assert (without.status_code, out.status_code, after.status_code) == (403, 303, 401)


async def test_on_loopback_nobody_signs_in_and_forms_carry_a_secret_all_the_same(database: Database) -> None:
    async with client(database) as http:
        page = await http.get("/nothing", headers=HTML)
        assert "Sign out" not in page.text
        assert (await http.post("/logout", headers={"Origin": LOCAL})).status_code == 403
        given = {"csrf": secret(page)}
        assert (await http.post("/logout", data=given, headers={"Origin": LOCAL})).status_code == 303
        evil = {"Origin": "http://127.0.0.1:9999"}
        assert (await http.post("/logout", data=given, headers=evil)).status_code == 403


async def test_a_link_in_slack_opens_a_page_and_nothing_else(database: Database) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with client(database) as http:
        assert (await http.get("/nothing", headers=HTML | link)).status_code == 404
        assert (await http.get("/api/channels", headers=HTML | link)).status_code == 403
        framed = link | {"Sec-Fetch-Dest": "iframe"}
        assert (await http.get("/nothing", headers=HTML | framed)).status_code == 403
    async with client(database, token=TOKEN, base_url=SITE) as http:
        page = await http.get("/login?next=/jobs", headers=HTML | link)
        assert '<meta http-equiv="refresh" content="0; url=/jobs">' in page.text
        assert "refresh" not in (await http.get("/login?next=/jobs", headers=HTML)).text


async def test_whoever_guesses_tokens_is_made_to_wait(database: Database) -> None:
    async with client(database, token=TOKEN, base_url=SITE) as http:
        statuses = [(await signed_in(http, f"guess {n}")).status_code for n in range(21)]
        assert statuses == [403] * 20 + [429]
        assert (await signed_in(http)).status_code == 429


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/jobs?state=dead", "/jobs?state=dead"),
        ("", "/"),
        ("jobs", "/"),
        ("//evil.example.com", "/"),
        ("/\\evil.example.com", "/"),
        ("https://evil.example.com", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/login?next=/login", "/"),
    ],
)
def test_signing_in_leads_to_no_other_site(wanted: str, path: str) -> None:
    assert local_path(wanted) == path

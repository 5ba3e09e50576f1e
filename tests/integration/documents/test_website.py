"""A website as a source: what is asked for, how often, and where never."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from ratchet.documents.base import NOTHING
from ratchet.documents.web_fetch import private
from ratchet.documents.website import Pace, Website, path_of
from ratchet.domain.errors import Refused, Transient
from ratchet.jobs.queue import Queue
from ratchet.pipeline.refresh import Refresh, Refreshed
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents
from ratchet.store.pool import Database

TIME = 1_700_000_000.0


@dataclass
class Answer:
    body: str | bytes = ""
    kind: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """Answers by path; counts what was asked and what was 304."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0

    def page(self, path: str, title: str, words: str, head: str = "") -> None:
        html = f"<html><head>{head}</head><body><nav>Menu</nav><main><h1>{title}</h1><p>{words}</p></main></body></html>"
        self.answers[path] = Answer(html, headers={"ETag": f'"{hash((title, words, head))}"'})

    def sitemap(self, *paths: str, modified: str = "", at: str = "/sitemap.xml", kind: str = "url") -> None:
        last = f"<lastmod>{modified}</lastmod>" if modified else ""
        urls = (path if "://" in path else f"{self.url}{path}" for path in paths)
        entries = "".join(f"<{kind}><loc>{url}</loc>{last}</{kind}>" for url in urls)
        root = "urlset" if kind == "url" else "sitemapindex"
        body = f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{root}>'
        self.answers[at] = Answer(body, "application/xml")

    async def handle(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path + (f"?{request.query_string}" if request.query_string else "")
        self.asked[path] += 1
        answer = self.answers.get(path, Answer("no", status=404))
        if answer.headers.get("ETag") and answer.headers["ETag"] == request.headers.get("If-None-Match"):
            self.unchanged += 1
            return web.Response(status=304)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        return web.Response(body=body, status=answer.status, content_type=answer.kind, headers=answer.headers)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://localhost:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


class Clock:
    """A time that only waiting moves."""

    def __init__(self) -> None:
        self.now = TIME
        self.waits: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


async def here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@dataclass
class Reader:
    db: Database
    site: Site
    source: Website
    clock: Clock

    async def refresh(self, *, asked: bool = False) -> Refreshed:
        self.site.asked.clear()
        return await Refresh(self.db, Queue(self.db.connection), [self.source]).refresh("docs", asked=asked)

    async def paths(self) -> list[str]:
        return sorted(await Documents(self.db).paths("docs"))


@pytest.fixture
def reader(database: Database, site: Site) -> Reader:
    clock = Clock()
    pace = Pace(0.2, clock.time, clock.sleep, here)
    source = Website("docs", site.url, allow_private=frozenset({"localhost"}), pace=pace)
    return Reader(database, site, source, clock)


async def test_the_pages_of_a_sitemap_are_read_by_their_main_content(reader: Reader, site: Site) -> None:
    site.page("/guide/disk", "Disk full", "Grow the volume.")
    site.page("/", "Start", "Where things are.")
    site.sitemap("/", "/guide/disk")
    done = await reader.refresh()
    assert (done.read, done.error, done.problems) == (2, None, [])
    (hit, *_) = await DocumentSearch(reader.db).find("volume")
    assert (hit.path, hit.url, hit.title) == ("guide/disk", f"{site.url}/guide/disk", "Disk full")
    assert await DocumentSearch(reader.db).find("menu") == []


async def test_what_did_not_change_is_asked_for_by_its_etag_and_only_now_and_then(
    reader: Reader, site: Site
) -> None:
    site.page("/a", "A", "One.")
    site.page("/b", "B", "Two.")
    site.sitemap("/a", "/b")
    await reader.refresh()
    done = await reader.refresh()
    assert (done.unchanged, set(site.asked)) == (2, {"/robots.txt", "/sitemap.xml"})
    reader.clock.now += 7 * 3_600
    site.page("/b", "B", "Three.")
    done = await reader.refresh()
    assert (done.read, done.unchanged, site.unchanged) == (1, 1, 1)
    done = await reader.refresh(asked=True)
    assert (done.read, done.unchanged, site.unchanged) == (0, 2, 3)


async def test_a_date_in_the_sitemap_says_what_to_ask_for(reader: Reader, site: Site) -> None:
    site.page("/a", "A", "One.")
    site.sitemap("/a", modified="2026-01-01")
    await reader.refresh()
    reader.clock.now += 30 * 86_400
    await reader.refresh()
    assert site.asked["/a"] == 0
    site.sitemap("/a", modified="2026-01-02")
    await reader.refresh()
    assert site.asked["/a"] == 1


async def test_pages_that_go_from_the_sitemap_or_answer_404_disappear(reader: Reader, site: Site) -> None:
    for name in "abc":
        site.page(f"/{name}", name, "Words.")
    site.sitemap("/a", "/b", "/c")
    await reader.refresh()
    site.sitemap("/a", "/b")
    del site.answers["/b"]
    await reader.refresh(asked=True)
    assert await reader.paths() == ["a"]


async def test_robots_txt_is_respected_with_its_pace_and_its_sitemaps(reader: Reader, site: Site) -> None:
    site.answers["/robots.txt"] = Answer(
        f"User-agent: ratchet\nDisallow: /secret\nCrawl-delay: 3\n\nSitemap: {site.url}/maps/one.xml\n"
        "Sitemap: https://elsewhere.example/two.xml\n",
        "text/plain",
    )
    site.page("/a", "A", "One.")
    site.sitemap("/a", "/secret/b", at="/maps/one.xml")
    done = await reader.refresh()
    assert [(p.path, p.reason) for p in done.problems] == [
        ("secret/b", "is not for programs, says robots.txt")
    ]
    assert site.asked["/secret/b"] == 0
    assert set(reader.clock.waits) == {3.0}


async def test_an_index_of_packed_sitemaps_is_read_and_its_circles_are_not(
    reader: Reader, site: Site
) -> None:
    site.page("/a", "A", "One.")
    site.sitemap("/one.xml.gz", "/sitemap.xml", "https://elsewhere.example/x.xml", kind="sitemap")
    site.sitemap("/a", at="/one.xml.gz")
    packed = site.answers["/one.xml.gz"].body
    assert isinstance(packed, str)
    site.answers["/one.xml.gz"] = Answer(gzip.compress(packed.encode()), "application/gzip")
    assert (await reader.refresh()).read == 1
    assert site.asked["/sitemap.xml"] == 1


async def test_pages_of_other_sites_and_above_the_address_are_no_pages(reader: Reader, site: Site) -> None:
    site.page("/docs/a", "A", "One.")
    site.page("/other", "Other", "Two.")
    site.sitemap("/docs/a", "/other", "/docsnot", "https://elsewhere.example/docs/b", "javascript:alert(1)")
    reader.source = replace(reader.source, address=f"{site.url}/docs")
    assert (await reader.refresh()).problems == []
    assert await reader.paths() == ["docs/a"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("https://elsewhere.example/x", "off the site"),
        ("http://127.0.0.1:1/x", "off the site"),
        ("file:///etc/passwd", "off the site"),
        ("/a", "in a circle"),
    ],
    ids=["another site", "this machine", "a file", "itself"],
)
async def test_redirects_off_the_site_are_not_followed(
    reader: Reader, site: Site, target: str, said: str
) -> None:
    site.answers["/a"] = Answer(status=302, headers={"Location": target})
    site.page("/b", "B", "Two.")
    site.sitemap("/a", "/b")
    done = await reader.refresh()
    assert done.read == 1
    assert said in done.problems[0].reason


async def test_redirects_without_end_are_given_up(reader: Reader, site: Site) -> None:
    for number in range(30):
        site.answers[f"/{number}"] = Answer(status=301, headers={"Location": f"/{number + 1}"})
    site.page("/b", "B", "Two.")
    site.sitemap("/0", "/b")
    done = await reader.refresh()
    assert "redirects more than" in done.problems[0].reason
    assert sum(site.asked.values()) < 12


async def test_a_site_at_a_private_address_is_refused_unless_the_operator_means_it(
    reader: Reader, site: Site
) -> None:
    site.page("/a", "A", "One.")
    site.sitemap("/a")
    reader.source = replace(reader.source, allow_private=frozenset())
    done = await reader.refresh()
    assert "this machine's" in (done.error or "")
    assert sum(site.asked.values()) == 0


async def test_a_name_with_one_private_address_among_others_is_refused(reader: Reader) -> None:
    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "169.254.169.254"]

    pace = replace(reader.source.pace, resolve=mixed)
    source = replace(reader.source, pace=pace, allow_private=frozenset({"localhost"}))
    async with source.session(NOTHING) as session:
        with pytest.raises(Refused, match=r"169\.254\.169\.254"):
            await session.list()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "::1", "fd00::1",
     "fe80::1%eth0", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::1", "224.0.0.1"],
)  # fmt: skip
def test_addresses_of_no_public_host_are_known(address: str) -> None:
    assert private(address) is not None


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_known_too(address: str) -> None:
    assert private(address) is None


async def test_the_same_page_under_two_addresses_is_kept_once(reader: Reader, site: Site) -> None:
    site.page("/a", "A", "One.")
    site.page("/a2", "A", "One.", head=f'<link rel="canonical" href="{site.url}/a">')
    site.answers["/a3"] = Answer(status=301, headers={"Location": "/a"})
    site.sitemap("/a", "/a2", "/a3")
    done = await reader.refresh()
    assert await reader.paths() == ["a"]
    assert {problem.reason for problem in done.problems} == {"is the same page as a"}


async def test_bad_pages_are_reported_and_the_rest_is_read(reader: Reader, site: Site) -> None:
    site.page("/good", "Good", "Words.")
    site.answers["/large"] = Answer("x" * 10_000_000)
    site.answers["/binary"] = Answer(b"\x89PNG", "image/png")
    site.answers["/empty"] = Answer("<html><body><nav>Menu</nav></body></html>")
    site.answers["/hidden"] = Answer("<p>x</p>", headers={"X-Robots-Tag": "noindex"})
    site.answers["/notes.md"] = Answer("# Notes\n\nPlain.", "text/markdown")
    site.answers["/latin"] = Answer("<h1>Café</h1>".encode("latin-1"), "text/html")
    site.sitemap("/good", "/large", "/binary", "/empty", "/hidden", "/gone", "/notes.md", "/latin")
    done = await reader.refresh()
    assert {problem.path for problem in done.problems} == {"large", "binary", "empty", "hidden", "gone"}
    assert await reader.paths() == ["good", "latin", "notes.md"]


async def test_a_page_that_fails_for_now_keeps_what_is_stored(reader: Reader, site: Site) -> None:
    site.page("/a", "A", "One.")
    site.page("/b", "B", "Two.")
    site.sitemap("/a", "/b")
    await reader.refresh()
    site.answers["/a"] = Answer(status=500)
    done = await reader.refresh(asked=True)
    assert (done.error, await reader.paths()) == (None, ["a", "b"])
    site.answers["/sitemap.xml"] = Answer(status=404)
    done = await reader.refresh()
    assert "has no sitemap there" in (done.error or "")
    assert await reader.paths() == ["a", "b"]


async def test_a_site_that_asks_for_patience_gets_it(reader: Reader, site: Site) -> None:
    site.page("/b", "B", "Two.")
    site.answers["/a"] = Answer(status=429, headers={"Retry-After": "120"})
    site.sitemap("/b", "/a")
    done = await reader.refresh()
    assert (done.read, done.retry_after) == (1, 120)


async def test_what_a_site_answered_is_remembered_when_it_fails_half_way(reader: Reader, site: Site) -> None:
    site.page("/a", "A", "One.")
    site.answers["/b"] = Answer(status=429, headers={"Retry-After": "120"})
    site.sitemap("/a", "/b")
    assert (await reader.refresh()).error is not None
    site.page("/b", "B", "Two.")
    done = await reader.refresh()
    assert (done.read, done.unchanged, site.asked["/a"]) == (1, 1, 0)


async def test_a_page_that_fails_for_now_does_not_make_the_others_be_asked_for(
    reader: Reader, site: Site
) -> None:
    site.page("/a", "A", "One.")
    site.answers["/b"] = Answer(status=500)
    site.sitemap("/a", "/b")
    await reader.refresh()
    await reader.refresh()
    assert (site.asked["/a"], site.asked["/b"]) == (0, 1)


async def test_more_pages_than_allowed_are_left_out(reader: Reader, site: Site) -> None:
    for number in range(5):
        site.page(f"/{number}", f"Page {number}", "Words.")
    site.sitemap(*(f"/{number}" for number in range(5)))
    reader.source = replace(reader.source, max_pages=2)
    done = await reader.refresh()
    assert (done.read, len(done.problems)) == (2, 3)


async def test_a_site_that_is_away_is_an_error_and_not_empty(reader: Reader) -> None:
    source = replace(reader.source, address="http://localhost:1")
    async with source.session(NOTHING) as session:
        with pytest.raises(Transient, match="does not answer"):
            await session.list()


def test_addresses_become_paths() -> None:
    assert path_of("https://a.example/guide/disk%20full.html?v=2") == "guide/disk full.html?v=2"
    assert path_of("https://a.example/") == "index"

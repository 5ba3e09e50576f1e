"""Finding documents by words, by meaning and by the alert they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from localslack import example_path
from ratchet.documents.directory import Directory
from ratchet.jobs.queue import Queue
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh
from ratchet.store.document_search import DocumentSearch
from ratchet.store.pool import Database
from tests.integration.documents.support import Library

REDIS = """---
title: Redis of the catalog is full
alert: RedisMemoryHigh
service: catalog
---
# Redis of the catalog is full

`redis-catalog-0` has 12 GB. Everything in it is a cache and may be dropped without asking anyone, since
product pages only get slower for some minutes while it fills again. Do it in portions, so that Redis keeps
answering: a server that is busy with one long command looks like one that is down to all the others.

## Free memory

Unlink facet keys: `redis-cli --scan --pattern 'facet:*' | xargs redis-cli unlink`. Facet keys are the
usual suspects. Never `flushall`: the cold cache takes catalog-db down, and with it every page of every shop
that we have, for as long as it takes to fill it again.
"""
MAIL = """# Mail is late

The queue of outgoing mail grows when the relay refuses us. Look at the log of the relay for `ERR_421` first,
and ask the provider whether we are throttled. Nothing is lost: mail stays in the queue for two days and goes
by itself.
"""


@pytest.fixture
async def filled(library: Library) -> Library:
    library.write("runbooks/redis-memory.md", REDIS)
    library.write("runbooks/mail.md", MAIL)
    for number in range(20):
        library.write(
            f"notes/{number}.md", f"# Note {number}\n\nThe meeting of week {number} decided nothing new."
        )
    await library.refresh()
    return library


async def paths(search: DocumentSearch, query: str) -> list[str]:
    return [hit.path for hit in await search.find(query)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("how do I free memory of the cache", "runbooks/redis-memory.md"),
        ("RedisMemoryHigh", "runbooks/redis-memory.md"),
        ("ERR_421 again!!", "runbooks/mail.md"),
        ("flushall", "runbooks/redis-memory.md"),
    ],
)
async def test_any_word_finds_and_rare_ones_count(filled: Library, query: str, path: str) -> None:
    assert (await paths(filled.search, query))[0] == path


async def test_a_hit_has_the_document_and_its_best_passages(filled: Library) -> None:
    hit = (await filled.search.find("unlink facet keys"))[0]
    assert hit.id == "docs/runbooks/redis-memory.md"
    assert (hit.title, hit.heading) == ("Redis of the catalog is full", "Free memory")
    assert hit.passages[0].text.startswith("Unlink facet keys")
    assert hit.url == ""


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "!!! ??? …",
        "'; drop table chunks; --",
        "a & | ! <-> b:*",
        "\x00\x01",
        "word " * 2_500,
        "\ud800",
    ],
)
async def test_any_text_is_a_question(filled: Library, query: str) -> None:
    await filled.search.find(query)
    await filled.search.naming(query, query)


async def test_the_statistics_of_the_database_do_not_change_what_is_found(filled: Library) -> None:
    before = await paths(filled.search, "free memory of redis")
    async with filled.db.connection() as conn:
        await conn.execute("analyze chunks")
    assert (await paths(filled.search, "free memory of redis"))[0] == before[0]


@pytest.mark.parametrize(
    ("alert", "service"), [("RedisMemoryHigh", "catalog"), ("RedisMemoryHigh", None), ("redis memory", None)]
)
async def test_a_document_is_found_by_the_alert_it_is_for(
    filled: Library, alert: str, service: str | None
) -> None:
    hit = await filled.search.naming(alert, service)
    assert hit is not None
    assert hit.path == "runbooks/redis-memory.md"
    assert hit.passages[0].text.startswith("`redis-catalog-0` has 12 GB")


async def test_a_document_for_another_service_is_none(filled: Library) -> None:
    assert await filled.search.naming("RedisMemoryHigh", "sessions") is None
    assert await filled.search.naming("NoSuchAlert", "catalog") is None


async def test_the_passages_start_where_the_alert_is_named(library: Library) -> None:
    filler = "Some words to make it long enough to stand alone. " * 8
    library.write(
        "all.md",
        f"# Alerts of mail\n\n{filler}\n\n## QueueGrows\n\n{filler}\n\n## RelayDown\n\nCall them. {filler}",
    )
    await library.refresh()
    hit = await library.search.naming("RelayDown")
    assert hit is not None
    assert hit.heading == "RelayDown"
    assert hit.passages[0].text.startswith("Call them.")


class Broken:
    """A model that does not answer."""

    model = "letters"
    dimension = 384

    async def embed(self, texts: object) -> list[list[float]]:
        raise TimeoutError


async def test_while_the_model_is_away_words_are_enough(filled: Library) -> None:
    await filled.embed()
    assert (await paths(DocumentSearch(filled.db, Broken()), "flushall"))[0] == "runbooks/redis-memory.md"


async def test_vectors_of_another_model_are_not_compared(filled: Library) -> None:
    await filled.embed()
    text = "Mail is late\n" + MAIL.split("\n", 2)[2].strip()
    same = DocumentSearch(filled.db, filled.embedder)
    assert "runbooks/mail.md" in await paths(same, text)
    other = type(filled.embedder)(model="other")
    found = await DocumentSearch(filled.db, other).find("zzzz")
    assert found == []
    assert len(await same.find("zzzz")) > 0


async def test_the_bundled_model_finds_by_meaning(database: Database, tmp_path: Path) -> None:
    source = Directory("harbor", example_path() / "documents")
    refresh = Refresh(database, Queue(database.connection), [source])
    assert (await refresh.refresh("harbor")).problems == []
    embedder = LocalEmbedder()
    try:
        assert await Embed(database, embedder).work(embedder, float("inf"))
        search = DocumentSearch(database, embedder)
        # No word of the question is on any page but the smallest; the model knows what it is about.
        assert "runbooks/certificate-expiry.md" not in await paths(DocumentSearch(database), "TLS")
        assert (await paths(search, "TLS"))[0] == "runbooks/certificate-expiry.md"
        hit = await search.naming("HighErrorRate", "checkout")
        assert hit is not None
        assert hit.path == "runbooks/checkout-high-error-rate.md"
    finally:
        embedder.close()


async def test_a_document_is_read_by_its_identifier_and_by_its_address_in_any_revision(
    filled: Library,
) -> None:
    [hit] = await filled.search.find("unlink facet keys", 1)
    assert hit.id == "docs/runbooks/redis-memory.md"
    found = await filled.search.read(hit.id)
    assert found is not None
    assert (found.path, found.text) == (hit.path, REDIS)
    async with filled.db.transaction() as conn:
        await conn.execute("update sources set base = 'https://git.example/acme/docs', revision = 'abc'")
        await conn.execute("update documents set url = 'https://git.example/view/' || path")
    for name in (
        "https://git.example/acme/docs/blob/abc/runbooks/redis-memory.md",
        "https://git.example/acme/docs/blob/feature/x/runbooks/redis-memory.md#free-memory",
        "https://git.example/view/runbooks/redis-memory.md",
    ):
        again = await filled.search.read(name)
        assert again is not None
        assert again.id == "https://git.example/acme/docs/blob/abc/runbooks/redis-memory.md"


@pytest.mark.parametrize(
    "name", ["", "docs", "docs/", "docs/nope.md", "https://evil.example/x", "\0", "/" * 900]
)
async def test_what_is_no_document_is_not_read(filled: Library, name: str) -> None:
    assert await filled.search.read(name) is None


async def test_a_title_says_more_the_fewer_words_it_has(library: Library) -> None:
    library.write("one.md", "# Failover\n\nAsk the owner first, then do it by hand, and watch the lag.\n")
    library.write(
        "two.md",
        "# Notes of a week with a failover, two upgrades, nine meetings, lunch, tickets and budgets\n\n"
        "The failover took a minute.\n",
    )
    await library.refresh()
    assert await paths(library.search, "failover") == ["one.md", "two.md"]


async def test_a_word_said_once_in_a_long_text_does_not_count_like_a_heading(library: Library) -> None:
    text = "Words about many other things, as they come. " * 30
    library.write("long.md", f"# Chronicle\n\n{text} The certificate was renewed. {text}\n")
    library.write("short.md", f"# Chores\n\n## Certificate\n\nRenew it in March. {text}\n")
    await library.refresh()
    assert (await paths(library.search, "certificate"))[0] == "short.md"

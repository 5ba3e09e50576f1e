"""Documents → store: only what changed, and nothing that is gone."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import pytest

from ratchet.documents.base import File, Known, Listing, Problem
from ratchet.documents.directory import Directory
from ratchet.documents.parse import document
from ratchet.domain.errors import Transient
from ratchet.jobs.base import Cancel, Done, Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.embed import BATCH, Embed
from ratchet.pipeline.refresh import Refresh
from ratchet.pipeline.work import EmbedJob, RefreshJob
from ratchet.store.documents import Documents
from ratchet.store.pool import Database
from tests.integration.documents.support import CONTEXT, Library

CHUNKS = "select path, number, heading, text, embedding is not null from chunks order by path, number"
WAITING = "select entrypoint, count(*)::int from jobs group by 1 order by 1"
BODY = "Words about the matter at hand, enough of them to stand alone. " * 6


def page(title: str, *sections: str) -> str:
    return f"# {title}\n\n" + "\n\n".join(f"## {name}\n\n{name}: {BODY}" for name in sections)


async def test_a_directory_is_read_into_documents_and_chunks(library: Library) -> None:
    library.write("runbooks/redis.md", page("Redis is full", "Find", "Free"))
    done = await library.refresh()
    assert (done.read, done.unchanged, done.removed, done.problems) == (1, 0, 0, [])
    rows = await library.rows(CHUNKS)
    assert [(path, number, heading) for path, number, heading, _, _ in rows] == [
        ("runbooks/redis.md", 0, "Find"),
        ("runbooks/redis.md", 1, "Free"),
    ]
    status = await library.status()
    assert (status.state, status.documents, status.chunks, status.embedded) == ("ready", 1, 2, 0)
    assert status.refreshed_at is not None


async def test_what_did_not_change_is_not_read_again(library: Library) -> None:
    library.write("a.md", page("A", "One"))
    library.write("b.md", page("B", "One"))
    await library.refresh()
    before = await library.rows("select path, indexed_at from documents order by 1")
    library.write("b.md", page("B", "Two"))
    done = await library.refresh()
    assert (done.read, done.unchanged) == (1, 1)
    after = await library.rows("select path, indexed_at from documents order by 1")
    assert after[0] == before[0]
    assert after[1] != before[1]


async def test_what_is_deleted_disappears_and_a_shorter_document_loses_its_end(library: Library) -> None:
    library.write("a.md", page("A", "One", "Two", "Three"))
    library.write("b.md", page("B", "One"))
    await library.refresh()
    (library.root / "b.md").unlink()
    library.write("a.md", page("A", "One"))
    done = await library.refresh()
    assert done.removed == 1
    assert [(path, heading) for path, _, heading, _, _ in await library.rows(CHUNKS)] == [("a.md", "One")]


async def test_a_bad_file_is_reported_and_the_rest_is_read(library: Library) -> None:
    library.write("good.md", page("Good", "One"))
    library.write("binary.md", b"\x00\x01\x02")
    library.write("large.md", b"x" * 10_000_000)
    library.write("latin.md", "café".encode("latin-1"))
    (library.root / "out.md").symlink_to("/etc/hostname")
    done = await library.refresh()
    assert done.read == 1
    status = await library.status()
    assert status.state == "ready"
    assert {problem["path"] for problem in status.problems} == {"binary.md", "large.md", "latin.md", "out.md"}
    library.write("latin.md", "café")
    await library.refresh()
    assert "latin.md" not in {problem["path"] for problem in (await library.status()).problems}


async def test_a_file_that_became_unreadable_text_is_not_shown_any_longer(library: Library) -> None:
    library.write("a.md", page("A", "One"))
    await library.refresh()
    library.write("a.md", b"\x00")
    assert (await library.refresh()).removed == 1
    assert await library.rows(CHUNKS) == []


async def test_a_directory_that_is_away_leaves_what_is_stored(library: Library) -> None:
    library.write("a.md", page("A", "One"))
    await library.refresh()
    shutil.rmtree(library.root)
    done = await library.refresh()
    assert done.error is not None
    status = await library.status()
    assert (status.state, status.documents) == ("failed", 1)
    assert "is not there" in (status.error or "")
    library.root.mkdir()
    library.write("a.md", page("A", "One"))
    assert (await library.refresh()).unchanged == 1
    assert (await library.status()).error is None


class Flaky:
    """A source that goes away after its first file; it is its own session."""

    name = "docs"
    kind = "directory"
    base = ""
    fingerprint = "1"
    parallel = 1

    @property
    def memory(self) -> dict[str, str]:
        return {}

    def session(self, known: Known) -> AbstractAsyncContextManager[Flaky]:
        return nullcontext(self)

    async def list(self) -> Listing:
        return Listing("1", {"a.md": "1", "b.md": "2"}, (Problem("c.md", "is away", lasting=False),))

    async def read(self, path: str) -> File | Problem:
        if path == "b.md":
            raise Transient("the source is away")
        return File(path, "1", page("A", "One"))

    def url(self, path: str) -> str:
        return f"https://docs.example.com/{path}"


async def test_a_source_that_goes_away_midway_keeps_what_was_read(library: Library) -> None:
    library.write("c.md", page("C", "One"))
    await library.refresh()
    refresh = Refresh(library.db, Queue(library.db.connection), [Flaky()])
    done = await refresh.refresh("docs")
    assert (done.read, done.error) == (1, "the source is away")
    assert {path for path, *_ in await library.rows(CHUNKS)} == {"a.md", "c.md"}


async def test_two_refreshes_at_once_come_to_the_same(library: Library) -> None:
    for number in range(12):
        library.write(f"{number}.md", page(f"Page {number}", "One", "Two"))
    await asyncio.gather(library.refresh(), library.refresh())
    assert len(await library.rows(CHUNKS)) == 24


async def test_a_text_is_embedded_once_whatever_becomes_of_its_document(library: Library) -> None:
    library.write("a.md", page("A", "One", "Two"))
    await library.refresh()
    assert await library.embed() == Done()
    assert len(library.embedder.texts) == 2
    # Another section first, so that the old ones have other numbers; then a new name.
    library.write("a.md", page("A", "Zero", "One", "Two"))
    await library.refresh()
    (library.root / "a.md").rename(library.root / "b.md")
    await library.refresh()
    await library.embed()
    assert len(library.embedder.texts) == 3
    assert library.embedder.texts[-1].startswith("A\nZero\n")
    assert all(embedded for *_, embedded in await library.rows(CHUNKS))


async def test_the_same_text_in_two_documents_is_embedded_once(library: Library) -> None:
    library.write("a.md", page("A", "One"))
    library.write("b.md", page("A", "One"))
    await library.refresh()
    await library.embed()
    assert len(library.embedder.texts) == 1
    assert (await library.status()).embedded == 2


async def test_texts_are_embedded_in_batches(library: Library) -> None:
    for number in range(BATCH + 10):
        library.write(f"{number}.md", page(f"Page {number}", "One"))
    await library.refresh()
    await library.embed()
    assert [len(call) for call in library.embedder.calls] == [BATCH, 10]


async def test_embedding_makes_room_for_other_jobs_and_goes_on(library: Library) -> None:
    for number in range(BATCH + 10):
        library.write(f"{number}.md", page(f"Page {number}", "One"))
    await library.refresh()
    clock = iter([0.0, 0.0, 1e9])
    outcome = await Embed(library.db, library.embedder, lambda: next(clock)).run(EmbedJob(), CONTEXT)
    assert isinstance(outcome, Snooze)
    assert await library.embed() == Done()
    assert (await library.status()).embedded == BATCH + 10


async def test_another_model_embeds_everything_anew(library: Library) -> None:
    library.write("a.md", page("A", "One"))
    await library.refresh()
    await library.embed()
    first = await library.rows("select embedding::text from chunks")
    library.embedder.model = "other"
    await library.embed()
    assert len(library.embedder.calls) == 2
    assert await library.rows("select value->>'model', value->'dimension' from settings") == [("other", 384)]
    assert await library.rows("select embedding::text from chunks") == first


async def test_without_a_model_nothing_is_embedded(library: Library) -> None:
    assert isinstance(await Embed(library.db, None).run(EmbedJob(), CONTEXT), Cancel)


async def test_the_start_forgets_other_sources_and_puts_a_job_for_each(
    database: Database, tmp_path: Path
) -> None:
    old = Documents(database)
    await old.begin("gone", "directory")
    await old.put("gone", document(File("a.md", "1", page("A", "One"))))
    (tmp_path / "one").mkdir()
    refresh = Refresh(database, Queue(database.connection), [Directory("one", tmp_path / "one")])
    await refresh.start()
    await refresh.start()
    assert [status.name for status in await old.status()] == []
    async with database.connection() as conn:
        waiting = await (await conn.execute(WAITING)).fetchall()
    assert waiting == [("embed", 1), ("refresh", 1)]
    assert await refresh.run(RefreshJob(source="one"), CONTEXT) == Done()
    assert isinstance(await refresh.run(RefreshJob(source="gone"), CONTEXT), Cancel)


async def test_every_ten_minutes_a_job_is_put_that_begins_a_little_later(library: Library) -> None:
    periodic = library.refresher.periodic()
    assert periodic.cron == "*/10 * * * *"
    await periodic.run()
    await periodic.run()
    (delay,) = await library.rows("select extract(epoch from execute_after - now())::float8 from jobs")
    assert delay[0] == pytest.approx(30, abs=5)

"""Which model made the vectors: changes of model and dimension, two processes, what is never embedded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from psycopg.types.json import Jsonb

from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.jobs.base import Cancel, Done, Outcome, Snooze
from ratchet.pipeline.embed import AnotherModel, Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import embeddings, similar
from ratchet.store.document_search import DocumentSearch
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database
from ratchet.store.vector_tables import VECTOR_TABLES
from tests.acceptance.harness import eventually
from tests.integration.documents.support import CONTEXT, Counting, Library
from tests.integration.store.test_message_vectors import record, said

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
SAID = "restart the mailer and the queue drains"
COLUMNS = """
select c.relname, a.atttypmod from pg_attribute a join pg_class c on c.oid = a.attrelid
where a.attname = 'embedding' and c.relname in ('chunks', 'alert_names', 'message_vectors') order by 1
"""
WAITS = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)
INDEXES = """
select tablename, indexname, indexdef from pg_indexes
where tablename in ('chunks', 'alert_names', 'message_vectors') order by 1, 2
"""


@pytest.fixture
async def library(conninfo: str, database: Database, tmp_path: Path) -> Library:
    """A page, a name of an alert and a message, all waiting."""
    await migrate(conninfo)
    library = Library(database, tmp_path)
    library.write("mailer.md", "# Mailer\n\nRestart the mailer when the queue grows.\n")
    await library.refresh()
    async with database.transaction() as conn:
        await similar.remember(conn, {"DiskFull": FIRST})
    await record(database, said(1, SAID))
    return library


@dataclass
class Choosy(Counting):
    """Refuses texts with this word in them."""

    word: str = "mailer"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if any(self.word in text.lower() for text in texts):
            raise Refused("not this one")
        return await super().embed(texts)


async def waiting(library: Library) -> int:
    return await embeddings.count_waiting(library.db, VECTOR_TABLES)


async def run(library: Library, embedder: Counting) -> Outcome:
    return await Embed(library.db, embedder).run(EmbedJob(), CONTEXT)


async def test_every_table_fits_a_model_of_another_dimension_and_the_first_one_again(
    library: Library,
) -> None:
    indexes = await library.rows(INDEXES)
    for dimension in (384, 768, 384):
        embedder = Counting(model=f"model-{dimension}", dimension=dimension)
        assert await run(library, embedder) == Done()
        assert len(embedder.texts) == 3
        assert {SAID, "disk full"} < set(embedder.texts)
        assert {size for _, size in await library.rows(COLUMNS)} == {dimension}
        assert await library.rows(INDEXES) == indexes
        assert await waiting(library) == 0


async def test_words_find_documents_while_the_vectors_are_of_another_model(library: Library) -> None:
    await run(library, Counting())
    other = Counting(model="other", dimension=768)
    search = DocumentSearch(library.db, other)
    assert [hit.path for hit in await search.find("queue grows")] == ["mailer.md"]
    await embeddings.use_model(library.db, "other", 768, VECTOR_TABLES)
    assert [hit.path for hit in await search.find("queue grows")] == ["mailer.md"]
    assert await waiting(library) == 3


async def test_a_dimension_that_nobody_knows_is_asked_for_once(library: Library) -> None:
    @dataclass
    class Unknown(Counting):
        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            self.dimension = 512
            return await super().embed(texts)

    assert await run(library, Unknown(dimension=0)) == Done()
    assert {size for _, size in await library.rows(COLUMNS)} == {512}


async def test_more_numbers_than_an_index_holds_are_refused_with_the_remedy(library: Library) -> None:
    outcome = await run(library, Counting(dimension=4_001))
    assert isinstance(outcome, Cancel)
    assert "4001" in outcome.reason
    assert "RATCHET_OPENAI_EMBEDDING_MODEL" in outcome.reason
    with pytest.raises(Misconfigured):
        await embeddings.use_model(library.db, "large", 4_001, VECTOR_TABLES)


async def test_of_two_processes_with_different_models_the_last_to_start_wins_and_the_other_says_so(
    library: Library,
) -> None:
    first, second = Counting(model="first"), Counting(model="second")
    early, late = Embed(library.db, first), Embed(library.db, second)
    assert await early.run(EmbedJob(), CONTEXT) == Done()
    assert await late.run(EmbedJob(), CONTEXT) == Done()
    with structlog.testing.capture_logs() as logs:
        outcomes = [await early.run(EmbedJob(), CONTEXT) for _ in range(3)]
    assert all(isinstance(outcome, Snooze) and "second" in outcome.reason for outcome in outcomes)
    assert [entry["event"] for entry in logs] == ["another_embedding_model"]
    assert await late.run(EmbedJob(), CONTEXT) == Done()
    assert (len(first.texts), len(second.texts)) == (3, 3)
    with pytest.raises(AnotherModel):
        await early.work(first, float("inf"))


async def test_a_text_that_is_refused_is_left_to_words_and_the_others_are_embedded(library: Library) -> None:
    embedder = Choosy()
    assert await run(library, embedder) == Done()
    assert embedder.texts == ["disk full"]
    assert await waiting(library) == 0
    assert await run(library, embedder) == Done()
    assert embedder.texts == ["disk full"]
    assert [hit.path for hit in await library.search.find("queue grows")] == ["mailer.md"]


async def test_another_model_tries_again_what_one_refused(library: Library) -> None:
    await run(library, Choosy())
    other = Counting(model="other")
    assert await run(library, other) == Done()
    # A message that was refused is not queued again: it is found by words.
    assert any("Restart the mailer" in text for text in other.texts)


async def test_a_page_that_changes_is_tried_again(library: Library) -> None:
    await run(library, Choosy())
    library.write("mailer.md", "# Post\n\nRestart the post.\n")
    await library.refresh()
    assert await waiting(library) == 1


async def test_a_busy_table_does_not_hold_searches_up_and_the_change_comes_later(library: Library) -> None:
    await run(library, Counting())
    async with library.db.transaction() as conn:
        await conn.execute("select from chunks")
        with pytest.raises(Transient):
            await embeddings.use_model(library.db, "other", 768, VECTOR_TABLES)
    assert await embeddings.in_use(library.db) == embeddings.InUse("letters", 384)
    assert await embeddings.use_model(library.db, "other", 768, VECTOR_TABLES)


async def test_vectors_that_arrive_during_a_change_are_not_stored(library: Library) -> None:
    async with library.db.transaction() as conn:
        await conn.execute(embeddings.KEEP_MODEL, {"value": Jsonb({"model": "letters", "dimension": 384})})
    changing = embeddings.use_model(library.db, "other", 384, VECTOR_TABLES)

    async def waits() -> bool:
        return bool((await library.rows(WAITS))[0][0])

    async with asyncio.TaskGroup() as group, library.db.transaction() as conn:
        assert await embeddings.hold_model(conn, "letters")
        change = group.create_task(changing)
        await eventually(waits)
        assert not change.done()
    async with library.db.transaction() as conn:
        assert not await embeddings.hold_model(conn, "letters")

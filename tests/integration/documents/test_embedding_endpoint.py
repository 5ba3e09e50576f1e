"""Documents embedded by a server: what it is asked, over refreshes, changes of model, failures and restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ratchet.domain.errors import Transient
from ratchet.jobs.base import Done, Outcome
from ratchet.jobs.endings import Again, of_error
from ratchet.jobs.headers import Record
from ratchet.llm.connect import open_remote
from ratchet.llm.embed_config import EmbeddingConfig
from ratchet.llm.testing import EmbeddingAnswer, EmbeddingRequest, HttpError, ModelServer, Vectors
from ratchet.pipeline.embed import PROBE, Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import embeddings
from ratchet.store.document_search import DocumentSearch
from ratchet.store.llm_calls import LlmCalls
from ratchet.store.migrate import migrate
from ratchet.store.pool import Database
from ratchet.store.vector_tables import VECTOR_TABLES
from tests.integration.documents.support import CONTEXT, Library

PAGES = 150
SIZES = {"small": 384, "large": 768}


@dataclass
class Endpoint:
    """A server with the models of SIZES, and documents. `answers` are given first."""

    server: ModelServer
    library: Library
    answers: list[EmbeddingAnswer | None] = field(default_factory=list)

    async def embed(self, model: str = "small") -> Outcome:
        """As a process that starts with that model would."""
        async with aclosing(
            open_remote(EmbeddingConfig(self.server.url, model), LlmCalls(self.library.db))
        ) as embedder:
            return await Embed(self.library.db, embedder).run(EmbedJob(), CONTEXT)

    async def found(self, query: str, model: str = "small") -> list[str]:
        async with aclosing(open_remote(EmbeddingConfig(self.server.url, model))) as embedder:
            return [hit.path for hit in await DocumentSearch(self.library.db, embedder.queries).find(query)]

    def texts(self, model: str = "small") -> Counter[str]:
        """How often each was sent, but for the probe."""
        asked = (request for request in self.server.embeddings if request.body["model"] == model)
        return Counter(text for request in asked for text in request.texts if text != PROBE)

    @property
    def batches(self) -> list[int]:
        return [len(request.texts) for request in self.server.embeddings if request.texts != [PROBE]]

    async def waiting(self) -> int:
        return await embeddings.count_waiting(self.library.db, VECTOR_TABLES)


@pytest.fixture
async def endpoint(conninfo: str, database: Database, tmp_path: Path) -> AsyncIterator[Endpoint]:
    await migrate(conninfo)
    answers: list[EmbeddingAnswer | None] = []

    def script(request: EmbeddingRequest) -> EmbeddingAnswer:
        return (answers.pop(0) if answers else None) or Vectors(SIZES[request.body["model"]])

    library = Library(database, tmp_path)
    for n in range(PAGES):
        library.write(f"{n}.md", f"# Page {n}\n\nService number {n} restarts its queue.\n")
    await library.refresh()
    async with ModelServer([], embedding=script).serve() as server:
        yield Endpoint(server, library, answers)


async def test_every_text_is_sent_once_in_large_batches_and_never_again_unchanged(endpoint: Endpoint) -> None:
    assert await endpoint.embed() == Done()
    assert endpoint.batches == [64, 64, PAGES - 128]
    assert set(endpoint.texts().values()) == {1}
    await endpoint.library.refresh()
    assert await endpoint.embed() == Done()
    endpoint.library.write("7.md", "# Page 7\n\nIt is another text now.\n")
    await endpoint.library.refresh()
    assert await endpoint.embed() == Done()
    assert set(endpoint.texts().values()) == {1}
    assert len(endpoint.texts()) == PAGES + 1


async def test_another_model_embeds_everything_once_and_words_find_it_meanwhile(endpoint: Endpoint) -> None:
    await endpoint.embed()
    endpoint.answers[:] = [None, HttpError(500)]
    with pytest.raises(Transient):
        await endpoint.embed("large")
    assert await endpoint.waiting() == PAGES
    assert (await endpoint.found("service number 77", "large"))[0] == "77.md"
    assert (await endpoint.found("service number 77", "small"))[0] == "77.md"
    assert await endpoint.embed("large") == Done()
    assert (await endpoint.found("service number 77", "large"))[0] == "77.md"
    assert await endpoint.embed("small") == Done()
    assert await embeddings.in_use(endpoint.library.db) == embeddings.InUse("small", 384)
    vectors = await endpoint.library.rows("select distinct vector_dims(embedding) from chunks")
    assert vectors == [(384,)]


async def test_a_process_that_dies_in_the_middle_goes_on_where_it_was(endpoint: Endpoint) -> None:
    endpoint.answers[:] = [None, None, HttpError(503)]
    with pytest.raises(Transient):
        await endpoint.embed()
    assert await endpoint.waiting() == PAGES - 64
    assert await endpoint.embed() == Done()
    failed = 64
    assert endpoint.texts().total() == PAGES + failed
    assert await endpoint.waiting() == 0


async def test_a_server_that_is_busy_is_asked_again_when_it_said_and_no_failure_is_counted(
    endpoint: Endpoint,
) -> None:
    endpoint.answers[:] = [None, HttpError(429, retry_after=11)]
    with pytest.raises(Transient) as caught:
        await endpoint.embed()
    ending = of_error(caught.value, Record(), 8, chance=0.0)
    assert isinstance(ending, Again)
    assert (ending.delay_s, ending.failures, ending.snoozes) == (11, 0, 1)


async def test_a_server_that_is_away_leaves_the_search_to_words(endpoint: Endpoint) -> None:
    await endpoint.embed()
    endpoint.answers[:] = [HttpError(500)]
    assert (await endpoint.found("service number 77"))[0] == "77.md"


async def test_calls_are_recorded_with_their_purpose(endpoint: Endpoint) -> None:
    await endpoint.embed()
    calls = await endpoint.library.rows(
        "select model, purpose, sum(requests)::int, sum(input_tokens)::int from llm_calls group by 1, 2"
    )
    assert calls == [("small", "embedding", 4, PAGES + 1)]

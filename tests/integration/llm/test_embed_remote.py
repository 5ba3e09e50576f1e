"""Embeddings from an OpenAI-compatible server, against the scripted one: what leaves, what comes back, what fails."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from ratchet.domain.errors import Misconfigured, RatchetError, Refused, Transient
from ratchet.domain.model_calls import ModelCall
from ratchet.llm.connect import open_remote
from ratchet.llm.embed_config import EmbeddingConfig, wants
from ratchet.llm.embed_remote import MAX_CHARS, MAX_TEXTS, RemoteEmbedder, batches
from ratchet.llm.prices import Price
from ratchet.llm.redact import RedactionFailed
from ratchet.llm.testing import EmbeddingAnswer, EmbeddingRequest, HttpError, ModelServer, Silence, Vectors
from ratchet.llm.testing.script import NotJson

CONFIG = EmbeddingConfig("", "words")
TOKEN = "xoxb-" + "123456789012-123456789012-" + "AbCdEfGhIjKlMnOpQrStUvWx"


@dataclass
class Recorded:
    calls: list[ModelCall] = field(default_factory=list)

    async def record(self, call: ModelCall) -> None:
        self.calls.append(call)


@asynccontextmanager
async def serving(
    script: Callable[[EmbeddingRequest], EmbeddingAnswer] = lambda _: Vectors(),
    config: EmbeddingConfig = CONFIG,
    recorder: Recorded | None = None,
) -> AsyncIterator[tuple[ModelServer, RemoteEmbedder]]:
    async with (
        ModelServer([], embedding=script).serve() as server,
        aclosing(open_remote(replace(config, url=server.url), recorder)) as embedder,
    ):
        yield server, embedder


def given(server: ModelServer) -> list[list[str]]:
    return [request.texts for request in server.embeddings]


async def test_texts_become_unit_vectors_in_order_and_the_dimension_is_learned() -> None:
    async with serving(lambda _: Vectors(768)) as (_, embedder):
        assert embedder.dimension == 0
        one, other, same = await embedder.embed(["a disk", "the queue", "a disk"])
    assert embedder.dimension == 768
    assert one == same != other
    assert math.hypot(*one) == pytest.approx(1)


async def test_a_hundred_texts_are_two_requests_and_never_one_a_text() -> None:
    async with serving() as (server, embedder):
        await embedder.embed([f"text {n}" for n in range(100)])
        assert [len(texts) for texts in given(server)] == [MAX_TEXTS, 100 - MAX_TEXTS]


def test_batches_are_bounded_by_texts_and_by_characters_and_hold_32_of_the_longest() -> None:
    long = "x" * (MAX_CHARS // 64)
    assert [len(batch) for batch in batches([long] * 100)] == [64, 36]
    assert [len(batch) for batch in batches(["y" * MAX_CHARS] * 2)] == [1, 1]
    assert list(batches([])) == []
    assert MAX_CHARS // (wants("any").chars + 100) >= 32


async def test_what_is_too_long_is_cut_and_what_is_empty_is_not_sent_empty() -> None:
    async with serving() as (server, embedder):
        await embedder.embed(["x" * 50_000, "  ", "\ud800 broken"])
        long, empty, broken = given(server)[0]
    assert (len(long), empty, broken) == (8_000, "-", "� broken")


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text:v1.5", "search_query: ", "search_document: "),
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("text-embedding-3-small", "", ""),
        ("bge-m3", "", ""),
    ],
    ids=["nomic", "e5", "openai", "bge-m3"],
)
async def test_models_get_the_prefixes_that_they_want(model: str, query: str, document: str) -> None:
    async with serving(config=replace(CONFIG, model=model)) as (server, embedder):
        await embedder.embed(["disk full"])
        await embedder.queries.embed(["disk full"])
        assert given(server) == [[f"{document}disk full"], [f"{query}disk full"]]
        assert (embedder.queries.model, embedder.queries.dimension) == (model, 64)


async def test_secrets_do_not_leave() -> None:
    async with serving() as (server, embedder):
        await embedder.embed([f"log in with {TOKEN} then restart"])
        (text,) = given(server)[0]
    assert TOKEN not in text
    assert "then restart" in text


async def test_a_text_that_cannot_be_checked_does_not_leave_nor_does_its_batch() -> None:
    def redactor(text: str) -> str:
        if "odd" in text:
            raise RedactionFailed("cannot be checked")
        return text

    async with ModelServer([]).serve() as server:
        embedder = RemoteEmbedder(replace(CONFIG, url=server.url), redactor=redactor)
        async with aclosing(embedder):
            with pytest.raises(Refused):
                await embedder.embed(["plain", "odd"])
            assert server.embeddings == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (HttpError(429, retry_after=7), Transient, "later"),
        (HttpError(500), Transient, "failed"),
        (HttpError(401), Misconfigured, "key"),
        (HttpError(404), Misconfigured, "does not exist"),
        (HttpError(400), Misconfigured, "refuses every text"),
        (NotJson(), Transient, "at http"),
        (Vectors(missing=1), Misconfigured, "1 vectors for 2 texts"),
        (Vectors(odd=True), Misconfigured, "63 numbers"),
        (Vectors(broken=True), Refused, "no number"),
        (Silence(), Transient, "within 0.2 s"),
    ],
    ids=["429", "500", "401", "404", "400", "not-json", "fewer", "dimension", "nan", "silence"],
)
async def test_what_fails_says_what_and_where(
    answer: EmbeddingAnswer, kind: type[RatchetError], words: str
) -> None:
    recorder = Recorded()
    texts = ["one"] if isinstance(answer, HttpError) else ["one", "two"]
    async with serving(lambda _: answer, replace(CONFIG, timeout_s=0.2), recorder) as (_, embedder):
        with pytest.raises(kind, match=words) as caught:
            await embedder.embed(texts)
    assert "words at http://127.0.0.1" in str(caught.value)
    assert all(call.error for call in recorder.calls)


async def test_a_time_that_the_server_named_is_handed_on() -> None:
    async with serving(lambda _: HttpError(429, retry_after=7)) as (_, embedder):
        with pytest.raises(Transient) as caught:
            await embedder.embed(["one"])
    assert caught.value.retry_after == 7


async def test_another_dimension_than_before_is_an_error() -> None:
    sizes = iter([64, 32])
    async with serving(lambda _: Vectors(next(sizes))) as (_, embedder):
        await embedder.embed(["one"])
        with pytest.raises(Misconfigured, match="32 numbers where the others have 64"):
            await embedder.embed(["one"])


async def test_one_text_that_the_server_refuses_is_refused_and_others_go_on() -> None:
    def script(request: EmbeddingRequest) -> EmbeddingAnswer:
        return HttpError(400) if "poison" in " ".join(request.texts) else Vectors()

    async with serving(script) as (_, embedder):
        with pytest.raises(Refused):
            await embedder.embed(["poison"])
        assert await embedder.embed(["fine"])


async def test_what_a_call_costs_is_recorded() -> None:
    recorder = Recorded()
    priced = replace(CONFIG, price=Price(Decimal("0.5"), Decimal(0)))
    async with serving(config=priced, recorder=recorder) as (_, embedder):
        await embedder.embed(["one", "two"])
    (call,) = recorder.calls
    assert (call.model, call.purpose, call.requests, call.input_tokens) == ("words", "embedding", 1, 2)
    assert call.cost_usd == pytest.approx(0.5 * 2 / 1e6)

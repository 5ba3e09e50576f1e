"""Search by meaning beside search by words: what is found, where, and through which index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from ratchet.domain.errors import Transient
from ratchet.domain.messages import MessageRef, posted_at
from ratchet.jobs.base import Done
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.work import EmbedJob
from ratchet.store import messages, search_vectors
from ratchet.store.pool import Database
from ratchet.store.search import Hit, Search, Within
from ratchet.store.search_vectors import FEW, MANY
from ratchet.store.search_within import Expected, scope_of
from tests.integration.documents.support import CONTEXT
from tests.integration.store.search_support import OTHER, PUBLIC, SECRET, fill, message, stamp

SUBJECTS: Final = (
    {"database", "postgres", "standby", "replication", "lag", "behind"},
    {"certificate", "tls", "expired", "handshake", "renewed"},
    {"lunch", "pizza", "hungry", "eat"},
    {"password", "vault", "sealed", "intruder"},
)
HISTORY = [
    message(1, "postgres standby is hopelessly behind"),
    message(2, "somebody must have renewed tls by hand", channel=OTHER),
    message(3, "who wants pizza with us today"),
    message(4, "the vault is sealed since the intruder came", channel=SECRET),
]


class Subjects:
    """A model that knows four subjects: each word counts for its own."""

    model = "subjects"
    dimension = 384

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        said = set(text.lower().split())
        share = self.dimension // len(SUBJECTS)
        counts = [len(said & subject) - 0.1 for subject in SUBJECTS]
        return [count for count in counts for _ in range(share)]


class Longer(Subjects):
    """The same name, and vectors of another length."""

    dimension = 512


class Failing(Subjects):
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise Transient("the model is away")


async def record(database: Database) -> Search:
    await fill(database, HISTORY)
    assert await Embed(database, Subjects()).run(EmbedJob(), CONTEXT) == Done()
    return Search(database, Subjects())


def stamps(hits: Sequence[Hit]) -> list[str]:
    return [hit.ref.ts for hit in hits]


async def test_a_model_that_changed_its_length_finds_by_words_until_all_is_embedded_anew(
    database: Database,
) -> None:
    await record(database)
    assert stamps(await Search(database, Longer()).messages("lag", None)) == stamps(
        await Search(database).messages("lag", None)
    )


async def test_what_says_the_same_in_other_words_is_found_first(database: Database) -> None:
    search = await record(database)
    assert stamps(await search.messages("replication lag of the database", None))[0] == stamp(1)
    assert stamps(await search.messages("expired certificate", None))[0] == stamp(2)
    assert await Search(database).messages("expired certificate", None) == []


async def test_by_meaning_too_a_private_channel_is_found_from_itself_alone(database: Database) -> None:
    search = await record(database)
    for seen_from in (None, PUBLIC, OTHER):
        assert stamp(4) not in stamps(await search.messages("password", seen_from))
    assert await search.messages("password", None, channel_ids=[SECRET]) == []
    assert stamps(await search.messages("password", SECRET))[0] == stamp(4)
    assert stamps(await search.find("password", Within(everywhere=True)))[0] == stamp(4)


@pytest.mark.parametrize("statement", [FEW, MANY], ids=["few", "many"])
async def test_filters_hold_in_either_way_of_reading(database: Database, statement: str) -> None:
    await record(database)

    async def found(within: Within) -> set[str]:
        async with database.transaction() as conn:
            scope = await scope_of(conn, within)
            (vector,) = await Subjects().embed(["pizza"])
            values = search_vectors.values_of(vector, Subjects.model, scope, 1_000)
            rows = await (await conn.execute(statement.encode(), values)).fetchall()
        return {row[1] for row in rows}

    assert await found(Within(everywhere=True)) == {stamp(1), stamp(2), stamp(3), stamp(4)}
    assert await found(Within()) == {stamp(1), stamp(2), stamp(3)}
    assert await found(Within(channel_ids=[OTHER])) == {stamp(2)}
    assert await found(Within(since=posted_at(stamp(2)))) == {stamp(2), stamp(3)}
    assert await found(Within(until=posted_at(stamp(2)))) == {stamp(1)}
    assert await found(Within(author="U0ANA")) == {stamp(1), stamp(2), stamp(3)}
    assert await found(Within(author="U0BOB")) == set()
    assert await found(Within(exclude_thread=MessageRef(PUBLIC, stamp(1)))) == {stamp(2), stamp(3)}


async def test_a_deleted_message_is_not_found_by_meaning(database: Database) -> None:
    search = await record(database)
    async with database.transaction() as conn:
        await messages.delete(conn, [MessageRef(OTHER, stamp(2))])
    assert stamp(2) not in stamps(await search.messages("expired certificate", None))


async def test_without_an_answer_of_the_model_words_find(database: Database) -> None:
    await record(database)
    search = Search(database, Failing())
    assert stamps(await search.messages("pizza", None)) == [stamp(3)]
    assert await search.messages("hungry", None) == []


async def test_vectors_of_another_model_are_not_compared(database: Database) -> None:
    await record(database)
    other = Subjects()
    other.model = "other"
    assert await Search(database, other).messages("hungry", None) == []


async def test_messages_of_one_person_are_found(database: Database) -> None:
    search = await record(database)
    assert stamps(await search.find("pizza", Within(author="U0ANA")))[0] == stamp(3)
    assert await search.find("pizza", Within(author="U0BOB")) == []


# As many vectors as it takes to prefer an index, in two channels; the signs of each are its number's bits.
ROWS: Final = 5_000
GENERATE: Final = """
with said as (
    insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)
    select case when n %% 50 = 0 then %(other)s else %(public)s end, (1600000000 + n) || '.000100',
           to_timestamp(1600000000 + n), '1', 'said ' || n, '', '{"sender": {"kind": "person", "id": "U0ANA"}}', ''
    from generate_series(1, %(rows)s) n
    returning channel_id, ts, posted_at
)
insert into message_vectors (channel_id, ts, posted_at, author, hash, embedding)
select channel_id, ts, posted_at, 'U0ANA', '',
       (select array_agg(((hashtext(ts || i) & 1023) - 512)::real) from generate_series(1, 384) i)::vector::halfvec
from said
"""


async def generate(database: Database) -> None:
    await fill(database, [])
    async with database.connection() as conn:
        await conn.execute(GENERATE, {"rows": ROWS, "other": OTHER, "public": PUBLIC})
        await conn.execute(
            """insert into settings (name, value) values ('embedding', '{"model": "subjects", "dimension": 384}')"""
        )
        await conn.execute("vacuum (analyze) message_vectors")


async def plan(database: Database, statement: str, within: Within) -> str:
    (vector,) = await Subjects().embed(["pizza and the database"])
    async with database.transaction() as conn:
        scope = await scope_of(conn, within)
        values = search_vectors.values_of(vector, Subjects.model, scope, 1_000)
        await conn.execute(search_vectors.WALK, {"candidates": "400"})
        rows: list[Any] = await (
            await conn.execute(f"explain (costs off) {statement}".encode(), values, prepare=False)
        ).fetchall()
    return "\n".join(row[0] for row in rows)


async def test_many_are_found_through_the_index_of_vectors(database: Database) -> None:
    await generate(database)
    explained = await plan(database, MANY, Within(everywhere=True))
    assert "Index Scan using message_vectors_code" in explained
    assert "Seq Scan on message_vectors" not in explained


async def test_few_are_compared_without_reading_the_table(database: Database) -> None:
    await generate(database)
    moment = posted_at(f"{1_600_000_000 + ROWS - 200}.000100")
    for within in (
        Within(channel_ids=[OTHER]),
        Within(since=moment),
        Within(since=moment + timedelta(seconds=1)),
    ):
        explained = await plan(database, FEW, within)
        assert "Index Only Scan using message_vectors_" in explained
        assert "Seq Scan on message_vectors" not in explained


def test_what_a_filter_leaves_decides_how_it_is_read() -> None:
    assert search_vectors.few(Expected(1_000, 1_000))
    assert search_vectors.few(Expected(60_000, 1_000_000))
    assert not search_vectors.few(Expected(100_000, 100_000))
    assert not search_vectors.few(Expected(1_000_000, 1_000_000))


def test_of_more_vectors_more_are_compared_but_never_more_than_the_index_gives() -> None:
    assert [search_vectors.candidates(of) for of in (0, 100_000, 1_000_000, 50_000_000)] == [
        400,
        400,
        798,
        1_000,
    ]

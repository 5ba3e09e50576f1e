"""What search costs on a larger record: the index is used, and common words do not read the table."""

from __future__ import annotations

import re

from ratchet.domain.messages import posted_at
from ratchet.store import search_words
from ratchet.store.pool import Database
from ratchet.store.search import Search, Within
from ratchet.store.search_within import scope_of
from ratchet.store.terms import Statistics, select, terms
from ratchet.store.word_statistics import read_statistics
from tests.integration.store.search_support import OTHER, PUBLIC, fill, message, stamp

ROWS = 20_000
EVERYWHERE = Within()
# Posted in the order of n; every third says "deploy", one in a thousand names its own host.
GENERATE = """
insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)
select case when n %% 50 = 0 then %(other)s else %(public)s end, ts, to_timestamp(1600000000 + n), ts, words, '',
       '{"sender": {"kind": "person", "id": "U0ANA"}}', to_tsvector('english', words)
from (select n, (1600000000 + n) || '.000100' as ts,
             'message about topic' || n %% 700 || case when n %% 3 = 0 then ' deploy' else '' end
             || case when n %% 1000 = 7 then ' host' || n else '' end as words
      from generate_series(1, %(rows)s) n) g
"""


async def generate(database: Database) -> Search:
    await fill(database, [message(1, "the needle was in the haystack")])
    async with database.connection() as conn:
        await conn.execute(GENERATE, {"rows": ROWS, "other": OTHER, "public": PUBLIC})
    search = Search(database)
    await search.analyze()
    return search


async def plan(database: Database, words: list[str], budget: float, within: Within = EVERYWHERE) -> str:
    """What PostgreSQL does for the question, and how many rows it touched."""
    async with database.connection() as conn:
        statistics = await read_statistics(conn, search_words.STATISTICS, 0.0)
        scope = await scope_of(conn, within)
        wanted = terms(words, statistics)
        selection = select(wanted, statistics, budget)
        values = search_words.values_of(scope, wanted, selection, 10)
        explain = "explain (analyze, costs off, timing off, summary off) " + search_words.BY_WORDS
        rows = await (await conn.execute(explain.encode(), {**values, "most": 2 * budget})).fetchall()
    return "\n".join(row[0] for row in rows)


def rows_read(explained: str) -> int:
    scan = re.search(r"Scan (?:using \w+ )?on messages m \(actual rows=([\d.]+)", explained)
    assert scan is not None, explained
    return int(float(scan[1]))


async def test_a_rare_word_is_found_through_the_index(database: Database) -> None:
    search = await generate(database)
    hits = await search.messages("needle in some deploy", None)
    assert hits[0].ref.ts == stamp(1)
    explained = await plan(database, ["needl", "deploy"], 3_000)
    assert "Bitmap Index Scan on messages_fts" in explained
    assert "Seq Scan on messages" not in explained
    assert rows_read(explained) == 1


async def test_a_common_word_reads_its_newest_messages_only(database: Database) -> None:
    search = await generate(database)
    explained = await plan(database, ["deploy"], 500)
    assert "Seq Scan on messages" not in explained
    assert rows_read(explained) < 1_000
    assert len(await search.messages("deploy", None)) == 10


async def test_common_words_are_looked_for_further_when_a_channel_has_few(database: Database) -> None:
    search = await generate(database)
    statistics = Statistics(ROWS, {"deploy": 0.33, "needl": 1 / ROWS})
    assert not select(terms(["needl", "deploy"], statistics), statistics, 3_000).complete
    hits = await search.messages("needle deploy", None, channel_ids=[OTHER])
    assert len(hits) == 10


async def test_a_stretch_of_time_reads_its_own_messages_only(database: Database) -> None:
    await generate(database)
    since = posted_at(f"{1_600_000_000 + ROWS - 500}.000100")
    explained = await plan(database, ["deploy"], 20_000, Within(since=since))
    assert "Rows Removed by Index Recheck" not in explained
    assert rows_read(explained) < 200


async def test_that_nothing_is_left_out_is_known(database: Database) -> None:
    await fill(database, [])
    async with database.connection() as conn:
        assert not (await scope_of(conn, Within())).whole  # one channel is private
        assert (await scope_of(conn, Within(everywhere=True))).whole

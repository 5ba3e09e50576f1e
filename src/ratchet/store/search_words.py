"""The words' list of a search in messages: any word of the question may match, rare words count for more.

The rarest words select the messages to look at, so that the time does not grow with the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import class_row, scalar_row

from ratchet.store.pool import Connection
from ratchet.store.search_within import Near, Scope, ts_of
from ratchet.store.terms import Selection, Term, lexemes, quoted, select, terms, texts_to_parse
from ratchet.store.weighing import Weighing
from ratchet.store.word_statistics import WordStatistics

PARSE: Final = """
select array(select lexeme from unnest(to_tsvector('english', words))) as lexemes
from unnest(%(texts)s::text[]) with ordinality as u (words, n) order by n
"""
# The last three of most_common_elem_freqs are the least, the greatest and the null frequency.
STATISTICS: Final = """
select greatest(c.reltuples, 0)::float8, coalesce(w.most_common_elems::text::text[], '{}'),
       coalesce(w.most_common_elem_freqs, '{}')::float8[],
       coalesce(p.histogram_bounds::text::timestamptz[], '{}')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_stats w on w.schemaname = n.nspname and w.tablename = c.relname and w.attname = 'fts'
left join pg_stats p on p.schemaname = n.nspname and p.tablename = c.relname and p.attname = 'posted_at'
where c.oid = 'messages'::regclass
"""
# Before the first ANALYZE there is nothing to read: counted, within bounds.
COUNT_ROWS: Final = "select count(*) from (select from messages limit %(most)s) m"
COUNT_TERMS: Final = """
select u.lexeme, (select count(*) from (
    select from messages m
    where m.fts @@ u.query and (m.attrs->'sender'->>'kind') is distinct from 'self' limit %(most)s) found)
from unnest(%(lexemes)s::text[], %(queries)s::tsquery[]) as u (lexeme, query)
"""
ANALYZE: Final = "analyze messages"
# `most` is a guard for estimates that are wrong; the order of candidates does not matter below it.
# What a word counts for in a message is BM25's, see `ratchet.store.weighing`.
BY_WORDS: Final = """
with candidates as materialized (
    select m.channel_id, m.ts, coalesce(m.parent_ts, m.ts) as thread_ts, m.posted_at, m.fts || ''::tsvector as fts,
           %(any_length)s + %(each_byte)s * octet_length(m.text) as length
    from messages m
    where m.fts @@ %(select)s::tsquery and (m.attrs->'sender'->>'kind') is distinct from 'self'
      -- For the key, where channels or times leave little of it.
      and (%(named)s::text[] is null or m.channel_id = any(%(named)s))
      -- So written that no index is asked for what nearly every message is.
      and (m.channel_id || '') = any(%(channels)s::text[])
      and (%(since_ts)s::text is null or m.ts >= %(since_ts)s)
      and (%(until_ts)s::text is null or m.ts < %(until_ts)s)
      and (%(author)s::text is null or m.attrs->'sender'->>'id' = %(author)s)
      and not (m.channel_id = %(not_channel)s and coalesce(m.parent_ts, m.ts) = %(not_thread)s)
    limit %(most)s
), words as (
    select c.channel_id, c.ts, c.thread_ts, c.posted_at, t.number,
           t.idf * r.rank / (r.rank + (1 - r.rank) * c.length) as score
    from candidates c
    cross join unnest(%(terms)s::tsquery[], %(idfs)s::float8[]) with ordinality as t (query, idf, number)
    cross join lateral (select ts_rank(%(flat)s::real[], c.fts, t.query) as rank offset 0) r
    where r.rank > 0
), best as (
    select distinct on (channel_id, thread_ts) channel_id, ts, thread_ts, posted_at, sum(score) as score
    from words group by channel_id, ts, thread_ts, posted_at
    order by channel_id, thread_ts, score desc, posted_at desc
), topics as (
    select channel_id, thread_ts, sum(score) as score
    from (select channel_id, thread_ts, max(score) as score from words group by channel_id, thread_ts, number) w
    group by channel_id, thread_ts
)
-- What is spread over a thread counts beside what its best message says.
select b.channel_id, b.ts, b.thread_ts, b.posted_at, b.score + t.score as score
from best b join topics t on t.channel_id = b.channel_id and t.thread_ts = b.thread_ts
order by score desc, posted_at desc limit %(limit)s
"""

# About how many rows a search looks at: time grows with this and not with the table.
BUDGET: Final = 3_000
# Beside the vectors' list, which finds what the common words would.
SMALL_BUDGET: Final = 500
# At most, where a filter takes the others away; and tried once, when the first left too little.
WIDE_BUDGET: Final = 30_000
# Of a message of 200 bytes.
WEIGHING: Final = Weighing(any_length=0.35, each_byte=1.05 / 200)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to look at: `rows` that select before any filter, one after the other until `enough` was found.

    `most`: rows that are ranked.
    """

    rows: tuple[float, ...]
    enough: int
    most: float

    @classmethod
    def alone(cls, limit: int) -> Effort:
        """Nothing else finds messages."""
        return cls((BUDGET, WIDE_BUDGET), limit, 2 * WIDE_BUDGET)

    @classmethod
    def beside_vectors(cls, share: float) -> Effort:
        """Where a filter lets that share of the messages pass."""
        first = min(WIDE_BUDGET, SMALL_BUDGET / share)
        return cls((first, WIDE_BUDGET) if first < WIDE_BUDGET else (first,), 1, 4 * SMALL_BUDGET)


class Words:
    """`clock` gives seconds, from any start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._statistics = WordStatistics(STATISTICS, COUNT_ROWS, COUNT_TERMS, clock)

    async def find(
        self, conn: Connection, query: str, scope: Scope, limit: int, effort: Effort
    ) -> tuple[list[Term], list[Near]]:
        """The terms of the question; the best message of each thread, best first."""
        parsed = await _parse(conn, query)
        statistics = await self._statistics.of(conn, parsed)
        wanted = terms(lexemes(parsed, statistics), statistics)
        found: list[Near] = []
        for rows in effort.rows:
            selection = select(wanted, statistics, rows)
            if not selection.query:
                break
            values = values_of(scope, wanted, selection, limit)
            found = await _fetch(conn, {**values, "most": effort.most})
            if len(found) >= effort.enough or selection.complete:
                break
        return wanted, found

    def forget_statistics(self) -> None:
        self._statistics.forget()


async def _parse(conn: Connection, query: str) -> list[list[str]]:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(PARSE, {"texts": texts_to_parse(query)})
        return await cur.fetchall()


async def _fetch(conn: Connection, values: dict[str, Any]) -> list[Near]:
    # Planned each time: the plan depends on how common the words are.
    async with conn.cursor(row_factory=class_row(Near)) as cur:
        return await (await cur.execute(BY_WORDS, values, prepare=False)).fetchall()


def values_of(scope: Scope, wanted: Sequence[Term], selection: Selection, limit: int) -> dict[str, Any]:
    """The parameters of BY_WORDS but `most`."""
    within = scope.within
    newest = selection.since if within.until is None else None
    since = max((moment for moment in (within.since, newest) if moment is not None), default=None)
    narrowed = within.channel_ids is not None or since is not None or within.until is not None
    return {
        **scope.values,
        "named": scope.channels if narrowed else None,
        "select": selection.query,
        "since_ts": ts_of(since),
        **WEIGHING.values,
        "terms": [quoted(term.lexeme) for term in wanted],
        "idfs": [term.idf for term in wanted],
        "limit": limit,
    }

"""Search in recorded messages: any word of the question may match, rare words count for more.

The rarest words select the messages to look at, so that the time does not grow with the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, scalar_row, tuple_row

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Connection, Database
from ratchet.store.snippets import snippet
from ratchet.store.terms import Selection, Statistics, Term, lexemes, quoted, select, terms, texts_to_parse

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
FIND: Final = """
with candidates as materialized (
    select m.channel_id, m.ts, coalesce(m.parent_ts, m.ts) as thread_ts, m.posted_at, m.fts || ''::tsvector as fts
    from messages m
    where m.fts @@ %(select)s::tsquery and (m.attrs->'sender'->>'kind') is distinct from 'self'
      and (%(everywhere)s or m.channel_id in (
          select id from channels where kind = 'public' or id = %(visible_from)s))
      and (%(channels)s::text[] is null or m.channel_id = any(%(channels)s))
      and (%(since)s::timestamptz is null or m.posted_at >= %(since)s)
      and (%(until)s::timestamptz is null or m.posted_at < %(until)s)
      and not (m.channel_id = %(not_channel)s and coalesce(m.parent_ts, m.ts) = %(not_thread)s)
    limit %(most)s
), scored as (
    select c.channel_id, c.ts, c.thread_ts, c.posted_at,
           (select sum(t.idf * ts_rank(c.fts, t.query, %(norm)s))
            from unnest(%(terms)s::tsquery[], %(idfs)s::float8[]) as t (query, idf)) as score
    from candidates c
), threads as (
    select distinct on (channel_id, thread_ts) * from scored
    order by channel_id, thread_ts, score desc, posted_at desc
), best as (
    select * from threads order by score desc, posted_at desc limit %(limit)s
)
select b.channel_id, b.ts, b.thread_ts, b.posted_at, b.score, m.text, coalesce(c.name, '') as channel_name,
       coalesce(nullif(p.name, ''), nullif(m.attrs->'sender'->>'name', ''), m.attrs->'sender'->>'id', '') as author
from best b
join messages m on m.channel_id = b.channel_id and m.ts = b.ts
left join channels c on c.id = b.channel_id
left join people p on p.id = m.attrs->'sender'->>'id'
order by b.score desc, b.posted_at desc
"""

# About how many rows a search looks at: time grows with this and not with the table.
BUDGET: Final = 3_000
# Tried once, when filters left too little of the first.
WIDE_BUDGET: Final = 30_000
MAX_LIMIT: Final = 100
MAX_COUNTED: Final = 20_000
STATISTICS_AGE_S: Final = 60.0
# How ts_rank takes account of the length of a message; 1 divides by 1 + its logarithm.
NORMALIZATION: Final = 1


@dataclass(frozen=True, slots=True)
class Hit:
    """The best message of a thread. `score` compares within one search only; `channel` has no #."""

    ref: MessageRef
    thread_ts: str
    channel: str
    author: str
    posted_at: datetime
    snippet: str
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    channel_id: str
    ts: str
    thread_ts: str
    posted_at: datetime
    score: float
    text: str
    channel_name: str
    author: str


@dataclass(frozen=True, slots=True)
class Within:
    """Where to search. `visible_from` is the asking channel; public channels and itself are visible.

    `everywhere` lifts that, for the operator. None in any other field is no restriction. Times are UTC,
    `until` excluded.
    """

    visible_from: str | None = None
    everywhere: bool = False
    channel_ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    exclude_thread: MessageRef | None = None


class Search:
    """`clock` gives seconds, from any start."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._statistics: Statistics | None = None

    async def messages(
        self,
        query: str,
        visible_from: str | None,
        *,
        channel_ids: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 10,
        exclude_thread: MessageRef | None = None,
    ) -> list[Hit]:
        """Threads that fit best, best first. Of the channels that may be seen from `visible_from` (None: public)."""
        within = Within(visible_from, False, channel_ids, since, until, exclude_thread)
        return await self.find(query, within, limit)

    async def find(self, query: str, within: Within, limit: int = 10) -> list[Hit]:
        """As `messages`. Any text is a question; one without words finds nothing."""
        wanted, found = await self._find(query, within, max(1, min(limit, MAX_LIMIT)))
        stems = [term.lexeme for term in wanted]
        return [_hit(row, stems) for row in found]

    async def analyze(self) -> None:
        """Take the statistics anew; for after an import. The database does it by itself as the table grows."""
        async with self._db.connection() as conn:
            await conn.execute(ANALYZE)
        self._statistics = None

    async def _find(self, query: str, within: Within, limit: int) -> tuple[list[Term], list[Found]]:
        async with self._db.connection() as conn:
            parsed = await _parse(conn, query)
            statistics = await self._known(conn, parsed)
            wanted = terms(lexemes(parsed, statistics), statistics)
            found: list[Found] = []
            for budget in (BUDGET, WIDE_BUDGET):
                selection = select(wanted, statistics, budget)
                if not selection.query:
                    break
                values = values_of(within, wanted, selection, limit)
                found = await _fetch(conn, {**values, "most": 2 * budget})
                if len(found) >= limit or selection.complete:
                    break
            return wanted, found

    async def _known(self, conn: Connection, parsed: Sequence[Sequence[str]]) -> Statistics:
        """The statistics, at most a minute old; counted for these words where there are none yet."""
        if self._statistics is None or self._clock() - self._statistics.taken_at > STATISTICS_AGE_S:
            self._statistics = await read_statistics(conn, self._clock())
        if self._statistics.frequencies:
            return self._statistics
        return await _count(conn, sorted({lexeme for found in parsed for lexeme in found}))


async def _parse(conn: Connection, query: str) -> list[list[str]]:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(PARSE, {"texts": texts_to_parse(query)})
        return await cur.fetchall()


async def read_statistics(conn: Connection, now: float) -> Statistics:
    async with conn.cursor(row_factory=tuple_row) as cur:
        row = await (await cur.execute(STATISTICS)).fetchone()
    rows, words, frequencies, times = row or (0.0, [], [], [])
    by_word = dict(zip(words, frequencies, strict=False))
    return Statistics(rows, by_word, times, now, min(by_word.values(), default=0.0))


async def _count(conn: Connection, wanted: Sequence[str]) -> Statistics:
    queries = [quoted(lexeme) for lexeme in wanted]
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(COUNT_ROWS, {"most": MAX_COUNTED})
        rows = (await cur.fetchone() or (0,))[0]
        await cur.execute(COUNT_TERMS, {"lexemes": list(wanted), "queries": queries, "most": MAX_COUNTED})
        counts = await cur.fetchall()
    return Statistics(rows, {lexeme: count / max(rows, 1) for lexeme, count in counts})


async def _fetch(conn: Connection, values: dict[str, Any]) -> list[Found]:
    # Planned each time: the plan depends on how common the words are.
    async with conn.cursor(row_factory=class_row(Found)) as cur:
        return await (await cur.execute(FIND, values, prepare=False)).fetchall()


def values_of(within: Within, wanted: Sequence[Term], selection: Selection, limit: int) -> dict[str, Any]:
    """The parameters of FIND but `most`."""
    thread = within.exclude_thread
    newest = selection.since if within.until is None else None
    return {
        "select": selection.query,
        "since": _later(within.since, newest),
        "everywhere": within.everywhere,
        "visible_from": within.visible_from,
        "channels": None if within.channel_ids is None else list(within.channel_ids),
        "until": within.until,
        "not_channel": thread.channel_id if thread else "",
        "not_thread": thread.ts if thread else "",
        "norm": NORMALIZATION,
        "terms": [quoted(term.lexeme) for term in wanted],
        "idfs": [term.idf for term in wanted],
        "limit": limit,
    }


def _later(a: datetime | None, b: datetime | None) -> datetime | None:
    return max((moment for moment in (a, b) if moment is not None), default=None)


def _hit(row: Found, stems: Sequence[str]) -> Hit:
    return Hit(
        ref=MessageRef(row.channel_id, row.ts),
        thread_ts=row.thread_ts,
        channel=row.channel_name,
        author=row.author,
        posted_at=row.posted_at,
        snippet=snippet(row.text, stems),
        score=row.score,
    )

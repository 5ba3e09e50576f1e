"""Search in recorded messages: any word of the question may match, rare words count for more.

The recipe and its measurements: docs/adr/0005-search.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, scalar_row, tuple_row

from ratchet.domain.messages import Message, MessageRef
from ratchet.store.messages import Row
from ratchet.store.pool import Connection, Database
from ratchet.store.snippets import snippet
from ratchet.store.terms import Statistics, Term, lexemes, quoted, select, terms, texts_to_parse

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
    select m.channel_id, m.ts, coalesce(m.parent_ts, m.ts) as thread_ts, m.posted_at, m.fts
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

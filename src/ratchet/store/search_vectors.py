"""The vectors' list of a search in messages: what says the same in other words.

Vectors are compared by their signs first, 48 bytes instead of 768, and the nearest few hundred exactly. Where a
filter leaves few rows, all of their signs are read, from an index that holds them; else the index of vectors is
walked until enough of them passed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from psycopg.rows import class_row

from ratchet.store.embeddings import vector_text
from ratchet.store.pool import Connection
from ratchet.store.search_within import Expected, Near, Scope, expected

FEW: Final = """
with nearest as materialized (
    select v.channel_id, v.ts from message_vectors v
    where v.channel_id = any(%(channels)s::text[])
      and (%(since_ts)s::text is null or v.ts >= %(since_ts)s)
      and (%(until_ts)s::text is null or v.ts < %(until_ts)s)
      and (%(author)s::text is null or v.author = %(author)s)
      and exists (select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s
                  and (s.value->>'dimension')::int = %(dimension)s)
    -- As a sum it is no order of the index of vectors.
    order by (v.code <~> binary_quantize(%(vector)s::halfvec)) + 0 limit %(candidates)s
), best as (
    select v.channel_id, v.ts, v.posted_at, v.embedding <=> %(vector)s::halfvec as distance
    from nearest n join message_vectors v on v.channel_id = n.channel_id and v.ts = n.ts
    order by distance limit %(limit)s
)
select b.channel_id, b.ts, coalesce(m.parent_ts, m.ts) as thread_ts, b.posted_at, 1 - b.distance as score
from best b join messages m on m.channel_id = b.channel_id and m.ts = b.ts
where not (m.channel_id = %(not_channel)s and coalesce(m.parent_ts, m.ts) = %(not_thread)s)
order by b.distance
"""
MANY: Final = """
with nearest as materialized (
    select v.channel_id, v.ts, v.posted_at, v.embedding from message_vectors v
    where v.channel_id = any(%(channels)s::text[])
      and (%(since_ts)s::text is null or v.ts >= %(since_ts)s)
      and (%(until_ts)s::text is null or v.ts < %(until_ts)s)
      and (%(author)s::text is null or v.author = %(author)s)
      and exists (select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s
                  and (s.value->>'dimension')::int = %(dimension)s)
    order by v.code <~> binary_quantize(%(vector)s::halfvec) limit %(candidates)s
), best as (
    select n.channel_id, n.ts, n.posted_at, n.embedding <=> %(vector)s::halfvec as distance
    from nearest n order by distance limit %(limit)s
)
select b.channel_id, b.ts, coalesce(m.parent_ts, m.ts) as thread_ts, b.posted_at, 1 - b.distance as score
from best b join messages m on m.channel_id = b.channel_id and m.ts = b.ts
where not (m.channel_id = %(not_channel)s and coalesce(m.parent_ts, m.ts) = %(not_thread)s)
order by b.distance
"""
WALK: Final = """
select set_config('hnsw.ef_search', %(candidates)s::text, true),
       set_config('hnsw.iterative_scan', 'relaxed_order', true)
"""

# Compared exactly after their signs, of 100,000 or fewer; of more there are more whose signs are as near.
CANDIDATES: Final = 400
MORE_FROM: Final = 100_000
MORE: Final = 0.3
MOST: Final = 1_000  # of pgvector's ef_search
# How many of them are given.
LIST: Final = 100
# Cosine. Texts about different things are below with any model: the nearest of them would be found for anything.
LEAST_LIKENESS: Final = 0.25
# To read the signs of n rows of N takes as long as to walk the index when n² is about so many N.
FEW_ROWS: Final = 50_000


def few(expected: Expected) -> bool:
    """Whether it is quicker to read all that passes a filter, than to walk until enough of it was met."""
    return expected.rows * expected.rows < FEW_ROWS * max(expected.of, expected.rows)


def candidates(of: float) -> int:
    """How many to compare exactly in a record of so many vectors: 400, and 798 of a million."""
    return min(MOST, round(CANDIDATES * math.pow(max(1.0, of / MORE_FROM), MORE)))


async def near(conn: Connection, vector: Sequence[float], model: str, scope: Scope) -> list[Near]:
    """The messages whose vectors are nearest, nearest first; none while the vectors are another model's, or of another length.

    Wants a transaction.
    """
    if not scope.channels:
        return []
    passing = await expected(conn, scope)
    values = values_of(vector, model, scope, passing.of)
    async with conn.cursor(row_factory=class_row(Near)) as cur:
        statement = FEW if few(passing) else MANY
        if statement is MANY:
            await conn.execute(WALK, {"candidates": str(values["candidates"])})
        # Planned each time: the plan depends on the filter.
        found = await (await cur.execute(statement, values, prepare=False)).fetchall()
    return [one for one in found if one.score >= LEAST_LIKENESS]


def values_of(vector: Sequence[float], model: str, scope: Scope, of: float) -> dict[str, Any]:
    """The parameters of FEW and MANY, in a record of so many vectors."""
    return {
        **scope.values,
        "vector": vector_text(vector),
        "model": model,
        "dimension": len(vector),
        "candidates": candidates(of),
        "limit": LIST,
    }

"""Search in documents: the words' list and the vectors' list, each from its own index, blended by score."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from psycopg.rows import class_row, tuple_row

from ratchet.domain.documents import DocumentHit, Passage, StoredDocument
from ratchet.store import naming
from ratchet.store.embeddings import Embedder, question_vector, vector_text
from ratchet.store.fusion import best_of, blended
from ratchet.store.pool import Connection, Database
from ratchet.store.search_words import PARSE
from ratchet.store.terms import lexemes, quoted, select, terms, texts_to_parse
from ratchet.store.weighing import Weighing
from ratchet.store.word_statistics import WordStatistics
from ratchet.store.words import storable

# The last three of most_common_elem_freqs are the least, the greatest and the null frequency.
STATISTICS: Final = """
select greatest(c.reltuples, 0)::float8, coalesce(w.most_common_elems::text::text[], '{}'),
       coalesce(w.most_common_elem_freqs, '{}')::float8[], '{}'::timestamptz[]
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_stats w on w.schemaname = n.nspname and w.tablename = c.relname and w.attname = 'fts'
where c.oid = 'chunks'::regclass
"""
# Before the first ANALYZE there is nothing to read: counted, within bounds.
COUNT_ROWS: Final = "select count(*) from (select from chunks limit %(most)s) c"
COUNT_TERMS: Final = """
select u.lexeme, (select count(*) from (select from chunks c where c.fts @@ u.query limit %(most)s) found)
from unnest(%(lexemes)s::text[], %(queries)s::tsquery[]) as u (lexeme, query)
"""
# What a word counts for in a chunk is BM25's, see `ratchet.store.weighing`. In the title and path (a) it counts for
# more, the shorter these are: a question about one word of five is about it, about one of twenty hardly.
BY_WORDS: Final = """
with candidates as materialized (
    select c.source, c.path, c.number, c.fts || ''::tsvector as fts,
           ts_filter(c.fts, '{a}') as title, ts_filter(c.fts, '{b}') as headings,
           %(any_length)s + %(each_byte)s * octet_length(c.text) as length
    from chunks c where c.fts @@ %(select)s::tsquery limit %(most)s
)
select c.source, c.path, c.number,
       (select sum(t.idf * r.rank / (r.rank + (1 - r.rank) * c.length)
                   * (1 + case when c.title @@ t.query then %(title)s / length(c.title)
                               when c.headings @@ t.query then %(heading)s else 0 end))
        from unnest(%(terms)s::tsquery[], %(idfs)s::float8[]) as t (query, idf)
        cross join lateral (select ts_rank(%(flat)s::real[], c.fts, t.query) as rank offset 0) r
        where r.rank > 0) as score
from candidates c order by score desc nulls last, c.source, c.path, c.number limit %(limit)s
"""
# The index gives no more than ef_search rows.
WIDEN: Final = "select set_config('hnsw.ef_search', %(rows)s::text, true)"
BY_MEANING: Final = """
select c.source, c.path, c.number, 1 - (c.embedding <=> %(vector)s::halfvec) as score from chunks c
where c.embedding is not null
  and exists (select from settings s where s.name = 'embedding' and s.value->>'model' = %(model)s
              and (s.value->>'dimension')::int = %(dimension)s)
order by c.embedding <=> %(vector)s::halfvec limit %(limit)s
"""
PARTS: Final = """
select d.source, d.path, d.title, d.url, s.base, coalesce(s.revision, 'HEAD') as revision, c.number, c.heading, c.text
from unnest(%(sources)s::text[], %(paths)s::text[]) as u (source, path)
join documents d on d.source = u.source and d.path = u.path
join sources s on s.name = d.source
join chunks c on c.source = d.source and c.path = d.path
order by d.source, d.path, c.number
"""
NAMED: Final = """
select source, path, title, attrs->'headings' as headings, attrs->'alerts' as alerts, attrs->'services' as services
from documents where names && %(keys)s order by source, path limit %(limit)s
"""
# By its identifier, by the address under which people open it, or by such an address in any revision.
READ: Final = """
with named as (
    select d.source, d.path from documents d where d.source = %(source)s and d.path = %(path)s
    union all
    select d.source, d.path from documents d where d.url = %(name)s and d.url <> ''
    union all
    select d.source, d.path from sources s join documents d on d.source = s.name and d.path = any(%(ends)s::text[])
    where s.base <> '' and starts_with(%(name)s, s.base || '/blob/')
)
select d.source, d.path, d.title, d.url, s.base, coalesce(s.revision, 'HEAD') as revision, d.text
from named n join documents d on d.source = n.source and d.path = n.path join sources s on s.name = d.source
order by length(d.path) desc, d.source limit 1
"""

# About how many chunks the words' list looks at, and how many each list gives.
BUDGET: Final = 2_000
LIST: Final = 100
MAX_LIMIT: Final = 50
MAX_NAMED: Final = 200
PASSAGES: Final = 3
MAX_NAME_CHARS: Final = 2_000
MAX_DEPTH: Final = 30
# Of a page that is for an alert: enough to come from why it fires to what to do.
NAMED_PASSAGES: Final = 6
# Of a chunk of 1,000 bytes; and what a word in the whole title, or in a heading, counts beyond that.
WEIGHING: Final = Weighing(any_length=1.2, each_byte=0.8 / 1000)
TITLE: Final = 8.0
HEADING: Final = 0.25

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk with what its document is called by."""

    source: str
    path: str
    title: str
    url: str
    base: str
    revision: str
    number: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A document with what it is called by."""

    source: str
    path: str
    title: str
    url: str
    base: str
    revision: str
    text: str


class DocumentSearch:
    """Without `embedder`, or while it fails, by words only. `clock` gives seconds, from any start."""

    def __init__(
        self, db: Database, embedder: Embedder | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._embedder = embedder
        self._statistics = WordStatistics(STATISTICS, COUNT_ROWS, COUNT_TERMS, clock)

    async def find(self, query: str, limit: int = 5) -> list[DocumentHit]:
        """The documents that fit best, best first. Any text is a question; one without words finds nothing."""
        vector = await question_vector(self._embedder, query)
        async with self._db.transaction() as conn:
            by_words = await self._by_words(conn, query)
            by_meaning = await self._by_meaning(conn, vector) if vector else {}
        fused = blended(best_of(by_words), best_of(by_meaning))
        chosen = dict(list(fused.items())[: max(1, min(limit, MAX_LIMIT))])
        return await self._hits(chosen, blended(by_words, by_meaning))

    async def naming(self, alert: str, service: str | None = None) -> DocumentHit | None:
        """The document that says it is for the alert, by front matter, title, file name, heading or mention.

        Its passages start where the alert is named. One that is for another service is left out.
        """
        keys = naming.wanted(alert, service)
        if not keys:
            return None
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(naming.Named)) as cur:
            await cur.execute(NAMED, {"keys": keys, "limit": MAX_NAMED})
            chosen = naming.best(alert, service, await cur.fetchall())
        if chosen is None:
            return None
        named, rank = chosen
        parts = await self._parts([(named.source, named.path)])
        heading = naming.heading_for(set(keys), named.headings) if rank < 4 else ""
        start = next((at for at, part in enumerate(parts) if heading and heading in part.heading), 0)
        return (
            _hit(parts[start : start + NAMED_PASSAGES] or parts, [rank] * NAMED_PASSAGES, rank)
            if parts
            else None
        )

    async def read(self, name: str) -> StoredDocument | None:
        """The document of this identifier or address, whatever revision it names; None for none."""
        name = storable(name.strip()[:MAX_NAME_CHARS]).partition("#")[0]
        source, _, path = name.partition("/")
        steps = unquote(name).split("/")
        ends = ["/".join(steps[start:]) for start in range(1, len(steps))][-MAX_DEPTH:]
        values = {"name": name, "source": source, "path": path, "ends": ends}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            row = await (await cur.execute(READ, values)).fetchone()
        if row is None:
            return None
        named = _id(row.source, row.path, row.base, row.revision)
        url = _url(row.url, row.path, row.base, row.revision)
        return StoredDocument(named, row.source, row.path, row.title, url, row.text)

    async def _by_words(self, conn: Connection, query: str) -> dict[Key, float]:
        async with conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(PARSE, {"texts": texts_to_parse(query)})
            parsed = [found for (found,) in await cur.fetchall()]
            statistics = await self._statistics.of(conn, parsed)
            wanted = terms(lexemes(parsed, statistics), statistics)
            selection = select(wanted, statistics, BUDGET)
            if not selection.query:
                return {}
            values = {
                "select": selection.query,
                "most": 2 * BUDGET,
                **WEIGHING.values,
                "title": TITLE,
                "heading": HEADING,
                "terms": [quoted(term.lexeme) for term in wanted],
                "idfs": [term.idf for term in wanted],
                "limit": LIST,
            }
            # Planned each time: the plan depends on how common the words are.
            await cur.execute(BY_WORDS, values, prepare=False)
            return {(source, path, number): score for source, path, number, score in await cur.fetchall()}

    async def _by_meaning(self, conn: Connection, vector: Sequence[float]) -> dict[Key, float]:
        model = self._embedder.model if self._embedder else ""
        values = {
            "vector": vector_text(vector),
            "model": model,
            "dimension": len(vector),
            "limit": LIST,
        }
        async with conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(WIDEN, {"rows": str(LIST)})
            await cur.execute(BY_MEANING, values)
            return {(source, path, number): score for source, path, number, score in await cur.fetchall()}

    async def _parts(self, documents: Sequence[tuple[str, str]]) -> list[Part]:
        values = {"sources": [s for s, _ in documents], "paths": [p for _, p in documents]}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Part)) as cur:
            return await (await cur.execute(PARTS, values)).fetchall()

    async def _hits(
        self, documents: Mapping[tuple[str, str], float], chunks: Mapping[Key, float]
    ) -> list[DocumentHit]:
        by_document: dict[tuple[str, str], list[Part]] = defaultdict(list)
        for part in await self._parts(list(documents)):
            by_document[part.source, part.path].append(part)
        hits = []
        for name, score in documents.items():
            parts = [part for part in by_document[name] if (*name, part.number) in chunks]
            parts = sorted(parts, key=lambda part: -chunks[(*name, part.number)])[:PASSAGES]
            if parts:  # else it went away meanwhile
                hits.append(_hit(parts, [chunks[(*name, part.number)] for part in parts], score))
        return hits


def _hit(parts: Sequence[Part], scores: Sequence[float], score: float) -> DocumentHit:
    first = parts[0]
    return DocumentHit(
        id=_id(first.source, first.path, first.base, first.revision),
        source=first.source,
        path=first.path,
        title=first.title,
        heading=first.heading,
        url=_url(first.url, first.path, first.base, first.revision),
        passages=tuple(
            Passage(part.heading, part.text, own) for part, own in zip(parts, scores, strict=False)
        ),
        score=score,
    )


def _url(url: str, path: str, base: str, revision: str) -> str:
    """Where people open it."""
    return url or (f"{base}/blob/{quote(revision)}/{quote(path)}" if base else "")


def _id(source: str, path: str, base: str, revision: str) -> str:
    return f"{base}/blob/{revision}/{path}" if base else f"{source}/{path}"

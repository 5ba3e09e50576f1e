"""Search in recorded messages: the words' list and the vectors' list, each from its own index, fused by rank.

What is found are threads, each by its best message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from psycopg.rows import class_row

from ratchet.domain.errors import first_error
from ratchet.domain.messages import MessageRef
from ratchet.store.embeddings import Embedder, question_vector
from ratchet.store.fusion import reciprocal_ranks
from ratchet.store.pool import Database
from ratchet.store.search_vectors import near
from ratchet.store.search_within import Near, Scope, Within, expected, scope_of
from ratchet.store.search_words import ANALYZE, Effort, Words
from ratchet.store.snippets import snippet
from ratchet.store.terms import Term

__all__ = ["MAX_LIMIT", "Hit", "Search", "Within"]

DETAILS: Final = """
select m.channel_id, m.ts, m.text, coalesce(c.name, '') as channel_name,
       coalesce(nullif(p.name, ''), nullif(m.attrs->'sender'->>'name', ''), m.attrs->'sender'->>'id', '') as author
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join messages m on m.channel_id = u.channel_id and m.ts = u.ts
left join channels c on c.id = m.channel_id
left join people p on p.id = m.attrs->'sender'->>'id'
"""

MAX_LIMIT: Final = 100
# How many threads the words' list gives.
LIST: Final = 100
# What being new counts for: about one place among the first ten. It halves in so many days.
RECENCY: Final = 0.002
RECENCY_DAYS: Final = 90.0

# A channel and a ts; hashed some thousand times a search.
Key = tuple[str, str]


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
class Details:
    channel_id: str
    ts: str
    text: str
    channel_name: str
    author: str


def utc_now() -> datetime:
    return datetime.now(UTC)


class Search:
    """Without `embedder`, or while it fails, by words only. `clock` gives seconds, from any start."""

    def __init__(
        self,
        db: Database,
        embedder: Embedder | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._db = db
        self._embedder = embedder
        self._words = Words(clock)
        self._now = now

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
        limit = max(1, min(limit, MAX_LIMIT))
        async with self._db.connection() as conn:
            scope = await scope_of(conn, within)
        if not scope.channels:
            return []
        wanted, by_words, by_vectors = await self._lists(query, scope, limit)
        chosen = fused(by_words, by_vectors, self._now())[:limit]
        stems = [term.lexeme for term in wanted]
        details = await self._details([found.ref for found in chosen])
        return [_hit(found, details[found.ref], stems) for found in chosen if found.ref in details]

    async def analyze(self) -> None:
        """Take the statistics anew; for after an import. The database does it by itself as the table grows."""
        async with self._db.connection() as conn:
            await conn.execute(ANALYZE)
        self._words.forget_statistics()

    async def _lists(self, query: str, scope: Scope, limit: int) -> tuple[list[Term], list[Near], list[Near]]:
        """The terms of the question and both lists, made at the same time."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                words = group.create_task(self._by_words(query, scope, limit))
                vectors = group.create_task(self._by_vectors(query, scope))
        return (*words.result(), vectors.result())

    async def _by_words(self, query: str, scope: Scope, limit: int) -> tuple[list[Term], list[Near]]:
        async with self._db.connection() as conn:
            effort = Effort.alone(limit)
            if self._embedder is not None:
                effort = Effort.beside_vectors((await expected(conn, scope)).share)
            return await self._words.find(conn, query, scope, LIST, effort)

    async def _by_vectors(self, query: str, scope: Scope) -> list[Near]:
        vector = await question_vector(self._embedder, query)
        if vector is None or self._embedder is None:
            return []
        async with self._db.transaction() as conn:
            return await near(conn, vector, self._embedder.model, scope)

    async def _details(self, refs: Sequence[MessageRef]) -> dict[MessageRef, Details]:
        values = {"channels": [ref.channel_id for ref in refs], "ts": [ref.ts for ref in refs]}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Details)) as cur:
            found = await (await cur.execute(DETAILS, values)).fetchall()
        return {MessageRef(row.channel_id, row.ts): row for row in found}


def fused(by_words: Sequence[Near], by_vectors: Sequence[Near], now: datetime) -> list[Near]:
    """Threads by rank in both lists, each by the message that is best in them; the newer first where it is close."""
    messages = reciprocal_ranks(_scores(by_words), _scores(by_vectors))
    best: dict[Key, Near] = {}
    for found in sorted((*by_words, *by_vectors), key=lambda found: -messages[found.channel_id, found.ts]):
        best.setdefault((found.channel_id, found.thread_ts), found)
    threads = reciprocal_ranks(_by_thread(by_words), _by_thread(by_vectors))
    scored = [replace(found, score=threads[key] + recency(found, now)) for key, found in best.items()]
    return sorted(scored, key=lambda found: (-found.score, -found.posted_at.timestamp()))


def recency(found: Near, now: datetime) -> float:
    """What a message's being new adds to its score."""
    days = max(0.0, (now - found.posted_at).total_seconds() / 86_400)
    return float(RECENCY * 0.5 ** (days / RECENCY_DAYS))


def _scores(found: Iterable[Near]) -> dict[Key, float]:
    return {(one.channel_id, one.ts): one.score for one in found}


def _by_thread(found: Iterable[Near]) -> Mapping[Key, float]:
    """The score of a thread is that of its best message."""
    scores: dict[Key, float] = {}
    for one in found:
        key = (one.channel_id, one.thread_ts)
        scores[key] = max(one.score, scores.get(key, one.score))
    return scores


def _hit(found: Near, details: Details, stems: Sequence[str]) -> Hit:
    return Hit(
        ref=found.ref,
        thread_ts=found.thread_ts,
        channel=details.channel_name,
        author=details.author,
        posted_at=found.posted_at,
        snippet=snippet(details.text, stems),
        score=found.score,
    )

"""Names of alerts: kept, embedded in the background, and which of them are similar to one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog
from psycopg.rows import scalar_row, tuple_row

from ratchet.domain.errors import RatchetError
from ratchet.store import naming
from ratchet.store.embeddings import Batch, Embedder, Vector, vector_text
from ratchet.store.pool import Connection, Database

log = structlog.get_logger(__name__)

# In one order, so that of two who record the same new names one waits for the other, and not each for each.
REMEMBER: Final = """
insert into alert_names (alert, words, first_at)
select u.alert, string_to_array(u.words, ' '), u.first_at
from unnest(%(alerts)s::text[], %(words)s::text[], %(firsts)s::timestamptz[]) as u (alert, words, first_at)
order by u.alert
on conflict (alert) do nothing
"""
WAITING: Final = """
select alert from alert_names
where embedding is null and words <> '{}' and not unembeddable order by alert limit %(limit)s
"""
COUNT_WAITING: Final = """
select count(*) from alert_names where embedding is null and words <> '{}' and not unembeddable
"""
KEEP: Final = """
update alert_names n set embedding = u.embedding::halfvec, unembeddable = u.embedding is null
from unnest(%(alerts)s::text[], %(vectors)s::text[]) as u (alert, embedding)
where n.alert = u.alert and n.embedding is null
"""
FORGET_VECTORS: Final = (
    "alter table alert_names drop column embedding, drop column unembeddable,"
    " add column embedding halfvec({dimension}), add column unembeddable boolean not null default false",
    "create index alert_names_embedding on alert_names using hnsw (embedding halfvec_cosine_ops)",
    "create index alert_names_waiting on alert_names (alert)"
    " where embedding is null and words <> '{{}}' and not unembeddable",
)
# Steps from name to name along the index: the events are many times more than the names.
NAMELESS: Final = """
with recursive known (alert) as (
    (select e.alert from incident_events e where e.alert is not null order by e.alert limit 1)
    union all
    select (select e.alert from incident_events e where e.alert > k.alert order by e.alert limit 1)
    from known k where k.alert is not null
)
select k.alert, (select min(e.happened_at) from incident_events e where e.alert = k.alert)
from known k where k.alert is not null and not exists (select from alert_names n where n.alert = k.alert)
"""
FORGET: Final = """
delete from alert_names n where not exists (select from incident_events e where e.alert = n.alert)
"""
ASKED: Final = """
select (select n.embedding::text from alert_names n where n.alert = %(alert)s),
       (select s.value->>'model' from settings s where s.name = 'embedding')
"""
# The shortest names first: where there are too many, those say least that was not asked for.
BY_WORDS: Final = """
select n.alert, 1 - (n.embedding <=> %(vector)s::halfvec) as cosine from alert_names n
where n.words && %(first)s::text[] and n.words && %(second)s::text[] and n.words && %(third)s::text[]
  and n.alert <> %(alert)s
order by cardinality(n.words), n.alert limit %(limit)s
"""
BY_MEANING: Final = """
select n.alert, 1 - (n.embedding <=> %(vector)s::halfvec) as cosine from alert_names n
where n.embedding is not null
order by n.embedding <=> %(vector)s::halfvec limit %(limit)s
"""
# Which of the names fired before then where it may be seen, in the order given. Of one that fired without end in
# channels that may not be seen, only the newest firings are looked at.
FIRED: Final = """
select u.alert
from unnest(%(alerts)s::text[]) with ordinality as u (alert, place)
cross join lateral (
    select from (
        select e.channel_id from incident_events e
        where e.alert = u.alert and e.action = 'open_incident' and e.happened_at < %(before)s
        order by e.happened_at desc limit %(firings)s
    ) e join channels c on c.id = e.channel_id
    where c.id = %(visible_from)s or c.kind = 'public'
    limit 1
) fired
order by u.place limit %(limit)s
"""

CANDIDATES: Final = 200
NEIGHBOURS: Final = 20  # the index gives no more than 40
FIRINGS: Final = 1_000
# A runbook is waited for, and embeddings add little to the words.
EMBED_TIMEOUT_S: Final = 1.0


class NameRules(Protocol):
    """How names are compared. `ratchet.alerts.likeness` is one."""

    def wanted(self, words: Sequence[str]) -> Sequence[Sequence[str]]:
        """Groups of words, the rarest first; a similar name has one of each. None: nothing is similar."""
        ...

    def similarity(self, a: Sequence[str], b: Sequence[str], cosine: float | None) -> float | None:
        """None for names that are not similar enough."""
        ...


class SimilarAlerts:
    """Without `embedder`, or while it fails, a name that was not embedded yet is compared by words only."""

    def __init__(self, db: Database, rules: NameRules, embedder: Embedder | None = None) -> None:
        self._db = db
        self._rules = rules
        self._embedder = embedder

    async def similar(self, alert: str, before: datetime, visible_from: str, limit: int = 3) -> Sequence[str]:
        """Names of other alerts that fired before a moment and whose fix may help here, best first.

        Only those that fired in public channels or in `visible_from`. Mostly there are none.
        """
        words = naming.words(alert)
        groups = self._rules.wanted(words)
        if not groups:
            return []
        vector = await self._vector(alert)
        async with self._db.connection() as conn:
            found = await _by_words(conn, alert, groups, vector)
            found |= await _by_meaning(conn, alert, vector)
            accepted = self._accepted(words, found)
            return await _fired(conn, accepted, before, visible_from, limit) if accepted else []

    def _accepted(self, words: Sequence[str], found: Mapping[str, float | None]) -> list[str]:
        scored = (
            (self._rules.similarity(words, naming.words(other), cosine), other)
            for other, cosine in found.items()
        )
        return [other for _, other in sorted((-score, other) for score, other in scored if score is not None)]

    async def _vector(self, alert: str) -> str | None:
        """As PostgreSQL reads it: the stored one, else made on the spot, if the others are of that model."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(ASKED, {"alert": alert})
            row = await cur.fetchone()
        stored: str | None
        stored, model = row or (None, None)
        if stored is not None or self._embedder is None or self._embedder.model != model:
            return stored
        try:
            async with asyncio.timeout(EMBED_TIMEOUT_S):
                return vector_text((await self._embedder.embed([spoken(alert)]))[0])
        except (RatchetError, TimeoutError) as error:
            log.warning("alert_name_not_embedded", reason=str(error) or "no answer in time")
            return None


def spoken(alert: str) -> str:
    """What is embedded for a name: KubePodCrashLooping → kube pod crash looping."""
    return " ".join(naming.words(alert))


async def remember(conn: Connection, firsts: Mapping[str, datetime]) -> int:
    """Keep names of alerts, with when they first fired. Returns how many were new."""
    values = {
        "alerts": list(firsts),
        "words": [spoken(alert) for alert in firsts],
        "firsts": list(firsts.values()),
    }
    return (await conn.execute(REMEMBER, values)).rowcount if firsts else 0


class NameVectors:
    """Satisfies `ratchet.store.embeddings.Target`."""

    count_waiting: Final = COUNT_WAITING
    forget: Final = FORGET_VECTORS

    async def batch(self, conn: Connection, limit: int) -> Batch | None:
        async with conn.cursor(row_factory=scalar_row) as cur:
            alerts: list[str] = await (await cur.execute(WAITING, {"limit": limit})).fetchall()
        if not alerts:
            return None

        async def keep(conn: Connection, vectors: Sequence[Vector | None]) -> int:
            texts = [None if vector is None else vector_text(vector) for vector in vectors]
            return (await conn.execute(KEEP, {"alerts": alerts, "vectors": texts})).rowcount

        return Batch(len(alerts), [spoken(alert) for alert in alerts], keep)


async def prune(db: Database) -> int:
    """Names without any event go; returns how many. Those that events got without being recorded come.

    A name that fires for the first time in years at this very moment may be missed: until tomorrow.
    """
    async with db.transaction() as conn:
        gone = (await conn.execute(FORGET)).rowcount
        async with conn.cursor(row_factory=tuple_row) as cur:
            nameless = await (await cur.execute(NAMELESS)).fetchall()
        await remember(conn, dict(nameless))
    return gone


async def _by_words(
    conn: Connection, alert: str, groups: Sequence[Sequence[str]], vector: str | None
) -> dict[str, float | None]:
    first, second, third = (list(groups[min(place, len(groups) - 1)]) for place in range(3))
    values = {
        "alert": alert,
        "first": first,
        "second": second,
        "third": third,
        "vector": vector,
        "limit": CANDIDATES,
    }
    async with conn.cursor(row_factory=tuple_row) as cur:
        return dict(await (await cur.execute(BY_WORDS, values)).fetchall())


async def _by_meaning(conn: Connection, alert: str, vector: str | None) -> dict[str, float | None]:
    if vector is None:
        return {}
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(BY_MEANING, {"vector": vector, "limit": NEIGHBOURS})
        return {other: cosine for other, cosine in await cur.fetchall() if other != alert}


async def _fired(
    conn: Connection, alerts: Sequence[str], before: datetime, visible_from: str, limit: int
) -> Sequence[str]:
    values = {
        "alerts": list(alerts),
        "before": before,
        "visible_from": visible_from,
        "firings": FIRINGS,
        "limit": limit,
    }
    async with conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(FIRED, values)).fetchall()

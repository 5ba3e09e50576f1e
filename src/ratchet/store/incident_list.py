"""The newest incidents, or those that are open, read from the few messages that make them.

The view `incidents` pairs everything that a channel ever recorded. Here the opening messages are found by time, then
whatever is paired with them by key, and the same definition, `incidents_among`, pairs just that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

from ratchet.domain.incidents import Incident
from ratchet.store.pool import Database

# Messages that said that something is open, newest first; each version is one.
OPENINGS: Final = """
select e.channel_id, e.ts, e.happened_at
from unnest(%(channels)s::text[]) as c (id)
cross join lateral (
    select o.channel_id, o.ts, o.happened_at from incident_events o
    where o.channel_id = c.id and o.action = 'open_incident'
      and o.happened_at >= %(since)s and o.happened_at < %(until)s
    order by o.happened_at desc limit %(most)s) e
order by e.happened_at desc limit %(most)s
"""
# What is open now was heard of within the silence after which it would be over.
HEARD: Final = """
select e.channel_id, e.ts, e.happened_at
from unnest(%(channels)s::text[]) as c (id)
join incident_events e on e.channel_id = c.id
where e.action = 'open_incident' and e.happened_at > now() - incident_silence()
"""
# `keyed`: what the messages open, and since when that is asked. `named`: all that is paired under these keys from then
# on, beyond some resolves after the end; and a little before, which tells what was open by then, or back beyond some
# resolves, for what is open since long ago. A resolve in the thread of one of them belongs to it whatever it calls
# itself.
AMONG: Final = """
with keyed as materialized (
    select f.channel_id, coalesce(f.pair_key, 'thread:' || coalesce(f.parent_ts, f.ts)) as pair_key,
           min(u.happened_at) as first_at
    from unnest(%(of)s::text[], %(ts)s::text[], %(at)s::timestamptz[]) as u (channel_id, ts, happened_at)
    cross join lateral (
        select e.channel_id, e.ts, e.parent_ts, e.pair_key from incident_events e
        where e.channel_id = u.channel_id and e.ts = u.ts and e.action = 'open_incident'
        order by e.version limit 1) f
    group by 1, 2
), reached as materialized (
    select k.channel_id, k.pair_key, case when not %(open_only)s then k.first_at else coalesce((
               select e.happened_at from incident_events e
               where e.channel_id = k.channel_id and e.pair_key = k.pair_key and e.action = 'close_incident'
                 and e.happened_at < k.first_at
               order by e.happened_at desc offset %(resolves)s limit 1), '-infinity') end as first_at
    from keyed k
), named as materialized (
    select k.channel_id, e.ts from reached k join incident_events e
        on e.channel_id = k.channel_id and e.pair_key = k.pair_key and e.happened_at >= k.first_at
       and e.happened_at <= coalesce((
               select a.happened_at from incident_events a
               where a.channel_id = k.channel_id and a.pair_key = k.pair_key and a.action = 'close_incident'
                 and a.happened_at >= %(until)s
               order by a.happened_at offset %(resolves)s limit 1), 'infinity')
    union
    select k.channel_id, e.ts from reached k cross join lateral (
        select b.ts from incident_events b
        where b.channel_id = k.channel_id and b.pair_key = k.pair_key and b.happened_at < k.first_at
        order by b.happened_at desc limit %(before)s) e
    union
    select k.channel_id, e.ts from reached k join incident_events e
        on e.channel_id = k.channel_id and e.ts = substr(k.pair_key, 8)
    where k.pair_key like 'thread:%%'
    union
    select k.channel_id, e.ts from reached k join incident_events e
        on e.channel_id = k.channel_id and e.parent_ts = substr(k.pair_key, 8)
    where k.pair_key like 'thread:%%'
)
select channel_id, ts, null as pair_key from named
union all
select e.channel_id, e.ts, null from named n
join incident_events e on e.channel_id = n.channel_id and e.parent_ts = n.ts and e.action = 'close_incident'
union all
select channel_id, null, pair_key from keyed
"""
PAIRED: Final = """
select channel_id, pair_key, alert, service, priority, tool, open_ts, opened_at, close_ts, closed_at, firings, state,
       last_at, acknowledged_at
from incidents_among(%(channels)s::text[], %(messages)s::text[])
where opened_at >= %(since)s and opened_at < %(until)s and (not %(open_only)s or state = 'open')
  and (channel_id, pair_key) in (select * from unnest(%(key_channels)s::text[], %(keys)s::text[]))
order by opened_at desc limit %(limit)s
"""
# One message opens one incident, mostly; where alerts are repeated often, so many times as many are looked at next.
AT_FIRST: Final = 1.5
MORE: Final = 4
# How many messages of a key before the first that is asked about; and resolves, before what is open now and after the
# end. One of each would do, but for the few that belong to another key by their thread.
BEFORE: Final = 5
RESOLVES: Final = 3


@dataclass(frozen=True, slots=True)
class Opening:
    channel_id: str
    ts: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Incidents opened in `[since, until)` in these channels; `open_only`: those that are open now."""

    channels: Sequence[str]
    since: datetime
    until: datetime
    open_only: bool
    limit: int

    @property
    def values(self) -> dict[str, Any]:
        return {
            "channels": list(self.channels),
            "since": self.since,
            "until": self.until,
            "open_only": self.open_only,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """A row of AMONG: a message (`ts`), or a key."""

    channel_id: str
    ts: str | None
    pair_key: str | None


async def newest(db: Database, asked: Asked) -> list[Incident]:
    """The newest first."""
    async with db.connection() as conn:
        if asked.open_only:
            return await _paired(conn, asked, await _openings(conn, HEARD, asked.values))
        most = math.ceil(AT_FIRST * asked.limit) + 1
        while True:
            openings = await _openings(conn, OPENINGS, asked.values | {"most": most})
            cut = openings[-1].happened_at if len(openings) == most else None
            found = await _paired(conn, asked, openings)
            # Of what opened no later than the last opening that was read, others may be missing.
            sure = [one for one in found if cut is None or one.opened_at > cut]
            if cut is None or len(sure) >= asked.limit:
                return sure
            most *= MORE


async def _openings(
    conn: AsyncConnection[Any], statement: LiteralString, values: dict[str, Any]
) -> list[Opening]:
    async with conn.cursor(row_factory=class_row(Opening)) as cur:
        return await (await cur.execute(statement, values)).fetchall()


async def _paired(conn: AsyncConnection[Any], asked: Asked, openings: Sequence[Opening]) -> list[Incident]:
    given = {
        "of": [one.channel_id for one in openings],
        "ts": [one.ts for one in openings],
        "at": [one.happened_at for one in openings],
        "open_only": asked.open_only,
        "before": 0 if asked.open_only else BEFORE,
        "resolves": RESOLVES - 1,
        "until": asked.until,
    }
    async with conn.cursor(row_factory=class_row(Part)) as cur:
        parts = await (await cur.execute(AMONG, given)).fetchall()
    among = {
        "channels": sorted({part.channel_id for part in parts}),
        "messages": sorted({part.ts for part in parts if part.ts}),
        "key_channels": [part.channel_id for part in parts if part.pair_key],
        "keys": [part.pair_key for part in parts if part.pair_key],
    }
    async with conn.cursor(row_factory=class_row(Incident)) as cur:
        # Planned anew each time: as a statement with unknown arrays, it would be one that reads everything.
        return await (await cur.execute(PAIRED, asked.values | among, prepare=False)).fetchall()

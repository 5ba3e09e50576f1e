"""What the first page shows of all channels at once. For the operator: private channels are included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row, tuple_row

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Database

# Whatever is open now was heard of within the silence after which it would be over. Newest first.
HEARD: Final = """
select e.channel_id, e.ts, max(e.happened_at) as last_at
from channels c join incident_events e on e.channel_id = c.id
where e.happened_at > now() - incident_silence() and e.action = 'open_incident'
group by e.channel_id, e.ts order by last_at desc limit %(limit)s
"""
# Of messages that nothing resolved: one line a key, and since when it is open: back to its last resolve, or to a
# silence after which it was a new incident.
OPEN: Final = """
with named as (
    select distinct on (e.channel_id, coalesce(e.pair_key, e.ts))
           e.channel_id, e.ts, e.parent_ts, e.pair_key, e.service, e.alert, e.priority, e.tool, e.happened_at
    from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
    join incident_events e on e.channel_id = u.channel_id and e.ts = u.ts and e.action = 'open_incident'
    order by e.channel_id, coalesce(e.pair_key, e.ts), e.happened_at desc
)
select n.channel_id, c.name as channel, n.ts, coalesce(n.parent_ts, n.ts) as thread_ts, n.service, n.alert, n.priority,
       n.tool, n.happened_at as last_at, coalesce(r.opened_at, n.happened_at) as opened_at, coalesce(r.firings, 1) as firings
from named n join channels c on c.id = n.channel_id
left join lateral (
    select min(b.happened_at) as opened_at, (count(distinct b.ts))::int as firings
    from (select h.ts, h.happened_at, h.action,
                 count(*) filter (where h.action = 'close_incident' or h.newer - h.happened_at > incident_silence())
                     over (order by h.happened_at desc, h.ts desc) as ends
          from (select p.ts, p.happened_at, p.action, lag(p.happened_at) over (order by p.happened_at desc, p.ts desc) as newer
                from (select e.ts, e.happened_at, e.action from incident_events e
                      where e.channel_id = n.channel_id and e.pair_key = n.pair_key and e.happened_at <= n.happened_at
                      order by e.happened_at desc limit %(back)s) p) h) b
    where b.ends = 0
) r on true
order by (n.priority = 'HIGH') desc, opened_at desc limit %(limit)s
"""
# Messages that opened an alert, on the day on which they first did. An edit that keeps it open is none.
DAILY: Final = """
select (e.happened_at at time zone 'UTC')::date as day, e.service, count(*)::int as opens
from channels c join incident_events e on e.channel_id = c.id
where e.happened_at >= %(since)s and e.happened_at < %(until)s and e.action = 'open_incident'
  and (e.version = e.ts
       or not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                      and f.version < e.version and f.action = 'open_incident'))
group by day, e.service order by day, opens desc
"""
BUSIEST: Final = """
select c.id, c.name, count(*)::int as opens
from channels c join incident_events e on e.channel_id = c.id
where e.happened_at >= %(since)s and e.happened_at < %(until)s and e.action = 'open_incident'
group by c.id, c.name order by opens desc, c.id limit %(limit)s
"""
FIRED: Final = """
select service, alert, count(*)::int as firings, count(distinct channel_id)::int as channels, max(happened_at) as last_at,
       bool_or(priority = 'HIGH') as high
from (
    select e.* from channels c join incident_events e on e.channel_id = c.id
    where e.happened_at >= %(since)s and e.action = 'open_incident' and e.alert is not null
      and (e.version = e.ts
           or not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                          and f.version < e.version and f.action = 'open_incident'))
) fired
where %(word)s = '' or strpos(lower(alert), %(word)s) > 0 or strpos(lower(coalesce(service, '')), %(word)s) > 0
group by service, alert order by firings desc, last_at desc limit %(limit)s offset %(offset)s
"""
NAMES: Final = "select id, name from channels where id = any(%(ids)s)"
# How many firings of one key are looked back at.
BACK: Final = 200


@dataclass(frozen=True, slots=True)
class OpenNow:
    """An alert that nothing has resolved. `ts` is its latest firing; `firings` since `opened_at`, at most 200."""

    channel_id: str
    channel: str
    ts: str
    thread_ts: str
    service: str | None
    alert: str | None
    priority: str
    tool: str
    last_at: datetime
    opened_at: datetime
    firings: int


@dataclass(frozen=True, slots=True)
class Busy:
    """A channel and how many messages opened alerts there."""

    id: str
    name: str
    opens: int


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert of one service. `high`: at least one firing was of high priority."""

    service: str | None
    alert: str
    firings: int
    channels: int
    last_at: datetime
    high: bool


class Overviews:
    """Reads over all channels, each bounded by a time or a number."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def heard(self, limit: int = 500) -> Sequence[MessageRef]:
        """Messages that said within the last 24 hours that something is open, newest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(HEARD, {"limit": limit})
            return [MessageRef(channel_id, ts) for channel_id, ts, _ in await cur.fetchall()]

    async def open_now(self, unresolved: Sequence[MessageRef], limit: int) -> Sequence[OpenNow]:
        """The alerts behind messages that nothing resolved: urgent ones first, then the newest."""
        given: dict[str, Any] = {
            "channels": [ref.channel_id for ref in unresolved],
            "ts": [ref.ts for ref in unresolved],
            "limit": limit,
            "back": BACK,
        }
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(OpenNow)) as cur:
            return await (await cur.execute(OPEN, given)).fetchall()

    async def daily(self, since: datetime, until: datetime) -> Sequence[tuple[date, str | None, int]]:
        """Day (UTC), service and how many messages opened alerts, oldest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            return await (await cur.execute(DAILY, {"since": since, "until": until})).fetchall()

    async def busiest(self, since: datetime, until: datetime, limit: int) -> Sequence[Busy]:
        """Channels in which alerts fired, the busiest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Busy)) as cur:
            await cur.execute(BUSIEST, {"since": since, "until": until, "limit": limit})
            return await cur.fetchall()

    async def fired(self, since: datetime, word: str, limit: int, offset: int = 0) -> Sequence[Fired]:
        """Alerts that fired since then, most firings first; with `word` in their name or service."""
        given = {"since": since, "word": word.lower(), "limit": limit, "offset": offset}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Fired)) as cur:
            return await (await cur.execute(FIRED, given)).fetchall()

    async def channel_names(self, ids: Sequence[str]) -> dict[str, str]:
        """By id; the id where there is no name."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            return {
                one: name or one
                for one, name in await (await cur.execute(NAMES, {"ids": list(ids)})).fetchall()
            }

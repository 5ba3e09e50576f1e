"""Incident events and the incidents that the view pairs from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.incidents import NOTHING, Action, Incident, IncidentAction
from ratchet.domain.messages import Message, MessageRef, posted_at
from ratchet.store import incident_list, similar
from ratchet.store.incident_list import Asked
from ratchet.store.pool import Database

# Answers with the names of alerts that were never recorded before.
RECORD: Final = """
with recorded as (
insert into incident_events (channel_id, ts, version, parent_ts, happened_at, action, pair_key, service, alert,
                             priority, tool, attrs)
select u.* from unnest(%(channels)s::text[], %(ts)s::text[], %(versions)s::text[], %(parents)s::text[],
    %(happened)s::timestamptz[], %(actions)s::text[], %(pair_keys)s::text[], %(services)s::text[],
    %(alerts)s::text[], %(priorities)s::text[], %(tools)s::text[], %(attrs)s::jsonb[])
    as u (channel_id, ts, version, parent_ts, happened_at, action, pair_key, service, alert, priority, tool, attrs)
where exists (select from messages m where m.channel_id = u.channel_id and m.ts = u.ts
                and (m.attrs->'payload'->>'subtype') is distinct from 'tombstone')
on conflict (channel_id, ts, version) do update set action = excluded.action, pair_key = excluded.pair_key,
    service = excluded.service, alert = excluded.alert, priority = excluded.priority, tool = excluded.tool,
    attrs = excluded.attrs
-- What was seen is not replaced by what history lets us assume.
where incident_events.attrs ? 'assumed' or not excluded.attrs ? 'assumed'
returning alert, happened_at
), named as (
    select alert, min(happened_at) as first_at from recorded where alert is not null group by alert
)
select n.alert, n.first_at from named n where not exists (select from alert_names a where a.alert = n.alert)
"""
AT_VERSION: Final = """
select action, pair_key, service, alert, priority, tool, attrs from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and version = %(version)s
"""
ACTION_BEFORE: Final = """
select action from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and version < %(version)s order by version desc limit 1
"""
# What is paired under the key, of the newest messages that name it and the resolves in their threads.
PREVIOUS: Final = """
with named as materialized (
    select ts from incident_events
    where channel_id = %(channel_id)s and pair_key = %(pair_key)s and happened_at < %(before)s
    order by happened_at desc limit %(limit)s
), messages as (
    select ts from named
    union
    select e.ts from incident_events e join named n on e.parent_ts = n.ts
    where e.channel_id = %(channel_id)s and e.action = 'close_incident'
)
select action, ts, happened_at, stays from incident_steps
where channel_id = %(channel_id)s and ts = any(array(select ts from messages)) and pair_key = %(pair_key)s
  and happened_at < %(before)s
order by happened_at, ts, version
"""
# Earlier firings of one alert in the channels that may be seen, newest first; a message that was edited is one.
FIRINGS: Final = """
select e.channel_id, e.ts, e.happened_at, e.service, e.alert
from incident_events e join channels c on c.id = e.channel_id
where e.alert = %(alert)s and e.service is not distinct from %(service)s and e.action = 'open_incident'
  and e.happened_at < %(before)s
  and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                  and f.version < e.version and f.action = 'open_incident' and f.alert = e.alert
                  and f.service is not distinct from e.service)
  and (%(everywhere)s or e.channel_id = %(visible_from)s or c.kind = 'public')
order by e.happened_at desc limit %(limit)s
"""
FIRINGS_ANY_SERVICE: Final = """
select e.channel_id, e.ts, e.happened_at, e.service, e.alert
from incident_events e join channels c on c.id = e.channel_id
where e.alert = %(alert)s and e.service is distinct from %(service)s and e.action = 'open_incident'
  and e.happened_at < %(before)s
  and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                  and f.version < e.version and f.action = 'open_incident' and f.alert = e.alert
                  and f.service is not distinct from e.service)
  and (%(everywhere)s or e.channel_id = %(visible_from)s or c.kind = 'public')
order by e.happened_at desc limit %(limit)s
"""
# The first resolve after it: under the same key, in the thread, or by an edit. Not when a firing after a silence came
# first: that began an incident of its own, and this one was never resolved.
ENDS: Final = """
select e.channel_id, e.ts, e.happened_at, c.closed_at
from incident_events e
left join lateral (
    select l.closed_at
    from (select least(
        (select min(n.happened_at) from incident_events n
         where n.channel_id = e.channel_id and n.pair_key = e.pair_key and n.action = 'close_incident'
           and n.happened_at > e.happened_at),
        (select min(n.happened_at) from incident_events n
         where n.channel_id = e.channel_id and n.parent_ts = e.ts and n.action = 'close_incident'
           and n.happened_at > e.happened_at and coalesce(n.attrs->>'bot' = e.attrs->>'bot', true)),
        (select min(n.happened_at) from incident_events n
         where n.channel_id = e.channel_id and n.ts = e.ts and n.action = 'close_incident'
           and n.version > e.version)) as closed_at) l
    where not exists (
        select from (
            select o.ts, o.version,
                   o.happened_at - lag(o.happened_at) over (order by o.happened_at, o.ts, o.version) as silence
            from incident_events o
            where o.channel_id = e.channel_id and o.pair_key = e.pair_key and o.action = 'open_incident'
              and o.happened_at >= e.happened_at and o.happened_at < l.closed_at) o
        where o.silence > incident_silence()
          and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = o.ts
                          and f.version < o.version and f.action = 'open_incident'))
) c on true
where (e.channel_id, e.ts) in (select * from unnest(%(channels)s::text[], %(ts)s::text[])) and e.action = 'open_incident'
order by e.version
"""
OPENS: Final = """
select channel_id, ts, happened_at, service, alert from (
    select e.channel_id, e.ts, e.happened_at, e.service, e.alert from incident_events e
    where e.channel_id = %(channel_id)s and e.action = 'open_incident'
      and e.happened_at >= %(since)s and e.happened_at <= %(until)s
      -- An edit that keeps it open is no opening.
      and (select b.action from incident_events b where b.channel_id = e.channel_id and b.ts = e.ts
           and b.version < e.version order by b.version desc limit 1) is distinct from 'open_incident'
    order by e.happened_at desc limit %(limit)s
) newest order by happened_at
"""
OPENED: Final = """
select service, alert from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and action = 'open_incident' order by version limit 1
"""
# Expired ones too: the resolve of an alert that was silent for days is what a long gap hides.
UNRESOLVED_ROOTS: Final = """
select open_ts from incidents where channel_id = %(channel_id)s and closed_at is null
order by last_at desc limit %(limit)s
"""
# From one name to the next by the index, and each one's firings by its name, from the index alone. A version that is
# the first of its message has none before it.
SERVICES: Final = """
with recursive names as (
    (select e.service from incident_events e
     where e.service > %(after)s and e.action = 'open_incident' order by e.service limit 1)
    union all
    select (select e.service from incident_events e
            where e.service > n.service and e.action = 'open_incident' order by e.service limit 1)
    from names n where n.service is not null
)
select n.service, f.firings, f.alerts, f.last_at
from (select service from names where service is not null limit %(limit)s) n
cross join lateral (
    select coalesce(sum(firings), 0)::int as firings, count(distinct alert)::int as alerts, max(last_at) as last_at
    from (select e.alert, count(*) as firings, max(e.happened_at) as last_at from incident_events e
          where e.service = n.service and e.action = 'open_incident' and e.version = e.ts group by e.alert
          union all
          select e.alert, 1, e.happened_at from incident_events e
          where e.service = n.service and e.action = 'open_incident' and e.version <> e.ts
            and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                            and f.version < e.version and f.action = 'open_incident' and f.service = e.service)) a
) f
order by n.service
"""
ALERTS: Final = """
select service, alert, priority, sum(firings)::int as firings, max(last_at) as last_at
from (
    select service, alert, priority, count(*) as firings, max(happened_at) as last_at from incident_events
    where action = 'open_incident' and version = ts and alert is not null
      and (%(service)s::text is null or service = %(service)s)
      and (%(priority)s::text is null or priority = %(priority)s)
    group by service, alert, priority
    union all
    select e.service, e.alert, e.priority, 1, e.happened_at from incident_events e
    where e.action = 'open_incident' and e.version <> e.ts and e.alert is not null
      and (%(service)s::text is null or e.service = %(service)s)
      and (%(priority)s::text is null or e.priority = %(priority)s)
      and not exists (select from incident_events f where f.channel_id = e.channel_id and f.ts = e.ts
                      and f.version < e.version and f.action = 'open_incident' and f.alert = e.alert
                      and f.service is not distinct from e.service and f.priority = e.priority)
) fired
group by service, alert, priority order by firings desc, service, alert, priority
limit %(limit)s offset %(offset)s
"""


@dataclass(frozen=True, slots=True)
class Firing:
    """One opening message of an alert."""

    channel_id: str
    ts: str
    happened_at: datetime
    service: str | None
    alert: str | None

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)


@dataclass(frozen=True, slots=True)
class PairEvent:
    """`stays`: an edit that kept the message open."""

    action: str
    ts: str
    happened_at: datetime
    stays: bool


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    service: str
    firings: int
    alerts: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class AlertSummary:
    service: str | None
    alert: str
    priority: str
    firings: int
    last_at: datetime


class Incidents:
    """Reads of incidents. `visible_from` is the asking channel: public channels and itself are visible."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def action_of(self, ref: MessageRef, version: str) -> IncidentAction:
        """What was recorded about that version of the message; NOTHING when it was no alert."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(AT_VERSION, {"channel_id": ref.channel_id, "ts": ref.ts, "version": version})
            row = await cur.fetchone()
        if row is None:
            return NOTHING
        action, pair_key, service, alert, priority, tool, attrs = row
        return IncidentAction(
            Action(action),
            alert=alert,
            service=service,
            priority=priority,
            severity=attrs.get("severity"),
            pair_key=pair_key,
            count=attrs.get("count"),
            stated_duration_s=attrs.get("duration_s"),
            tool=tool,
            confidence=attrs.get("confidence", 0.0),
            rule=attrs.get("rule", ""),
        )

    async def list(
        self,
        channel_ids: Sequence[str],
        since: datetime,
        until: datetime,
        *,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[Incident]:
        """Incidents opened in `[since, until)`, newest first."""
        asked = Asked(channel_ids, since, until, open_only, limit)
        return await incident_list.newest(self._db, asked)

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[PairEvent]:
        """Opens and closes of the same pair key before a moment, newest first, as the view pairs them."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(PairEvent)) as cur:
            await cur.execute(
                PREVIOUS,
                {"channel_id": channel_id, "pair_key": pair_key, "before": before, "limit": limit},
            )
            return _newest_first(await cur.fetchall())[:limit]

    async def firings(
        self,
        service: str | None,
        alert: str,
        before: datetime,
        visible_from: str,
        *,
        other_services: bool = False,
        everywhere: bool = False,
        limit: int = 100,
    ) -> Sequence[Firing]:
        """Opening messages of an alert before a moment, newest first: of that service, or of any other.

        `everywhere` is for the operator, who may see private channels too.
        """
        statement = FIRINGS_ANY_SERVICE if other_services else FIRINGS
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Firing)) as cur:
            await cur.execute(
                statement,
                {
                    "service": service,
                    "alert": alert,
                    "before": before,
                    "visible_from": visible_from,
                    "everywhere": everywhere,
                    "limit": limit,
                },
            )
            return await cur.fetchall()

    async def ends(self, refs: Sequence[MessageRef]) -> dict[MessageRef, datetime | None]:
        """When the incident of each opening message was closed; None when nothing closed it."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(ENDS, {"channels": [r.channel_id for r in refs], "ts": [r.ts for r in refs]})
            return {MessageRef(c, ts): closed for c, ts, _, closed in await cur.fetchall()}

    async def opens(
        self, channel_id: str, since: datetime, until: datetime, limit: int = 500
    ) -> Sequence[Firing]:
        """Opening messages of a channel from `since` to `until`, both included, oldest first; the newest."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Firing)) as cur:
            await cur.execute(
                OPENS, {"channel_id": channel_id, "since": since, "until": until, "limit": limit}
            )
            return await cur.fetchall()

    async def opened(self, ref: MessageRef) -> tuple[str | None, str | None] | None:
        """Service and alert that a message opened an incident for; None when it opened none."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(OPENED, {"channel_id": ref.channel_id, "ts": ref.ts})
            return await cur.fetchone()

    async def open_roots(self, channel_id: str, limit: int) -> Sequence[str]:
        """ts of the messages that opened incidents which nothing resolved, last heard of first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(UNRESOLVED_ROOTS, {"channel_id": channel_id, "limit": limit})
            return await cur.fetchall()

    async def services(self, limit: int, after: str = "") -> Sequence[ServiceSummary]:
        """Services that alerts named, by name, those after a name; private channels included: for the operator."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(ServiceSummary)) as cur:
            return await (await cur.execute(SERVICES, {"limit": limit, "after": after})).fetchall()

    async def alerts(
        self, service: str | None, priority: str | None, limit: int, offset: int = 0
    ) -> Sequence[AlertSummary]:
        """Alerts that fired, most firings first, private channels included: for the operator. None means any."""
        given = {"service": service, "priority": priority, "limit": limit, "offset": offset}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(AlertSummary)) as cur:
            return await (await cur.execute(ALERTS, given)).fetchall()


@dataclass(frozen=True, slots=True)
class Judged:
    """A version of a message and what it says; `happened` is the ts at which it came to say so.

    `assumed`: nobody saw that version; what is known of it comes before.
    """

    message: Message
    version: str
    action: IncidentAction
    happened: str
    assumed: bool = False


def judged(message: Message, action: IncidentAction) -> Judged:
    """Of a live event: what it says, it says since its version."""
    return Judged(message, message.version, action, message.version)


def judged_from_history(message: Message, action: IncidentAction) -> list[Judged]:
    """Of a message that is first seen edited: it was an open alert since it was posted."""
    found = [judged(message, action)]
    closes_itself = action.action is Action.CLOSE and message.edited and message.parent_ts is None
    if message.version != message.ts and (action.action is Action.OPEN or closes_itself):
        opened = replace(action, action=Action.OPEN)
        found.insert(0, Judged(message, message.ts, opened, message.ts, assumed=True))
    return found


def judged_of(message: Message, action: IncidentAction, *, edit: bool) -> list[Judged]:
    """`edit`: an earlier form of the message was seen."""
    return [judged(message, action)] if edit else judged_from_history(message, action)


async def record(conn: AsyncConnection[Any], found: Sequence[Judged]) -> int:
    """Record opens and closes; one per version of a message, the same again changes nothing.

    A message that was deleted meanwhile is passed over. Returns how many names of alerts were new.
    """
    rows = {
        (j.message.channel_id, j.message.ts, j.version): j
        for j in sorted(found, key=lambda j: j.assumed, reverse=True)
        if j.action.action is not Action.NONE
    }
    if not rows:
        return 0
    pairs = [(j.message, j.action) for j in rows.values()]
    recorded = await conn.cursor(row_factory=tuple_row).execute(
        RECORD,
        {
            "channels": [m.channel_id for m, _ in pairs],
            "ts": [m.ts for m, _ in pairs],
            "versions": [j.version for j in rows.values()],
            "parents": [m.parent_ts for m, _ in pairs],
            "happened": [posted_at(j.happened) for j in rows.values()],
            "actions": [a.action.value for _, a in pairs],
            "pair_keys": [a.pair_key for _, a in pairs],
            "services": [a.service for _, a in pairs],
            "alerts": [a.alert for _, a in pairs],
            "priorities": [a.priority for _, a in pairs],
            "tools": [a.tool for _, a in pairs],
            "attrs": [Jsonb(_attrs(j)) for j in rows.values()],
        },
    )
    return await similar.remember(conn, dict(await recorded.fetchall()))


def _newest_first(events: Sequence[PairEvent]) -> list[PairEvent]:
    """Without the edits that keep open what was closed by then. `events`: oldest first."""
    kept: list[PairEvent] = []
    last: str = Action.CLOSE
    for event in events:
        if event.stays and last == Action.CLOSE:
            continue
        kept.append(event)
        last = event.action
    return kept[::-1]


async def action_before(conn: AsyncConnection[Any], message: Message) -> str | None:
    """What the version before this one of the same message was, if it was an open or a close."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            ACTION_BEFORE,
            {"channel_id": message.channel_id, "ts": message.ts, "version": message.version},
        )
        return await cur.fetchone()


def _attrs(one: Judged) -> dict[str, Any]:
    action, sender = one.action, one.message.sender
    attrs = {
        "bot": sender.bot_id or sender.id,
        "severity": action.severity,
        "count": action.count,
        "duration_s": action.stated_duration_s,
        "confidence": action.confidence,
        "rule": action.rule,
    }
    return attrs | {"assumed": True} if one.assumed else attrs

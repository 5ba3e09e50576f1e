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
from ratchet.store.pool import Database

RECORD: Final = """
insert into incident_events (channel_id, ts, version, parent_ts, happened_at, action, pair_key, service, alert,
                             priority, tool, attrs)
select u.* from unnest(%(channels)s::text[], %(ts)s::text[], %(versions)s::text[], %(parents)s::text[],
    %(happened)s::timestamptz[], %(actions)s::text[], %(pair_keys)s::text[], %(services)s::text[],
    %(alerts)s::text[], %(priorities)s::text[], %(tools)s::text[], %(attrs)s::jsonb[])
    as u (channel_id, ts, version, parent_ts, happened_at, action, pair_key, service, alert, priority, tool, attrs)
where exists (select from messages m where m.channel_id = u.channel_id and m.ts = u.ts)
on conflict (channel_id, ts, version) do update set action = excluded.action, pair_key = excluded.pair_key,
    service = excluded.service, alert = excluded.alert, priority = excluded.priority, tool = excluded.tool,
    attrs = excluded.attrs
"""
AT_VERSION: Final = """
select action, pair_key, service, alert, priority, tool, attrs from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and version = %(version)s
"""
ACTION_BEFORE: Final = """
select action from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and version < %(version)s order by version desc limit 1
"""
LIST: Final = """
select channel_id, pair_key, alert, service, priority, tool, open_ts, opened_at, close_ts, closed_at, firings
from incidents
where channel_id = any(%(channels)s) and opened_at >= %(since)s and opened_at < %(until)s
  and (not %(open_only)s or closed_at is null)
order by opened_at desc limit %(limit)s
"""
PREVIOUS: Final = """
select action, ts, happened_at from incident_events
where channel_id = %(channel_id)s and pair_key = %(pair_key)s and happened_at < %(before)s
order by happened_at desc limit %(limit)s
"""
# Earlier firings of one alert in the channels that may be seen, newest first.
FIRINGS: Final = """
select e.channel_id, e.ts, e.happened_at, e.service, e.alert
from incident_events e join channels c on c.id = e.channel_id
where e.alert = %(alert)s and e.service is not distinct from %(service)s and e.action = 'open_incident'
  and e.happened_at < %(before)s
  and (%(everywhere)s or e.channel_id = %(visible_from)s or c.kind = 'public')
order by e.happened_at desc limit %(limit)s
"""
FIRINGS_ANY_SERVICE: Final = """
select e.channel_id, e.ts, e.happened_at, e.service, e.alert
from incident_events e join channels c on c.id = e.channel_id
where e.alert = %(alert)s and e.service is distinct from %(service)s and e.action = 'open_incident'
  and e.happened_at < %(before)s
  and (%(everywhere)s or e.channel_id = %(visible_from)s or c.kind = 'public')
order by e.happened_at desc limit %(limit)s
"""
ENDS: Final = """
select e.channel_id, e.ts, e.happened_at as opened_at,
       least(
           (select min(n.happened_at) from incident_events n
            where n.channel_id = e.channel_id and n.pair_key = e.pair_key and n.action = 'close_incident'
              and n.happened_at > e.happened_at),
           (select min(n.happened_at) from incident_events n
            where n.channel_id = e.channel_id and n.parent_ts = e.ts and n.action = 'close_incident'
              and n.happened_at > e.happened_at)) as closed_at
from incident_events e
where (e.channel_id, e.ts) in (select * from unnest(%(channels)s::text[], %(ts)s::text[])) and e.action = 'open_incident'
"""
OPENS: Final = """
select channel_id, ts, happened_at, service, alert from (
    select channel_id, ts, happened_at, service, alert from incident_events
    where channel_id = %(channel_id)s and action = 'open_incident'
      and happened_at >= %(since)s and happened_at <= %(until)s
    order by happened_at desc limit %(limit)s
) newest order by happened_at
"""
OPEN_ROOTS: Final = """
select open_ts from incidents where channel_id = %(channel_id)s and closed_at is null
order by opened_at desc limit %(limit)s
"""
VISIBLE: Final = """
select id from channels where id = %(visible_from)s or kind = 'public'
"""
SERVICES: Final = """
select service, count(*)::int as firings, count(distinct alert)::int as alerts, max(happened_at) as last_at
from incident_events e
where action = 'open_incident' and service is not null
group by service order by service limit %(limit)s
"""
ALERTS: Final = """
select service, alert, priority, count(*)::int as firings, max(happened_at) as last_at
from incident_events e
where action = 'open_incident' and alert is not null
  and (%(service)s::text is null or service = %(service)s) and (%(priority)s::text is null or priority = %(priority)s)
group by service, alert, priority order by firings desc, service, alert limit %(limit)s
"""
HUMAN_REPLIES: Final = """
select e.ts, (select count(*)::int from messages m where m.channel_id = %(channel_id)s and m.parent_ts = e.ts
              and m.attrs->'sender'->>'kind' = 'person') as replies
from unnest(%(ts)s::text[]) as e (ts)
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
    action: str
    ts: str
    happened_at: datetime


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
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Incident)) as cur:
            await cur.execute(
                LIST,
                {
                    "channels": list(channel_ids),
                    "since": since,
                    "until": until,
                    "open_only": open_only,
                    "limit": limit,
                },
            )
            return await cur.fetchall()

    async def previous(
        self, channel_id: str, pair_key: str, before: datetime, limit: int = 10
    ) -> Sequence[PairEvent]:
        """Opens and closes of the same pair key before a moment, newest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(PairEvent)) as cur:
            await cur.execute(
                PREVIOUS,
                {"channel_id": channel_id, "pair_key": pair_key, "before": before, "limit": limit},
            )
            return await cur.fetchall()

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
        """When the incident of each opening message was closed; None while it is open."""
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

    async def open_roots(self, channel_id: str, limit: int) -> Sequence[str]:
        """ts of the messages that opened incidents which are still open, newest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(OPEN_ROOTS, {"channel_id": channel_id, "limit": limit})
            return await cur.fetchall()

    async def visible_channels(self, visible_from: str | None) -> Sequence[str]:
        """Ids of the channels whose content may be shown in the asking channel."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(VISIBLE, {"visible_from": visible_from})
            return await cur.fetchall()

    async def services(self, limit: int = 1000) -> Sequence[ServiceSummary]:
        """Services that alerts named, private channels included: for the operator."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(ServiceSummary)) as cur:
            return await (await cur.execute(SERVICES, {"limit": limit})).fetchall()

    async def alerts(
        self, service: str | None, priority: str | None, limit: int = 1000
    ) -> Sequence[AlertSummary]:
        """Alerts that fired, private channels included: for the operator. None means any."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(AlertSummary)) as cur:
            await cur.execute(ALERTS, {"service": service, "priority": priority, "limit": limit})
            return await cur.fetchall()

    async def human_replies(self, channel_id: str, roots: Sequence[str]) -> dict[str, int]:
        """Number of replies by people under each of the messages."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(HUMAN_REPLIES, {"channel_id": channel_id, "ts": list(roots)})
            return dict(await cur.fetchall())


@dataclass(frozen=True, slots=True)
class Judged:
    """A version of a message and what it says; `happened` is the ts at which it came to say so."""

    message: Message
    version: str
    action: IncidentAction
    happened: str


def judged(message: Message, action: IncidentAction) -> Judged:
    """Of a live event: what it says, it says since its version."""
    return Judged(message, message.version, action, message.version)


def judged_from_history(message: Message, action: IncidentAction) -> list[Judged]:
    """Of the last form of a message: an edited one that closes has been open since it was posted."""
    if action.action is Action.OPEN:
        return [Judged(message, message.version, action, message.ts)]
    found = [judged(message, action)]
    if action.action is Action.CLOSE and message.edited and message.parent_ts is None:
        found.append(Judged(message, message.ts, replace(action, action=Action.OPEN), message.ts))
    return found


async def record(conn: AsyncConnection[Any], found: Sequence[Judged]) -> None:
    """Record opens and closes; one per version of a message, the same again changes nothing.

    A message that was deleted meanwhile is passed over.
    """
    rows = {
        (j.message.channel_id, j.message.ts, j.version): j
        for j in found
        if j.action.action is not Action.NONE
    }
    if not rows:
        return
    pairs = [(j.message, j.action) for j in rows.values()]
    await conn.execute(
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
            "attrs": [Jsonb(_attrs(a)) for _, a in pairs],
        },
    )


async def action_before(conn: AsyncConnection[Any], message: Message) -> str | None:
    """What the version before this one of the same message was, if it was an open or a close."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            ACTION_BEFORE,
            {"channel_id": message.channel_id, "ts": message.ts, "version": message.version},
        )
        return await cur.fetchone()


def _attrs(action: IncidentAction) -> dict[str, Any]:
    return {
        "severity": action.severity,
        "count": action.count,
        "duration_s": action.stated_duration_s,
        "confidence": action.confidence,
        "rule": action.rule,
    }

"""What a backtest replays, read whole in a few statements: their number does not grow with history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, tuple_row

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Message, MessageRef, Sender
from ratchet.store.pool import Database

# Everything is of one moment, whatever is recorded meanwhile.
ONE_SNAPSHOT: Final = "set transaction isolation level repeatable read, read only"
INCIDENTS: Final = """
select channel_id, pair_key, alert, service, priority, tool, open_ts, opened_at, close_ts, closed_at, firings, state,
       last_at, acknowledged_at
from incidents
where (%(channels)s::text[] is null or channel_id = any(%(channels)s))
  and (%(since)s::timestamptz is null or opened_at >= %(since)s)
order by opened_at, channel_id, open_ts
"""
# What may be seen from the channels: their own events, and those of public ones.
EVENTS: Final = """
select e.channel_id, e.ts, e.version, e.parent_ts, e.happened_at, e.action, e.pair_key, e.service, e.alert, e.priority
from incident_events e join channels c on c.id = e.channel_id
where %(channels)s::text[] is null or c.kind = 'public' or c.id = any(%(channels)s)
order by e.happened_at, e.ts, e.version
"""
PUBLIC: Final = "select id from channels where kind = 'public'"
# What people wrote under opening messages, each with its place in the thread and when its reactions came.
REPLIES: Final = """
with roots as (
    select distinct e.channel_id, e.ts from incident_events e join channels c on c.id = e.channel_id
    where e.action = 'open_incident'
      and (%(channels)s::text[] is null or c.kind = 'public' or c.id = any(%(channels)s))
), replies as (
    select m.channel_id, m.ts, m.parent_ts, m.version, m.text, m.attrs - 'payload' as attrs,
           row_number() over (partition by m.channel_id, m.parent_ts order by m.ts)::int as place
    from roots r join messages m on m.channel_id = r.channel_id and m.parent_ts = r.ts
)
select p.*, coalesce(g.given, '[]') as given
from replies p
left join (
    select r.channel_id, r.ts, jsonb_agg(jsonb_build_array(r.reaction, r.user_id, r.version) order by r.version) as given
    from reactions r where r.present group by r.channel_id, r.ts
) g on g.channel_id = p.channel_id and g.ts = p.ts
where p.attrs->'sender'->>'kind' = 'person' and p.place <= %(per_thread)s
"""
OPENINGS: Final = """
select m.channel_id, m.ts, m.attrs->'payload' as payload
from messages m
where exists (select from incident_events e
              where e.channel_id = m.channel_id and e.ts = m.ts and e.action = 'open_incident'
                and (%(channels)s::text[] is null or e.channel_id = any(%(channels)s))
                and (%(since)s::timestamptz is null or e.happened_at >= %(since)s))
"""
PER_THREAD: Final = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """An open or a close, as recorded."""

    channel_id: str
    ts: str
    version: str
    parent_ts: str | None
    happened_at: datetime
    action: str
    pair_key: str | None
    service: str | None
    alert: str | None
    priority: str

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's reply; `given` are its reactions `(name, user, version)`, oldest first."""

    message: Message
    place: int
    given: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything a backtest reads. `payloads`: Slack's objects of the opening messages."""

    incidents: Sequence[Incident]
    events: Sequence[Event]
    replies: Sequence[Reply]
    public: frozenset[str]
    payloads: Mapping[MessageRef, Mapping[str, Any]]


async def load(
    db: Database, channels: Sequence[str] | None = None, since: datetime | None = None
) -> Recording:
    """Incidents of the channels (None: of all) that opened since then, and the whole history before and beside."""
    given = {
        "channels": None if channels is None else list(channels),
        "since": since,
        "per_thread": PER_THREAD,
    }
    async with db.transaction() as conn:
        await conn.execute(ONE_SNAPSHOT)
        async with conn.cursor(row_factory=class_row(Incident)) as cur:
            incidents = await (await cur.execute(INCIDENTS, given)).fetchall()
        async with conn.cursor(row_factory=class_row(Event)) as cur:
            events = await (await cur.execute(EVENTS, given)).fetchall()
        return Recording(
            incidents=incidents,
            events=events,
            replies=await _replies(conn, given),
            public=await _public(conn),
            payloads=await _payloads(conn, given),
        )


async def _replies(conn: AsyncConnection[Any], given: Mapping[str, Any]) -> list[Reply]:
    async with conn.cursor(row_factory=dict_row) as cur:
        return [_reply(row) for row in await (await cur.execute(REPLIES, given)).fetchall()]


def _reply(row: Mapping[str, Any]) -> Reply:
    sender, reactions = row["attrs"].get("sender", {}), {}  # type: dict[str, Any], dict[str, tuple[str, ...]]
    for name, user, _ in row["given"]:
        reactions[name] = (*reactions.get(name, ()), user)
    message = Message(
        channel_id=row["channel_id"],
        ts=row["ts"],
        sender=Sender("person", sender.get("id", ""), sender.get("name", ""), sender.get("bot_id")),
        text=row["text"],
        version=row["version"],
        parent_ts=row["parent_ts"],
        subtype=row["attrs"].get("subtype"),
        edited=bool(row["attrs"].get("edited")),
        reactions=reactions,
    )
    return Reply(message, row["place"], [(name, user, version) for name, user, version in row["given"]])


async def _public(conn: AsyncConnection[Any]) -> frozenset[str]:
    async with conn.cursor(row_factory=tuple_row) as cur:
        return frozenset(channel_id for (channel_id,) in await (await cur.execute(PUBLIC)).fetchall())


async def _payloads(
    conn: AsyncConnection[Any], given: Mapping[str, Any]
) -> dict[MessageRef, Mapping[str, Any]]:
    async with conn.cursor(row_factory=tuple_row) as cur:
        rows = await (await cur.execute(OPENINGS, given)).fetchall()
        return {MessageRef(channel_id, ts): payload or {} for channel_id, ts, payload in rows}

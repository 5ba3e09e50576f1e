"""Recorded messages of bots, page by page, with what is recorded about the present version of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row, tuple_row

from ratchet.domain.incidents import NOTHING, IncidentAction
from ratchet.domain.messages import Message
from ratchet.store.messages import Row
from ratchet.store.pool import Database

CHANNELS: Final = "select id from channels where %(channel)s::text is null or id = %(channel)s order by id"
COUNT: Final = """
select count(*) from messages
where (%(channel)s::text is null or channel_id = %(channel)s) and ts >= %(since)s
"""
# A page is of all messages, so that each costs the same however few of them are bots'.
PAGE: Final = """
with page as materialized (
    select channel_id, ts, parent_ts, version, text, attrs from messages
    where channel_id = %(channel)s and ts > %(after)s and ts >= %(since)s order by ts limit %(limit)s
)
select channel_id, ts, parent_ts, version, text, attrs, '{}'::jsonb as reactions from page
where attrs->'sender'->>'kind' = 'bot' order by ts
"""
END_OF_PAGE: Final = """
select count(*), max(ts) from (
    select ts from messages where channel_id = %(channel)s and ts > %(after)s and ts >= %(since)s
    order by ts limit %(limit)s
) page
"""
EVENTS: Final = """
select channel_id, ts, version, action, pair_key, service, alert, priority, tool, attrs from incident_events
where channel_id = %(channel)s and ts = any(%(ts)s::text[]) order by ts, version
"""
FORGET: Final = """
delete from incident_events e using unnest(%(ts)s::text[], %(versions)s::text[]) as u (ts, version)
where e.channel_id = %(channel)s and e.ts = u.ts and e.version = u.version
"""
# What older versions said is kept; under which name it is known changes with the present version.
RENAME: Final = """
update incident_events e set pair_key = u.pair_key, service = u.service, alert = u.alert
from unnest(%(ts)s::text[], %(versions)s::text[], %(pair_keys)s::text[], %(services)s::text[], %(alerts)s::text[])
     as u (ts, version, pair_key, service, alert)
where e.channel_id = %(channel)s and e.ts = u.ts and e.version = u.version
"""
PEOPLE: Final = "select name from people where not bot and name <> ''"
FIRST: Final = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded open or close. `attrs` as far as `attrs_of` makes them."""

    channel_id: str
    ts: str
    version: str
    action: str
    pair_key: str | None
    service: str | None
    alert: str | None
    priority: str
    tool: str
    attrs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """`read` messages of anybody up to the ts `last`; of them those of bots. `read` 0: there is no more."""

    read: int
    last: str
    messages: Sequence[Message]


async def channel_ids(db: Database, channel_id: str | None) -> list[str]:
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(CHANNELS, {"channel": channel_id})).fetchall()


async def count(db: Database, channel_id: str | None, since: str) -> int:
    """Messages of anybody from the ts `since` on."""
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(COUNT, {"channel": channel_id, "since": since})
        return int(await cur.fetchone() or 0)


async def page(conn: AsyncConnection[Any], channel_id: str, after: str, since: str, limit: int) -> Page:
    """The next `limit` messages of the channel after the ts `after`."""
    values = {"channel": channel_id, "after": after, "since": since, "limit": limit}
    async with conn.cursor(row_factory=tuple_row) as cur:
        read, last = await (await cur.execute(END_OF_PAGE, values)).fetchone() or (0, None)
    async with conn.cursor(row_factory=class_row(Row)) as rows:
        await rows.execute(PAGE, values)
        return Page(read, last or after, [row.message() for row in await rows.fetchall()])


async def events(
    conn: AsyncConnection[Any], channel_id: str, stamps: Sequence[str]
) -> dict[str, list[Event]]:
    """What is recorded about any version of the messages, by ts, oldest version first."""
    found: dict[str, list[Event]] = {}
    async with conn.cursor(row_factory=class_row(Event)) as cur:
        await cur.execute(EVENTS, {"channel": channel_id, "ts": list(stamps)})
        for event in await cur.fetchall():
            kept = {key: event.attrs.get(key) for key in attrs_of(NOTHING)}
            found.setdefault(event.ts, []).append(replace(event, attrs=kept))
    return found


def attrs_of(action: IncidentAction) -> dict[str, Any]:
    """What is recorded of an answer beside its columns."""
    return {
        "severity": action.severity,
        "count": action.count,
        "duration_s": action.stated_duration_s,
        "confidence": action.confidence,
        "rule": action.rule,
    }


async def forget(conn: AsyncConnection[Any], channel_id: str, gone: Sequence[Event]) -> None:
    if gone:
        values = {"channel": channel_id, "ts": [e.ts for e in gone], "versions": [e.version for e in gone]}
        await conn.execute(FORGET, values)


async def rename(conn: AsyncConnection[Any], channel_id: str, renamed: Sequence[Event]) -> None:
    """Give each event the pair key, service and alert that it has here."""
    if renamed:
        await conn.execute(
            RENAME,
            {
                "channel": channel_id,
                "ts": [e.ts for e in renamed],
                "versions": [e.version for e in renamed],
                "pair_keys": [e.pair_key for e in renamed],
                "services": [e.service for e in renamed],
                "alerts": [e.alert for e in renamed],
            },
        )


async def names_of_people(db: Database) -> list[str]:
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(PEOPLE)).fetchall()

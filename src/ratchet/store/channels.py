"""Channels and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from psycopg import AsyncConnection
from psycopg.rows import class_row, kwargs_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.channels import CHANNEL_ID, GROUP, MAX_QUIET_MINUTES, Changes, Manners
from ratchet.domain.errors import Refused
from ratchet.domain.events import ChannelChanged
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.domain.review import review_problem
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

ALL: Final = """
select id, name, kind, mode, member, archived, external, last_seen_ts, attrs->'manners' as manners
from channels order by name, id
"""
BY_ID: Final = """
select id, name, kind, mode, member, archived, external, last_seen_ts, attrs->'manners' as manners
from channels where id = %(id)s
"""
MANY: Final = """
select id, name, kind, mode, member, archived, external, last_seen_ts, attrs->'manners' as manners
from channels where id = any(%(ids)s)
"""
BY_NAME: Final = """
select id, name, kind, mode, member, archived, external, last_seen_ts, attrs->'manners' as manners
from channels where id = %(name)s or name = %(name)s order by archived, id limit 1
"""
ENSURE: Final = """
with seen as (
    select distinct on (id) id, kind, external
    from unnest(%(ids)s::text[], %(kinds)s::text[], %(external)s::bool[]) as c (id, kind, external) order by id
), written as (
    insert into channels (id, kind, external) select id, kind, external from seen order by id
    -- Never back to public by an event's word: conversations.info decides that.
    on conflict (id) do update set
        kind = case when channels.kind = 'public' then excluded.kind else channels.kind end,
        external = channels.external or excluded.external
    where (channels.kind = 'public' and excluded.kind <> 'public') or (excluded.external and not channels.external)
    returning id, xmax = 0 as new
)
select id from written where new
"""
UPSERT: Final = """
insert into channels (id, name, kind, member, archived, external)
values (%(id)s, %(name)s, %(kind)s, %(member)s, %(archived)s, %(external)s)
on conflict (id) do update set name = excluded.name, kind = excluded.kind, member = excluded.member,
    archived = excluded.archived, external = excluded.external
"""
CHANGE: Final = """
update channels set name = coalesce(%(name)s, name), archived = coalesce(%(archived)s, archived),
    external = coalesce(%(external)s, external)
where id = %(id)s
"""
SET_MEMBER: Final = """
insert into channels (id, member) values (%(id)s, %(member)s)
on conflict (id) do update set member = excluded.member
"""
SET_MODE: Final = "update channels set mode = %(mode)s where id = %(id)s"
CONFIGURE: Final = """
update channels set mode = coalesce(%(mode)s, mode), attrs = attrs || jsonb_build_object('manners',
    case when jsonb_typeof(attrs->'manners') = 'object' then attrs->'manners' else '{}' end || %(changes)s::jsonb)
where id = %(id)s
returning id, name, kind, mode, member, archived, external, last_seen_ts, attrs->'manners' as manners
"""
SEEN: Final = """
with newest as (
    select id, max(ts) as ts from unnest(%(ids)s::text[], %(ts)s::text[]) as u (id, ts) group by id
), locked as (
    -- In one order, as MARK_GAPS does.
    select c.id, s.ts from channels c join newest s on s.id = c.id
    where c.last_seen_ts is null or c.last_seen_ts < s.ts order by c.id for update of c
)
update channels c set last_seen_ts = locked.ts from locked where c.id = locked.id
"""
MARK_GAPS: Final = """
with locked as (
    select id from channels where member and not archived and last_seen_ts is not null order by id for update
)
update channels c set recover_from = least(c.recover_from, c.last_seen_ts), gap_marks = c.gap_marks + 1
from locked where c.id = locked.id
"""
GAPS: Final = "select id, recover_from from channels where recover_from is not null and member"
GAP: Final = """
select recover_from as since, gap_marks as marks from channels where id = %(id)s and recover_from is not null
"""
GAP_FILLED: Final = """
update channels set recover_from = null where id = %(id)s and gap_marks = %(marks)s
"""
ONBOARDING: Final = "select onboarding, onboarded_to from channels where id = %(id)s"
ONBOARDED: Final = "select id from channels where onboarding = 'done'"
SET_ONBOARDING: Final = """
update channels set onboarding = %(state)s, onboarded_to = %(onboarded_to)s where id = %(id)s
"""
UPSERT_PEOPLE: Final = """
insert into people (id, name, email, bot, attrs)
select * from unnest(%(ids)s::text[], %(names)s::text[], %(emails)s::text[], %(bots)s::bool[], %(attrs)s::jsonb[])
on conflict (id) do update set name = excluded.name, email = excluded.email, bot = excluded.bot,
    attrs = excluded.attrs, updated_at = now()
"""
# Settings that are not on or off.
NO_SWITCH: Final = frozenset({"quiet_until", "review_channel", "owner_group", "quiet_minutes"})
PERSON: Final = (
    "select id from people where id = %(name)s or lower(name) = lower(%(name)s) order by id = %(name)s desc"
)
NAMES: Final = "select id, name from people where id = any(%(ids)s)"


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the workspace. `name` is what people call them."""

    id: str
    name: str
    email: str | None = None
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies after the ts `since` may be missing. `marks` grows each time a gap is marked."""

    since: str
    marks: int


@dataclass(frozen=True, slots=True)
class Onboarding:
    onboarding: str
    onboarded_to: str | None


class Channels:
    """Queries about channels and people."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> list[Channel]:
        async with self._db.connection() as conn, conn.cursor(row_factory=kwargs_row(_channel)) as cur:
            return await (await cur.execute(ALL)).fetchall()

    async def get(self, channel_id: str) -> Channel | None:
        async with self._db.connection() as conn, conn.cursor(row_factory=kwargs_row(_channel)) as cur:
            return await (await cur.execute(BY_ID, {"id": channel_id})).fetchone()

    async def find(self, name_or_id: str) -> Channel | None:
        """By id, or by name with or without `#`."""
        async with self._db.connection() as conn, conn.cursor(row_factory=kwargs_row(_channel)) as cur:
            return await (await cur.execute(BY_NAME, {"name": name_or_id.removeprefix("#")})).fetchone()

    async def upsert(self, channel: Channel) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(
                UPSERT,
                {
                    "id": channel.id,
                    "name": channel.name,
                    "kind": channel.kind,
                    "member": channel.member,
                    "archived": channel.archived,
                    "external": channel.external,
                },
            )

    async def set_mode(self, channel_id: str, mode: ChannelMode) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(SET_MODE, {"id": channel_id, "mode": mode})

    async def configure(self, channel_id: str, mode: ChannelMode | None, changes: Changes) -> Channel | None:
        """The channel as it now is, None when it is not recorded. `mode` None: it stays.

        Raises Refused when its drafts could not be reviewed.
        """
        async with self._db.transaction() as conn:
            channel = await set_manners(conn, channel_id, changes, mode=mode)
            if channel is not None and (mode == "draft" or "review_channel" in changes):
                known = await many(conn, [channel.manners.review_channel or ""])
                if problem := review_problem(channel, known.get(channel.manners.review_channel or "")):
                    raise Refused(f"Channel {channel.name or channel.id} cannot be set so: {problem}.")
            return channel

    async def mark_gaps(self) -> int:
        """From here on each channel counts as having a gap since its last seen message. Returns how many."""
        async with self._db.transaction() as conn:
            return (await conn.execute(MARK_GAPS)).rowcount

    async def gaps(self) -> list[str]:
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            return [row[0] for row in await (await cur.execute(GAPS)).fetchall()]

    async def gap(self, channel_id: str) -> Gap | None:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Gap)) as cur:
            return await (await cur.execute(GAP, {"id": channel_id})).fetchone()

    async def gap_filled(self, channel_id: str, gap: Gap) -> None:
        """Unless a gap was marked meanwhile."""
        async with self._db.transaction() as conn:
            await conn.execute(GAP_FILLED, {"id": channel_id, "marks": gap.marks})

    async def onboarding(self, channel_id: str) -> Onboarding | None:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Onboarding)) as cur:
            return await (await cur.execute(ONBOARDING, {"id": channel_id})).fetchone()

    async def onboarded(self) -> set[str]:
        """Ids of the channels whose history is read."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return set(await (await cur.execute(ONBOARDED)).fetchall())

    async def set_onboarding(self, channel_id: str, state: str, onboarded_to: str | None) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(
                SET_ONBOARDING, {"id": channel_id, "state": state, "onboarded_to": onboarded_to}
            )

    async def upsert_people(self, people: Sequence[Person]) -> None:
        unique = {person.id: person for person in people}.values()
        async with self._db.transaction() as conn:
            await conn.execute(
                UPSERT_PEOPLE,
                {
                    "ids": [p.id for p in unique],
                    "names": [p.name for p in unique],
                    "emails": [p.email for p in unique],
                    "bots": [p.bot for p in unique],
                    "attrs": [Jsonb({}) for _ in unique],
                },
            )

    async def person(self, name_or_id: str) -> str | None:
        """The id of a person or a bot, by id or by name with or without `@`."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            row = await (await cur.execute(PERSON, {"name": name_or_id.removeprefix("@")})).fetchone()
        return row[0] if row else None

    async def names(self, user_ids: Iterable[str]) -> dict[str, str]:
        """Display names of the people known among the ids."""
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            return dict(await (await cur.execute(NAMES, {"ids": list(user_ids)})).fetchall())


async def ensure(conn: AsyncConnection[Any], seen: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Make sure that channels `(id, kind, external)` exist; returns the ids that are new."""
    values = {
        "ids": [channel_id for channel_id, _, _ in seen],
        "kinds": [kind for _, kind, _ in seen],
        "external": [external for _, _, external in seen],
    }
    async with conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(ENSURE, values)).fetchall()


async def many(conn: AsyncConnection[Any], ids: Iterable[str]) -> dict[str, Channel]:
    """Those of the channels that are recorded."""
    async with conn.cursor(row_factory=kwargs_row(_channel)) as cur:
        return {
            channel.id: channel for channel in await (await cur.execute(MANY, {"ids": list(ids)})).fetchall()
        }


async def seen(conn: AsyncConnection[Any], refs: Sequence[tuple[str, str]]) -> None:
    """Advance the last seen ts of each channel of `(channel_id, ts)`."""
    await conn.execute(SEEN, {"ids": [c for c, _ in refs], "ts": [t for _, t in refs]})


async def change(conn: AsyncConnection[Any], event: ChannelChanged) -> None:
    await conn.execute(
        CHANGE,
        {"id": event.channel_id, "name": event.name, "archived": event.archived, "external": event.external},
    )


async def set_member(conn: AsyncConnection[Any], channel_id: str, *, member: bool) -> None:
    await conn.execute(SET_MEMBER, {"id": channel_id, "member": member})


async def set_manners(
    conn: AsyncConnection[Any], channel_id: str, changes: Changes, *, mode: ChannelMode | None = None
) -> Channel | None:
    """The channel as it then is, None when it is not recorded. What `changes` does not name stays."""
    stored = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in changes.items()
    }
    async with conn.cursor(row_factory=kwargs_row(_channel)) as cur:
        await cur.execute(CONFIGURE, {"id": channel_id, "mode": mode, "changes": Jsonb(stored)})
        return await cur.fetchone()


def _channel(**row: Any) -> Channel:
    return Channel(**row | {"manners": manners_of(row["manners"], row["id"])})


def manners_of(stored: object, channel_id: str) -> Manners:
    """From `attrs`: what is unknown is ignored; what is wrong is said in the log and has its default."""
    if stored is None:
        return Manners()
    found: Mapping[str, object] = stored if isinstance(stored, dict) else {}
    wrong = [] if isinstance(stored, dict) else ["all"]
    usable: dict[str, Any] = {}
    for name in (one.name for one in fields(Manners) if one.name in found):
        try:
            usable[name] = _value(name, found[name])
        except (ValueError, OverflowError):
            wrong.append(name)
    if wrong:
        log.warning("channel_settings_ignored", channel=channel_id, names=wrong)
    return Manners(**usable)


def _value(name: str, stored: object) -> bool | int | str | datetime | None:
    """Raises ValueError, OverflowError."""
    match name, stored:
        case "quiet_until" | "review_channel" | "owner_group", None:
            return None
        case "review_channel", str() if CHANNEL_ID.fullmatch(stored):
            return stored
        case "owner_group", str() if GROUP.fullmatch(stored):
            return stored
        case "quiet_minutes", int() if not isinstance(stored, bool) and 0 <= stored <= MAX_QUIET_MINUTES:
            return stored
        case "quiet_until", str():
            moment = datetime.fromisoformat(stored)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        case _, bool() if name not in NO_SWITCH:
            return stored
    raise ValueError(f"{name} cannot be this")

"""Kept runbooks: versions of what a model or a person wrote about an alert."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.effects import KeepRunbook, UnpinRunbook
from ratchet.domain.messages import MessageRef
from ratchet.domain.runbooks import KeptRunbook, Writer, from_json
from ratchet.store.pool import Database

# What a person pinned; else what was written from exactly this evidence. The channel's own before the public one.
CURRENT: Final = """
select scope, service, alert, version, writer, pinned, evidence, content, author, created_at from runbooks
where service = %(service)s and alert = %(alert)s and scope in ('', %(scope)s)
  and (pinned or (writer = 'model' and evidence = %(evidence)s))
order by pinned desc, scope desc, version desc limit 1
"""
VERSIONS: Final = """
select scope, service, alert, version, writer, pinned, evidence, content, author, created_at from runbooks
where service = %(service)s and alert = %(alert)s and scope in ('', %(scope)s)
order by created_at desc, version desc limit %(limit)s
"""
VISIBLE: Final = """
select m.channel_id, m.ts
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join messages m on m.channel_id = u.channel_id and m.ts = u.ts
join channels c on c.id = m.channel_id
where (c.kind = 'public' or c.id = %(visible_from)s) and m.attrs#>>'{payload,subtype}' is distinct from 'tombstone'
"""
LOCK: Final = "select pg_advisory_xact_lock(hashtextextended(%(key)s, 7))"
# Held until the end: a message that is being deleted is waited for, and then is not there.
SOURCES_THERE: Final = """
select m.ts from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join messages m on m.channel_id = u.channel_id and m.ts = u.ts
for key share of m
"""
KEEP: Final = """
insert into runbooks (scope, service, alert, version, writer, pinned, evidence, content, author)
select %(scope)s, %(service)s, %(alert)s, coalesce(max(version), 0) + 1, %(writer)s, %(pinned)s, %(evidence)s,
       %(content)s, %(author)s
from runbooks where service = %(service)s and alert = %(alert)s and scope = %(scope)s
returning id
"""
KEEP_SOURCES: Final = """
insert into runbook_sources (channel_id, ts, runbook_id)
select distinct channel_id, ts, %(id)s::bigint from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
"""
UNPIN: Final = """
update runbooks set pinned = false
where service = %(service)s and alert = %(alert)s and scope = %(scope)s and pinned
"""
PRUNE_VERSIONS: Final = """
delete from runbooks where service = %(service)s and alert = %(alert)s and scope = %(scope)s and not pinned
  and version <= (select max(version) from runbooks
                  where service = %(service)s and alert = %(alert)s and scope = %(scope)s) - %(kept)s
"""
FORGET: Final = """
delete from runbooks where id in (
    select s.runbook_id from runbook_sources s
    join unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
      on s.channel_id = u.channel_id and s.ts = u.ts)
"""
# A person approved the words they then had: an edit of the message does not take that back.
FORGET_EDITED: Final = """
delete from runbooks where writer = 'model' and id in (
    select s.runbook_id from runbook_sources s
    join unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
      on s.channel_id = u.channel_id and s.ts = u.ts)
"""
KEPT_VERSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    scope: str
    service: str
    alert: str
    version: int
    writer: Writer
    pinned: bool
    evidence: str
    content: dict[str, Any]
    author: str
    created_at: datetime

    def kept(self) -> KeptRunbook:
        return KeptRunbook(
            self.scope,
            self.service or None,
            self.alert,
            self.version,
            self.writer,
            self.pinned,
            self.evidence,
            from_json(self.content),
            self.author,
            self.created_at,
        )


class Runbooks:
    """Reads of kept runbooks. `scope` is "" for a public channel, else the asking channel's id."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def current(self, service: str | None, alert: str, scope: str, evidence: str) -> KeptRunbook | None:
        """What a person pinned, else what was written from the evidence with that fingerprint."""
        values = {"service": service or "", "alert": alert, "scope": scope, "evidence": evidence}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            row = await (await cur.execute(CURRENT, values)).fetchone()
            return row.kept() if row else None

    async def versions(
        self, service: str | None, alert: str, scope: str, limit: int = 50
    ) -> Sequence[KeptRunbook]:
        """Kept versions, newest first."""
        values = {"service": service or "", "alert": alert, "scope": scope, "limit": limit}
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Row)) as cur:
            return [row.kept() for row in await (await cur.execute(VERSIONS, values)).fetchall()]

    async def visible(self, refs: Collection[MessageRef], visible_from: str) -> set[MessageRef]:
        """Those of the messages that exist and may be shown in that channel."""
        values = {**_keys(refs), "visible_from": visible_from}
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            return {MessageRef(*row) for row in await (await cur.execute(VISIBLE, values)).fetchall()}


async def keep(conn: AsyncConnection[Any], effect: KeepRunbook) -> bool:
    """Store a new version; a pinned one replaces what was pinned. False when a source was deleted meanwhile."""
    key = {"service": effect.service or "", "alert": effect.alert, "scope": effect.scope}
    sources = _keys({MessageRef(channel_id, ts) for channel_id, ts in effect.sources})
    await conn.execute(LOCK, {"key": "\x1f".join(key.values())})
    async with conn.cursor(row_factory=scalar_row) as cur:
        there = await (await cur.execute(SOURCES_THERE, sources)).fetchall()
        if len(there) < len(sources["ts"]):
            return False
        if effect.pinned:
            await cur.execute(UNPIN, key)
        values = {
            **key,
            "writer": effect.writer,
            "pinned": effect.pinned,
            "evidence": effect.evidence,
            "content": Jsonb(effect.content),
            "author": effect.author,
        }
        kept_id = await (await cur.execute(KEEP, values)).fetchone()
        await cur.execute(KEEP_SOURCES, {**sources, "id": kept_id})
        await cur.execute(PRUNE_VERSIONS, {**key, "kept": KEPT_VERSIONS})
    return True


async def unpin(conn: AsyncConnection[Any], effect: UnpinRunbook) -> bool:
    """From here on the newest triage speaks again. False when nothing was pinned."""
    key = {"service": effect.service or "", "alert": effect.alert, "scope": effect.scope}
    return (await conn.execute(UNPIN, key)).rowcount > 0


async def forget(conn: AsyncConnection[Any], gone: Sequence[MessageRef]) -> None:
    """Delete every version that one of these messages went into. To be called after they were deleted."""
    await conn.execute(FORGET, _keys(gone))


async def forget_edited(conn: AsyncConnection[Any], edited: Sequence[MessageRef]) -> None:
    """Delete what a model wrote from earlier forms of these messages."""
    await conn.execute(FORGET_EDITED, _keys(edited))


def _keys(refs: Collection[MessageRef]) -> dict[str, list[str]]:
    ordered = sorted(refs)
    return {"channels": [r.channel_id for r in ordered], "ts": [r.ts for r in ordered]}

"""The record as tools and handlers may read it: scoped to the asking channel, with people's names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from psycopg.rows import class_row, scalar_row, tuple_row

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message, MessageRef
from ratchet.store.channels import Channels
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from ratchet.store.search import Search

MENTION: Final = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")

FIND_CHANNELS: Final = """
select id, name, kind, mode, member, archived, external, last_seen_ts from channels
where (id = any(%(names)s) or name = any(%(names)s)) and (kind = 'public' or id = %(visible_from)s)
"""
MAY_SEE: Final = """
select exists (select from channels where id = %(channel_id)s and (kind = 'public' or id = %(visible_from)s))
"""
ROOT_OF: Final = """
select coalesce(parent_ts, ts) from messages where channel_id = %(channel_id)s and ts = %(ts)s
"""
INCIDENTS: Final = """
select i.channel_id, i.pair_key, i.alert, i.service, i.priority, i.tool, i.open_ts, i.opened_at, i.close_ts,
       i.closed_at, i.firings, i.state, i.last_at, i.acknowledged_at
from incidents i join channels c on c.id = i.channel_id
where (c.kind = 'public' or c.id = %(visible_from)s)
  and (%(channel_id)s::text is null or i.channel_id = %(channel_id)s)
  and (i.opened_at >= %(since)s or i.state = 'open')
  and (%(alert)s::text is null or lower(i.alert) = lower(%(alert)s))
  and (%(service)s::text is null or lower(i.service) = lower(%(service)s))
  and (not %(still_open)s or i.state = 'open')
order by i.opened_at desc limit %(limit)s
"""
HUMAN_REPLIES: Final = """
select m.parent_ts, count(*)::int from messages m join channels c on c.id = m.channel_id
where m.channel_id = %(channel_id)s and m.parent_ts = any(%(ts)s) and m.attrs->'sender'->>'kind' = 'person'
  and (c.kind = 'public' or c.id = %(visible_from)s)
group by m.parent_ts
"""


class Reader:
    """Satisfies `ratchet.tools.base.RecordReader`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._messages = Messages(db)
        self._channels = Channels(db)
        self._search = Search(db)

    async def search_messages(
        self, query: str, *, visible_from: str, channel_id: str | None = None, limit: int = 10
    ) -> Sequence[Message]:
        hits = await self._search.messages(
            query,
            visible_from,
            channel_ids=None if channel_id is None else [channel_id],
            limit=limit,
        )
        found = await self._messages.many([hit.ref for hit in hits])
        return await self._named([found[hit.ref] for hit in hits if hit.ref in found])

    async def read_thread(
        self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
    ) -> Sequence[Message]:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(MAY_SEE, {"channel_id": channel_id, "visible_from": visible_from})
            if not await cur.fetchone():
                return []
            await cur.execute(ROOT_OF, {"channel_id": channel_id, "ts": ts})
            root = await cur.fetchone() or ts
        return await self._named(await self._messages.thread(MessageRef(channel_id, root), limit - 1))

    async def list_incidents(  # six optional filters of one query
        self,
        *,
        visible_from: str,
        since: datetime,
        channel_id: str | None = None,
        alert: str | None = None,
        service: str | None = None,
        still_open: bool = False,
        limit: int = 100,
    ) -> Sequence[Incident]:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Incident)) as cur:
            await cur.execute(
                INCIDENTS,
                {
                    "visible_from": visible_from,
                    "since": since.astimezone(UTC),
                    "channel_id": channel_id,
                    "alert": alert,
                    "service": service,
                    "still_open": still_open,
                    "limit": limit,
                },
            )
            return await cur.fetchall()

    async def count_human_replies(
        self, channel_id: str, open_ts: Collection[str], *, visible_from: str
    ) -> Mapping[str, int]:
        async with self._db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
            await cur.execute(
                HUMAN_REPLIES,
                {"channel_id": channel_id, "ts": list(open_ts), "visible_from": visible_from},
            )
            return dict(await cur.fetchall())

    async def find_channels(self, names: Collection[str], *, visible_from: str) -> Sequence[Channel]:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Channel)) as cur:
            await cur.execute(FIND_CHANNELS, {"names": list(names), "visible_from": visible_from})
            return await cur.fetchall()

    async def _named(self, messages: Sequence[Message]) -> list[Message]:
        """With names for the people who write and who are mentioned."""
        names = await self._channels.names(_people(messages))

        def mention(found: re.Match[str]) -> str:
            name = names.get(found.group(1))
            return f"@{name}" if name else found.group(0)

        return [
            replace(
                message,
                sender=replace(message.sender, name=message.sender.name or names.get(message.sender.id, "")),
                text=MENTION.sub(mention, message.text),
            )
            for message in messages
        ]


def _people(messages: Iterable[Message]) -> set[str]:
    people: set[str] = set()
    for message in messages:
        people |= {message.sender.id, *MENTION.findall(message.text)}
    return people

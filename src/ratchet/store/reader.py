"""The record as tools and handlers may read it: scoped to the asking channel, with people's names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from psycopg.rows import class_row, scalar_row

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message, MessageRef
from ratchet.domain.reports import AlertCount, ChannelRows, UsageRows
from ratchet.store.channel_report import ChannelReports
from ratchet.store.channels import Channels
from ratchet.store.embeddings import Embedder
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.pool import Database
from ratchet.store.search import Search
from ratchet.store.stops import STOPPED_AFTER
from ratchet.store.usage import UsageReports

MENTION: Final = re.compile(
    r"<(?P<kind>[@#])(?P<id>(?<=@)[UW][A-Z0-9]+|(?<=#)[CG][A-Z0-9]+)(?:\|(?P<label>[^>]*))?>"
)

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
SAID_AFTER: Final = """
select text from messages
where channel_id = %(channel_id)s and parent_ts = %(thread_ts)s and ts > %(ts)s
  and attrs->'sender'->>'kind' = 'person'
order by ts limit 50
"""
ALERT_OF: Final = """
select alert, service, happened_at as opened_at, null::timestamptz as closed_at from incident_events
where channel_id = %(channel_id)s and ts = %(ts)s and action = 'open_incident' order by version limit 1
"""


@dataclass(frozen=True, slots=True)
class AlertOfThread:
    alert: str | None
    service: str | None
    opened_at: datetime
    closed_at: datetime | None


class Reader:
    """Satisfies `ratchet.tools.base.RecordReader`. `until`: search finds only what was posted before.

    Without `embedder`, search is by words only.
    """

    def __init__(self, db: Database, until: datetime | None = None, embedder: Embedder | None = None) -> None:
        self._db = db
        self._until = until
        self._messages = Messages(db)
        self._channels = Channels(db)
        self._search = Search(db, embedder)
        self._reports = ChannelReports(db)
        self._usage = UsageReports(db)

    async def search_messages(
        self, query: str, *, visible_from: str, channel_id: str | None = None, limit: int = 10
    ) -> Sequence[Message]:
        hits = await self._search.messages(
            query,
            visible_from,
            channel_ids=None if channel_id is None else [channel_id],
            until=self._until,
            limit=limit,
        )
        found = await self._messages.many([hit.ref for hit in hits])
        return await self._named([found[hit.ref] for hit in hits if hit.ref in found], visible_from)

    async def alert_of(self, channel_id: str, thread_ts: str) -> AlertOfThread | None:
        """The alert that a thread stands under; None when it is none."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(AlertOfThread)) as cur:
            await cur.execute(ALERT_OF, {"channel_id": channel_id, "ts": thread_ts})
            found = await cur.fetchone()
        if found is None:
            return None
        root = MessageRef(channel_id, thread_ts)
        return replace(found, closed_at=(await Incidents(self._db).ends([root])).get(root))

    async def said_after(self, channel_id: str, thread_ts: str, ts: str) -> Sequence[str]:
        """Texts of what people wrote in the thread after a ts, oldest first."""
        values = {"channel_id": channel_id, "thread_ts": thread_ts, "ts": ts}
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return await (await cur.execute(SAID_AFTER, values)).fetchall()

    async def stopped_after(self, channel_id: str, thread_ts: str, ts: str) -> bool:
        """Whether somebody pressed Slack's stop button under the thread after a ts."""
        values = {"channel_id": channel_id, "thread_ts": thread_ts, "ts": ts}
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return bool(await (await cur.execute(STOPPED_AFTER, values)).fetchone())

    async def read_thread(
        self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
    ) -> Sequence[Message]:
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(MAY_SEE, {"channel_id": channel_id, "visible_from": visible_from})
            if not await cur.fetchone():
                return []
            await cur.execute(ROOT_OF, {"channel_id": channel_id, "ts": ts})
            root = await cur.fetchone() or ts
        thread = await self._messages.thread(MessageRef(channel_id, root), limit - 1)
        return await self._named(thread, visible_from)

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

    async def channel_rows(
        self, channel_id: str, *, visible_from: str, since: datetime, until: datetime
    ) -> ChannelRows:
        return await self._reports.channel_rows(
            channel_id, visible_from=visible_from, since=since, until=until
        )

    async def alerts_since(
        self,
        since: datetime,
        *,
        visible_from: str,
        channel_id: str | None = None,
        service: str | None = None,
        limit: int = 50,
    ) -> Sequence[AlertCount]:
        return await self._reports.alerts_since(
            since, visible_from=visible_from, channel_id=channel_id, service=service, limit=limit
        )

    async def usage_rows(self, since: datetime, until: datetime, *, visible_from: str | None) -> UsageRows:
        return await self._usage.usage_rows(since, until, visible_from=visible_from)

    async def find_channels(self, names: Collection[str], *, visible_from: str) -> Sequence[Channel]:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Channel)) as cur:
            await cur.execute(FIND_CHANNELS, {"names": list(names), "visible_from": visible_from})
            return await cur.fetchall()

    async def names_of(self, ids: Collection[str], *, visible_from: str) -> Mapping[str, str]:
        """What people call the people and the visible channels (without #) of these ids, as far as known."""
        places = [id_ for id_ in ids if id_.startswith(("C", "G"))]
        people = [id_ for id_ in ids if id_ and id_ not in places]
        channels = await self.find_channels(places, visible_from=visible_from) if places else []
        named = {channel.id: channel.name for channel in channels if channel.id in places and channel.name}
        return named | (await self._channels.names(people) if people else {})

    async def _named(self, messages: Sequence[Message], visible_from: str) -> list[Message]:
        """With names for the people who write, and for people and channels that are mentioned."""
        names = await self.names_of(_mentioned(messages), visible_from=visible_from)

        def mention(found: re.Match[str]) -> str:
            name = names.get(found["id"]) or (found["label"] if found["kind"] == "#" else None)
            return f"{found['kind']}{name}" if name else found[0]

        return [
            replace(
                message,
                sender=replace(message.sender, name=message.sender.name or names.get(message.sender.id, "")),
                text=MENTION.sub(mention, message.text),
            )
            for message in messages
        ]


def _mentioned(messages: Iterable[Message]) -> set[str]:
    ids: set[str] = set()
    for message in messages:
        ids |= {message.sender.id, *(found["id"] for found in MENTION.finditer(message.text))}
    return ids

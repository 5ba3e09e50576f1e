"""A record in memory: what tools and handlers read, without PostgreSQL. For tests and dry runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ratchet.domain.documents import DocumentHit, Passage, StoredDocument
from ratchet.domain.incidents import Action, Incident
from ratchet.domain.messages import Channel, Message
from ratchet.domain.reports import (
    AlertCount,
    ChannelFacts,
    ChannelRows,
    HumanReactions,
    HumanReply,
    Step,
    UsageRows,
)

Row = TypeVar("Row", Message, Incident)


@dataclass
class MemoryRecord:
    """Satisfies `RecordReader` with the same rules of visibility as the store."""

    channels: Sequence[Channel] = ()
    messages: list[Message] = field(default_factory=list)
    incidents: Sequence[Incident] = ()
    usage: UsageRows | None = None

    async def search_messages(
        self, query: str, *, visible_from: str, channel_id: str | None = None, limit: int = 10
    ) -> Sequence[Message]:
        """By the number of words shared with the query, newest first among equals."""
        wanted = _words(query)
        scored = [
            (len(wanted & _words(message.text)), message.posted_at, message)
            for message in self._visible(self.messages, visible_from)
            if channel_id in {None, message.channel_id}
        ]
        best = sorted((hit for hit in scored if hit[0]), key=lambda hit: hit[:2], reverse=True)
        return [message for _, _, message in best[:limit]]

    async def read_thread(
        self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
    ) -> Sequence[Message]:
        mine = [m for m in self._visible(self.messages, visible_from) if m.channel_id == channel_id]
        root = next((m.thread_ts for m in mine if m.ts == ts), None)
        thread = sorted((m for m in mine if m.thread_ts == root), key=lambda m: m.posted_at)
        return thread if len(thread) <= limit else thread[:1] + thread[len(thread) - limit + 1 :]

    async def list_incidents(  # as the Protocol
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
        rows = [
            row
            for row in self._visible(self.incidents, visible_from)
            if (row.opened_at >= since or row.state == "open")
            and channel_id in {None, row.channel_id}
            and _same(alert, row.alert)
            and _same(service, row.service)
            and not (still_open and row.state != "open")
        ]
        return sorted(rows, key=lambda row: row.opened_at, reverse=True)[:limit]

    async def channel_rows(
        self, channel_id: str, *, visible_from: str, since: datetime, until: datetime
    ) -> ChannelRows:
        seen = self._may_see(channel_id, visible_from)
        messages = [m for m in self.messages if seen and m.channel_id == channel_id]
        mine = [row for row in self.incidents if seen and row.channel_id == channel_id]
        window = [m for m in messages if since <= m.posted_at < until]
        return ChannelRows(
            channel_id=channel_id,
            before=since - (until - since),
            since=since,
            until=until,
            steps=[step for row in mine for step in _steps(row)],
            replies=[
                HumanReply(m.parent_ts, m.ts, m.text)
                for m in messages
                if m.parent_ts is not None and m.sender.kind == "person"
            ],
            reactions=[
                HumanReactions(m.thread_ts, sum(map(len, m.reactions.values())), ())
                for m in messages
                if m.reactions
            ],
            facts=ChannelFacts(
                messages=len(window),
                by_people=sum(m.sender.kind == "person" for m in window),
                bot_messages=sum(m.sender.kind == "bot" for m in window),
                bot_alerts=sum(m.ts in {row.open_ts for row in mine} for m in window),
                waiting=0,
                recorded_since=min((m.posted_at for m in messages), default=None),
            ),
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
        rows = await self.list_incidents(
            visible_from=visible_from, since=since, channel_id=channel_id, service=service, limit=10_000
        )
        named = {(row.service, row.alert): row for row in rows if row.alert is not None}
        found = [
            AlertCount(
                service=name,
                alert=alert or "",
                priority=newest.priority,
                firings=sum(row.firings for row in same),
                channels=len({row.channel_id for row in same}),
                first_at=min(row.opened_at for row in same),
                last_at=max(row.last_at for row in same),
            )
            for (name, alert), newest in named.items()
            for same in [[row for row in rows if (row.service, row.alert) == (name, alert)]]
        ]
        return sorted(found, key=lambda one: -one.firings)[:limit]

    async def usage_rows(self, since: datetime, until: datetime, *, visible_from: str | None) -> UsageRows:
        return self.usage or UsageRows(since, until, (), (), {}, {}, 0)

    async def find_channels(self, names: Collection[str], *, visible_from: str) -> Sequence[Channel]:
        return [
            channel
            for channel in self.channels
            if (channel.id in names or channel.name in names) and self._may_see(channel.id, visible_from)
        ]

    async def names_of(self, ids: Collection[str], *, visible_from: str) -> Mapping[str, str]:
        channels = await self.find_channels(ids, visible_from=visible_from)
        people = {m.sender.id: m.sender.name for m in self.messages if m.sender.id in ids and m.sender.name}
        return people | {channel.id: channel.name for channel in channels if channel.id in ids}

    def _may_see(self, channel_id: str, visible_from: str) -> bool:
        public = any(c.id == channel_id and c.kind == "public" for c in self.channels)
        return public or channel_id == visible_from

    def _visible(self, rows: Iterable[Row], visible_from: str) -> Iterable[Row]:
        return (row for row in rows if self._may_see(row.channel_id, visible_from))


@dataclass
class MemoryDocuments:
    """Documents in memory; satisfies `DocumentReader`. Each is one passage."""

    documents: Sequence[StoredDocument] = ()

    async def find(self, query: str, limit: int = 5) -> Sequence[DocumentHit]:
        """By the number of words shared with the query."""
        wanted = _words(query)
        scored = [(len(wanted & _words(f"{one.title}\n{one.text}")), one) for one in self.documents]
        best = sorted((hit for hit in scored if hit[0]), key=lambda hit: hit[0], reverse=True)
        return [
            DocumentHit(
                one.id, one.source, one.path, one.title, "", one.url, (Passage("", one.text, score),), score
            )
            for score, one in best[:limit]
        ]

    async def read(self, name: str) -> StoredDocument | None:
        return next((one for one in self.documents if name in {one.id, one.url}), None)


def _steps(row: Incident) -> Iterable[Step]:
    """The steps of an incident: its firings, evenly until it was last heard of, and its close."""
    for number in range(row.firings):
        at = row.opened_at + number * (row.last_at - row.opened_at) / row.firings
        yield _step(row, Action.OPEN, row.open_ts if number == 0 else f"{row.open_ts}.{number}", at)
    if row.closed_at is not None:
        yield _step(row, Action.CLOSE, row.close_ts or f"{row.closed_at.timestamp():.6f}", row.closed_at)


def _step(row: Incident, action: Action, ts: str, at: datetime) -> Step:
    return Step(
        ts,
        ts,
        None,
        at,
        action,
        row.pair_key,
        row.service,
        row.alert,
        row.priority,
        row.tool,
        stays=False,
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9_]{3,}", text.lower()))


def _same(wanted: str | None, name: str | None) -> bool:
    return wanted is None or (name or "").lower() == wanted.lower()

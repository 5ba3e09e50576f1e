"""A record in memory: what tools and handlers read, without PostgreSQL. For tests and dry runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message

Row = TypeVar("Row", Message, Incident)


@dataclass
class MemoryRecord:
    """Satisfies `RecordReader` with the same rules of visibility as the store."""

    channels: Sequence[Channel] = ()
    messages: list[Message] = field(default_factory=list)
    incidents: Sequence[Incident] = ()

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

    async def count_human_replies(
        self, channel_id: str, open_ts: Collection[str], *, visible_from: str
    ) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for message in self._visible(self.messages, visible_from):
            human = message.channel_id == channel_id and message.sender.kind == "person"
            if human and message.parent_ts in open_ts:
                counts[message.thread_ts] = counts.get(message.thread_ts, 0) + 1
        return counts

    async def find_channels(self, names: Collection[str], *, visible_from: str) -> Sequence[Channel]:
        return [
            channel
            for channel in self.channels
            if (channel.id in names or channel.name in names) and self._may_see(channel.id, visible_from)
        ]

    def _may_see(self, channel_id: str, visible_from: str) -> bool:
        public = any(c.id == channel_id and c.kind == "public" for c in self.channels)
        return public or channel_id == visible_from

    def _visible(self, rows: Iterable[Row], visible_from: str) -> Iterable[Row]:
        return (row for row in rows if self._may_see(row.channel_id, visible_from))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9_]{3,}", text.lower()))


def _same(wanted: str | None, name: str | None) -> bool:
    return wanted is None or (name or "").lower() == wanted.lower()

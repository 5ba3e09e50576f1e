"""Where a search in messages looks, and what each of its lists gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import scalar_row

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Connection

VISIBLE: Final = """
select id from channels
where (%(everywhere)s or kind = 'public' or id = %(visible_from)s)
  and (%(channels)s::text[] is null or id = any(%(channels)s))
"""


@dataclass(frozen=True, slots=True)
class Within:
    """Where to search. `visible_from` is the asking channel; public channels and itself are visible.

    `everywhere` lifts that, for the operator. None in any other field is no restriction. Times are UTC,
    `until` excluded. `author` is the id of a person or a bot.
    """

    visible_from: str | None = None
    everywhere: bool = False
    channel_ids: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    exclude_thread: MessageRef | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The same with the channels that it comes to."""

    within: Within
    channels: list[str]

    @property
    def values(self) -> dict[str, Any]:
        """The parameters that the lists have in common."""
        thread = self.within.exclude_thread
        return {
            "channels": self.channels,
            "named": None if self.within.channel_ids is None else self.channels,
            "since": self.within.since,
            "until": self.within.until,
            "author": self.within.author,
            "not_channel": thread.channel_id if thread else "",
            "not_thread": thread.ts if thread else "",
        }


@dataclass(frozen=True, slots=True)
class Near:
    """A message that a list gives. `score` compares within that list only."""

    channel_id: str
    ts: str
    thread_ts: str
    posted_at: datetime
    score: float

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)

    @property
    def thread(self) -> MessageRef:
        return MessageRef(self.channel_id, self.thread_ts)


async def scope_of(conn: Connection, within: Within) -> Scope:
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            VISIBLE,
            {
                "everywhere": within.everywhere,
                "visible_from": within.visible_from,
                "channels": None if within.channel_ids is None else list(within.channel_ids),
            },
        )
        return Scope(within, await cur.fetchall())

"""Where a search in messages looks, and what each of its lists gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import scalar_row, tuple_row

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Connection

VISIBLE: Final = """
select coalesce(array_agg(c.id) filter (where c.visible), '{}') as channels, bool_and(c.visible is true) as whole
from (
    select id, (%(everywhere)s or kind = 'public' or id = %(visible_from)s)
               and (%(channels)s::text[] is null or id = any(%(channels)s)) as visible
    from channels
) c
"""
# What the planner expects to pass: from its statistics, without reading a row. Of what has vectors, as that is nearly
# all that is searched, and has statistics of who wrote it.
EXPECTED: Final = """
explain (format json) select from message_vectors v
where (%(whole)s or v.channel_id = any(%(channels)s::text[]))
  and (%(since_ts)s::text is null or v.ts >= %(since_ts)s)
  and (%(until_ts)s::text is null or v.ts < %(until_ts)s)
  and (%(author)s::text is null or v.author = %(author)s)
"""
ROWS: Final = "select greatest(reltuples, 0)::float8 from pg_class where oid = 'message_vectors'::regclass"
# Seconds since the UTC epoch: before it, a ts had a digit less. Slack is younger.
OLDEST: Final = 1_000_000_000


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
    """The same with the channels that it comes to; `whole`: all there are."""

    within: Within
    channels: list[str]
    whole: bool

    @property
    def values(self) -> dict[str, Any]:
        """The parameters that the lists have in common."""
        thread = self.within.exclude_thread
        return {
            "channels": self.channels,
            "whole": self.whole,
            "since_ts": ts_of(self.within.since),
            "until_ts": ts_of(self.within.until),
            "author": self.within.author,
            "not_channel": thread.channel_id if thread else "",
            "not_thread": thread.ts if thread else "",
        }


@dataclass(frozen=True, slots=True)
class Expected:
    """About how many rows pass a filter, and of how many; both 0 while there are no statistics."""

    rows: float
    of: float

    @property
    def share(self) -> float:
        """Above 0, at most 1."""
        return min(1.0, max(1.0, self.rows) / self.of) if self.of else 1.0


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


async def scope_of(conn: Connection, within: Within) -> Scope:
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(
            VISIBLE,
            {
                "everywhere": within.everywhere,
                "visible_from": within.visible_from,
                "channels": None if within.channel_ids is None else list(within.channel_ids),
            },
        )
        channels, whole = await cur.fetchone() or ([], False)
        return Scope(within, channels, bool(whole))


async def expected(conn: Connection, scope: Scope) -> Expected:
    async with conn.cursor(row_factory=scalar_row) as cur:
        plan = await (await cur.execute(EXPECTED, scope.values, prepare=False)).fetchone()
        rows = await (await cur.execute(ROWS)).fetchone()
    return Expected(float(plan[0]["Plan"]["Plan Rows"]) if plan else 0.0, float(rows or 0.0))


def ts_of(moment: datetime | None) -> str | None:
    """The ts of that moment, which compares with others as text."""
    return None if moment is None else f"{max(OLDEST, moment.timestamp()):.6f}"

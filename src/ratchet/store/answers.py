"""Answers that can be voted on: what they were made from, and what people think of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from ratchet.domain.effects import Reply
from ratchet.domain.messages import ChannelKind, MessageRef, Rating
from ratchet.store.pool import Database

# Reactions that say what a button says, whatever the skin tone.
UP: Final = ("+1", "thumbsup", "white_check_mark")
DOWN: Final = ("-1", "thumbsdown", "x")

# A question that was deleted meanwhile leaves nothing to judge.
ADD: Final = """
insert into answers (key, handler, channel_id, thread_ts, asked_ts, model, prompt_hash)
select %(key)s, %(handler)s, m.channel_id, %(thread_ts)s, m.ts, %(model)s, %(prompt_hash)s
from messages m where m.channel_id = %(channel_id)s and m.ts = %(asked_ts)s for key share
on conflict (key) do nothing
"""
KEYS_OF: Final = """
select distinct o.key from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
join outbox o on o.slack_ts @> array[u.ts] and o.channel_id = u.channel_id
join answers a on a.key = o.key
"""
CLICK: Final = """
insert into votes (key, user_id, value, clicked, clicked_ts, voted_at)
values (%(key)s, %(user_id)s, %(value)s, %(value)s, %(at)s, slack_time(%(at)s))
on conflict (key, user_id) do update set clicked = excluded.clicked, clicked_ts = excluded.clicked_ts
where votes.clicked_ts is null or votes.clicked_ts < excluded.clicked_ts
"""
# Of each person the latest word that stands. The same whatever came first, and however often.
RECOUNT: Final = """
with asked as (
    select key from unnest(%(keys)s::text[]) as u (key)
), posts as (
    select o.key, o.channel_id, t.ts
    from asked join answers a using (key) join outbox o using (key) cross join unnest(o.slack_ts) as t (ts)
), standing as (
    select p.key, r.user_id, r.version as at,
           case when split_part(r.reaction, '::', 1) = any(%(up)s::text[]) then 1 else -1 end as value
    from posts p join reactions r on r.channel_id = p.channel_id and r.ts = p.ts
    where r.present and split_part(r.reaction, '::', 1) = any(%(up)s::text[] || %(down)s::text[])
      and not exists (select from people b where b.id = r.user_id and b.bot)
    union all
    select v.key, v.user_id, coalesce(v.clicked_ts, extract(epoch from v.voted_at)::numeric(20, 6)::text),
           coalesce(v.clicked, v.value)
    from votes v join asked using (key) where coalesce(v.clicked, v.value) <> 0
), latest as (
    select distinct on (key, user_id) key, user_id, value, at from standing order by key, user_id, at desc, value
), taken_back as (
    -- Reactions on an answer whose posts are not known any more cannot be seen, and so not be missed.
    delete from votes v where v.key in (select key from posts)
      and not exists (select from latest l where l.key = v.key and l.user_id = v.user_id)
)
insert into votes (key, user_id, value, clicked, voted_at)
select key, user_id, value, 0, slack_time(at) from latest
on conflict (key, user_id) do update set
    value = excluded.value, voted_at = excluded.voted_at,
    clicked = coalesce(votes.clicked, votes.value),
    clicked_ts = coalesce(votes.clicked_ts, extract(epoch from votes.voted_at)::numeric(20, 6)::text)
where (votes.value, votes.voted_at) is distinct from (excluded.value, excluded.voted_at)
"""
RATED: Final = """
select a.key, a.handler, a.channel_id, coalesce(c.name, '') as channel_name, coalesce(c.kind, 'private') as channel_kind,
       a.thread_ts, a.asked_ts, a.model, a.prompt_hash, a.created_at, o.slack_ts, v.up, v.down
from answers a
join outbox o on o.key = a.key
left join channels c on c.id = a.channel_id
cross join lateral (
    select count(*) filter (where value = 1)::int as up, count(*) filter (where value = -1)::int as down
    from votes where votes.key = a.key) v
where a.handler = %(handler)s and a.created_at >= coalesce(%(since)s::timestamptz, '-infinity')
  and case %(rating)s when 'up' then v.up > v.down when 'down' then v.down > v.up else v.up + v.down > 0 end
order by a.created_at, a.key
"""


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """`slack_ts`: the messages that it was posted as, in order. `up`, `down`: people."""

    key: str
    handler: str
    channel_id: str
    channel_name: str
    channel_kind: ChannelKind
    thread_ts: str
    asked_ts: str
    model: str | None
    prompt_hash: str | None
    created_at: datetime
    slack_ts: list[str]
    up: int
    down: int


class Answers:
    """Reads of answers that somebody voted on."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def rated(
        self, handler: str, rating: Rating = "all", since: datetime | None = None
    ) -> list[RatedAnswer]:
        """A handler's answers with more ups than downs, the other way round, or any vote at all; oldest first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(RatedAnswer)) as cur:
            await cur.execute(RATED, {"handler": handler, "rating": rating, "since": since})
            return await cur.fetchall()


async def add(conn: AsyncConnection[Any], key: str, handler: str, reply: Reply) -> None:
    """Remember what a reply answers, by its key `handler:channel:ts:…`; nothing by another key."""
    _, channel_id, asked_ts, *_ = [*key.split(":"), "", ""]
    footer = reply.footer
    await conn.execute(
        ADD,
        {
            "key": key,
            "handler": handler,
            "channel_id": channel_id,
            "thread_ts": reply.thread_ts,
            "asked_ts": asked_ts,
            "model": footer.model if footer else None,
            "prompt_hash": footer.prompt_hash if footer else None,
        },
    )


async def keys_of(conn: AsyncConnection[Any], posts: Sequence[MessageRef]) -> list[str]:
    """The keys of the answers that the messages are, or are parts of; nothing for any other message."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(
            KEYS_OF, {"channels": [ref.channel_id for ref in posts], "ts": [ref.ts for ref in posts]}
        )
        return await cur.fetchall()


async def click(conn: AsyncConnection[Any], key: str, user_id: str, value: int, at: str) -> None:
    """Store a click, at the ts `at`, unless a later one is stored; `value` is 1 or -1. `recount` makes it count."""
    await conn.execute(CLICK, {"key": key, "user_id": user_id, "value": value, "at": at})


async def recount(conn: AsyncConnection[Any], keys: Sequence[str]) -> None:
    """Bring the votes on these answers to what clicks and reactions say now."""
    if keys:
        await conn.execute(RECOUNT, {"keys": list(keys), "up": list(UP), "down": list(DOWN)})

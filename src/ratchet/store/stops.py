"""Where people pressed Slack's own stop button. A turn looks there while it runs, in whichever process."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

from ratchet.domain.events import SessionStopped

# The latest counts: an earlier one, delivered late, changes nothing.
RECORD: Final = """
insert into stops (channel_id, thread_ts, stopped_ts, user_id)
values (%(channel_id)s, %(thread_ts)s, %(stopped_ts)s, %(user_id)s)
on conflict (channel_id, thread_ts) do update
set stopped_ts = excluded.stopped_ts, user_id = excluded.user_id, recorded_at = now()
where stops.stopped_ts < excluded.stopped_ts
"""
STOPPED_AFTER: Final = """
select exists (select from stops
               where channel_id = %(channel_id)s and thread_ts = %(thread_ts)s and stopped_ts > %(ts)s)
"""
PRUNE: Final = "delete from stops where recorded_at < now() - interval '7 days'"


async def record(conn: AsyncConnection[Any], stop: SessionStopped) -> None:
    """In the transaction of the event."""
    await conn.execute(
        RECORD.encode(),
        {
            "channel_id": stop.channel_id,
            "thread_ts": stop.thread_ts,
            "stopped_ts": stop.at,
            "user_id": stop.user_id,
        },
    )

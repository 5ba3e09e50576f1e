"""Templates that no rule knows: what the model said about them, and the messages that wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Database

# An answer that could not be used holds for a day. What is counted when nothing is known is bounded by the budget.
LOOK_UP: Final = """
with found as (
    select verdict, verdict is not null or asked_at > now() - interval '1 day' as settled
    from learned_templates where key = %(key)s
)
select f.verdict, coalesce(f.settled, false) as settled,
       case when f.settled then false
            else exists (select from undecided_messages w where w.key = %(key)s)
                 or (select count(*) from learned_templates where asked_at > now() - interval '1 day')
                    + (select count(distinct key) from undecided_messages) < %(per_day)s
       end as affordable
from (select) one left join found f on true
where %(everywhere)s or exists (select from incident_events e where e.channel_id = %(channel_id)s)
"""
USED: Final = """
update learned_templates set hits = hits + 1,
    last_used_at = case when last_used_at < now() - interval '1 day' then now() else last_used_at end
where key = %(key)s
"""
WAIT: Final = """
insert into undecided_messages (channel_id, ts, version, key, job)
select m.channel_id, m.ts, %(version)s, %(key)s, %(job)s
from messages m where m.channel_id = %(channel_id)s and m.ts = %(ts)s
on conflict do nothing
"""
STANDING: Final = """
select l.verdict,
       coalesce(l.verdict is not null or l.asked_at > now() - interval '1 day', false) as settled,
       (select w.job from undecided_messages w where w.key = %(key)s order by w.ts limit 1) as example,
       (select count(*)::int from learned_templates where asked_at > now() - interval '1 day') as asked_today
from (select) one left join learned_templates l on l.key = %(key)s
"""
# From one of the messages that still wait: what was asked about may be deleted by now.
KEEP: Final = """
insert into learned_templates (key, channel_id, ts, template, verdict, model)
select w.key, w.channel_id, w.ts, %(template)s, %(verdict)s, %(model)s
from undecided_messages w where w.key = %(key)s order by w.ts limit 1
on conflict (key) do update set channel_id = excluded.channel_id, ts = excluded.ts, template = excluded.template,
    verdict = excluded.verdict, model = excluded.model, asked_at = now(), last_used_at = now()
"""
RELEASE: Final = "delete from undecided_messages where key = %(key)s returning job"
VERDICTS: Final = """
select key, verdict from learned_templates where key = any(%(keys)s::bytea[]) and verdict is not null
"""
HAD_ALERTS: Final = "select exists (select from incident_events where channel_id = %(channel_id)s)"
FORGET: Final = """
delete from learned_templates l using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where l.channel_id = u.channel_id and l.ts = u.ts
"""
STOP_WAITING: Final = """
delete from undecided_messages w using unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where w.channel_id = u.channel_id and w.ts = u.ts
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a template. `settled`: it need not be asked again now, whether or not a verdict came.

    `affordable`: of what may be asked in a day, there is something left for it.
    """

    verdict: dict[str, Any] | None
    settled: bool
    affordable: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The same for the job that asks. `example`: the job of the first message that waits, None for none."""

    verdict: dict[str, Any] | None
    settled: bool
    example: dict[str, Any] | None
    asked_today: int


class Learned:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def look_up(self, key: bytes, channel_id: str, *, everywhere: bool, per_day: int) -> Known | None:
        """None where the model has no say: nothing was ever an alert there, and it is not `everywhere`.

        Counts the use of a verdict.
        """
        values = {"key": key, "channel_id": channel_id, "everywhere": everywhere, "per_day": per_day}
        async with self._db.connection() as conn:
            async with conn.cursor(row_factory=class_row(Known)) as cur:
                known = await (await cur.execute(LOOK_UP, values)).fetchone()
            if known is not None and known.verdict is not None:
                await conn.execute(USED, {"key": key})
        return known

    async def standing(self, key: bytes) -> Standing:
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(Standing)) as cur:
            found = await (await cur.execute(STANDING, {"key": key})).fetchone()
        assert found is not None
        return found


async def wait(
    conn: AsyncConnection[Any], key: bytes, ref: MessageRef, version: str, job: Mapping[str, Any]
) -> None:
    """Remember that this version of a message waits for the model. A deleted message does not."""
    await conn.execute(
        WAIT,
        {
            "key": key,
            "channel_id": ref.channel_id,
            "ts": ref.ts,
            "version": version,
            "job": Jsonb(dict(job)),
        },
    )


async def keep(
    conn: AsyncConnection[Any], key: bytes, template: str, verdict: Mapping[str, Any] | None, model: str
) -> None:
    """Store what the model said, None for nothing that can be used. Nothing when no message waits for it."""
    stored = None if verdict is None else Jsonb(dict(verdict))
    await conn.execute(KEEP, {"key": key, "template": template, "verdict": stored, "model": model})


async def release(conn: AsyncConnection[Any], key: bytes) -> list[dict[str, Any]]:
    """The jobs of the messages that waited; they wait no longer."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(RELEASE, {"key": key})).fetchall()


async def verdicts(conn: AsyncConnection[Any], keys: Sequence[bytes]) -> dict[bytes, dict[str, Any]]:
    """Those that there are."""
    async with conn.cursor(row_factory=tuple_row) as cur:
        return dict(await (await cur.execute(VERDICTS, {"keys": list(keys)})).fetchall())


async def had_alerts(conn: AsyncConnection[Any], channel_id: str) -> bool:
    """Whether any message of the channel is recorded as an open or a close."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        return bool(await (await cur.execute(HAD_ALERTS, {"channel_id": channel_id})).fetchone())


async def forget(conn: AsyncConnection[Any], refs: Sequence[MessageRef]) -> None:
    """What was learned from messages that are deleted now, or of which only the place is left."""
    keys = {"channels": [ref.channel_id for ref in refs], "ts": [ref.ts for ref in refs]}
    await conn.execute(FORGET, keys)
    await conn.execute(STOP_WAITING, keys)

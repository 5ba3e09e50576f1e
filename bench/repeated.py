"""A long record in a minute or two: a short history as the intake stores it, then copies of it, further back.

Copied inside the database, so no text is read or split into words twice. What fires once in the short history
fires again in each of its repetitions, as alerts do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from bench.corpus import DAY_S, Corpus, history
from ratchet.app import Store
from ratchet.domain.events import MessagePosted
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.pipeline.reactions import reactions_on
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_stored_message

TIMES: Final = 20
PORTION: Final = 1_000
EARLIER: Final = "to_char({}::numeric - n * %(span_s)s, 'FM0000000000.000000')"
TIME: Final = "{} - n * %(span_s)s * interval '1 second'"
COPIES: Final = "generate_series(1, %(copies)s) as n"
# Of each table the columns that are moved back; the others stay as they are.
MOVED: Final[dict[str, dict[str, str]]] = {
    "messages": {"ts": EARLIER, "parent_ts": EARLIER, "version": EARLIER, "posted_at": TIME},
    "incident_events": {"ts": EARLIER, "parent_ts": EARLIER, "version": EARLIER, "happened_at": TIME},
    "reactions": {"ts": EARLIER, "version": EARLIER},
}
COLUMNS: Final = """
select attname::text from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""
INDEXES: Final = """
select i.indexname::text, i.indexdef from pg_indexes i
where i.tablename = 'messages' and not exists (select from pg_constraint c where c.conname = i.indexname)
"""
ROOMY: Final = (
    "set statement_timeout = 0",
    "set maintenance_work_mem = '1GB'",
    "set max_parallel_maintenance_workers = 2",
    "set synchronous_commit = off",
)


async def fill(store: Store, corpus: Corpus, count: int, *, days: float, until: datetime) -> None:
    """`count` messages, evenly over the `days` before `until`; a twentieth are made, the others copied."""
    span_s = days * DAY_S / TIMES
    await record(store, corpus, count // TIMES, days=days / TIMES, until=until)
    async with store.db.connection() as conn:
        for statement in ROOMY:
            await conn.execute(statement.encode())
        indexes = await (await conn.execute(INDEXES)).fetchall()
        for name, _ in indexes:
            await conn.execute(f"drop index {name}".encode())
        for table in MOVED:
            await _repeat(conn, table, span_s)
        for _, definition in indexes:
            await conn.execute(definition.encode())
        await conn.execute("reset all")
        for command in ("vacuum (analyze)", "checkpoint"):
            await conn.execute(command.encode())


async def record(store: Store, corpus: Corpus, count: int, *, days: float, until: datetime) -> None:
    """An invented history with its reactions, as the intake records it."""
    intake = Intake(store.db, store.queue, BuiltIn())
    batch: list[MessageEvent] = []
    for channel, message in history(corpus, count, days=days, until=until.timestamp()):
        event = parse_stored_message(channel, "public", message, NOBODY)
        batch += [event, *reactions_on(event)] if isinstance(event, MessagePosted) else []
        if len(batch) >= PORTION:
            await intake.record_history(batch, onboard=False)
            batch = []
    await intake.record_history(batch, onboard=False)


async def _repeat(conn: AsyncConnection[Any], table: str, span_s: float) -> None:
    names = [name for (name,) in await (await conn.execute(COLUMNS, [table])).fetchall()]
    read = ", ".join(MOVED[table].get(name, "{}").format(name) for name in names)
    into = f"insert into {table} ({', '.join(names)})"
    given = {"span_s": span_s, "copies": TIMES - 1}
    await conn.execute(f"{into} select {read} from {table}, {COPIES}".encode(), given)

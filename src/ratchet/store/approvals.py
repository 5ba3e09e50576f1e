"""What was asked for and waits for a person's yes, and who decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.json import Jsonb

from ratchet.domain.effects import AskApproval, Form, TakeBack
from ratchet.domain.messages import MessageRef
from ratchet.store.pool import Database

State = Literal["pending", "approved", "rejected", "expired", "withdrawn"]

ASK: Final = """
insert into approvals (key, handler, channel_id, thread_ts, asked_by, source_channel, source_ts, markdown, effects,
                       turn, draft, form, expires_at)
values (%(key)s, %(handler)s, %(channel_id)s, %(thread_ts)s, %(asked_by)s, %(source_channel)s, %(source_ts)s,
        %(markdown)s, %(effects)s, %(turn)s, %(draft)s, %(form)s, now() + make_interval(secs => %(expires_s)s))
on conflict (key) do nothing
"""
# Locked, so that of two clicks at once one decides.
GET: Final = """
select key, handler, channel_id, thread_ts, asked_by, source_channel, source_ts, markdown, effects,
       turn is not null as waits, draft, form, state, decided_by, expires_at < now() as late
from approvals where key = %(key)s for update
"""
DECIDE: Final = """
update approvals set state = %(state)s, decided_by = %(by)s, decided_at = now(),
    markdown = case when draft then split_part(markdown, E'\n', 1) else markdown end,
    effects = case when draft then '[]' else effects end
where key = %(key)s
"""
AUDIT: Final = """
insert into audit (who, action, subject, attrs) values (%(who)s, %(action)s, %(subject)s, %(attrs)s)
"""
ASKED_BY: Final = "select asked_by, form from approvals where key = %(key)s"
# By the message that it is about, which has an index.
TAKE_BACK: Final = """
update approvals set state = 'withdrawn', markdown = '', effects = '[]'
where source_channel = %(channel_id)s and source_ts = %(ts)s and form = %(form)s and state = 'pending'
returning key, channel_id
"""
OPEN: Final = """
select asked_by from approvals where source_channel = %(channel_id)s and source_ts = %(ts)s
  and form = %(form)s and state = 'pending' limit 1
"""
TAKE_TURN: Final = """
with taken as (select key, turn from approvals where key = %(key)s for update)
update approvals a set turn = null from taken where a.key = taken.key returning taken.turn
"""
WITHDRAW: Final = """
update approvals a set markdown = '', effects = '[]', turn = null,
    state = case when state = 'pending' then 'withdrawn' else state end
from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
where a.source_channel = u.channel_id and a.source_ts = u.ts
"""
# Drafts and suggestions that quote one of the messages, found by its permalink.
WITHDRAW_DRAFTS: Final = """
update approvals a set markdown = '', effects = '[]', state = 'withdrawn'
where (a.draft or a.form <> 'approval') and a.state = 'pending' and exists (
    select from unnest(%(channels)s::text[], %(ts)s::text[]) as u (channel_id, ts)
    where strpos(a.effects::text, '/archives/' || u.channel_id || '/p' || replace(u.ts, '.', '')) > 0)
"""


@dataclass(frozen=True, slots=True)
class Approval:
    """`effects` are as JSON. `waits`: a turn goes on from the decision. `late`: it waited longer than it may."""

    key: str
    handler: str
    channel_id: str
    thread_ts: str
    asked_by: str
    source_channel: str
    source_ts: str
    markdown: str
    effects: list[dict[str, Any]]
    waits: bool
    draft: bool
    form: Form
    state: State
    decided_by: str | None
    late: bool


async def ask(conn: AsyncConnection[Any], key: str, handler: str, effect: AskApproval) -> None:
    await conn.execute(
        ASK,
        {
            "key": key,
            "handler": handler,
            "channel_id": effect.channel_id,
            "thread_ts": effect.thread_ts,
            "asked_by": effect.asked_by,
            "source_channel": effect.source[0],
            "source_ts": effect.source[1],
            "markdown": effect.markdown,
            "effects": Jsonb([asdict(one) for one in effect.effects]),
            "turn": Jsonb(effect.turn) if effect.turn is not None else None,
            "draft": effect.draft,
            "form": effect.form,
            "expires_s": effect.expires_s,
        },
    )


async def get(conn: AsyncConnection[Any], key: str) -> Approval | None:
    """The approval, locked until the transaction ends."""
    async with conn.cursor(row_factory=class_row(Approval)) as cur:
        return await (await cur.execute(GET, {"key": key})).fetchone()


async def asked_by(db: Database, key: str) -> tuple[str, Form] | None:
    """User id of who asked, and in which form; None when nothing was asked under that key."""
    async with db.connection() as conn, conn.cursor(row_factory=tuple_row) as cur:
        return await (await cur.execute(ASKED_BY, {"key": key})).fetchone()


@dataclass(frozen=True, slots=True)
class OpenQuestions:
    """Satisfies `ratchet.handlers.hand_over.OpenQuestions`."""

    db: Database

    async def waiting(self, source: MessageRef, form: Form) -> str | None:
        """See the Protocol."""
        values = {"channel_id": source.channel_id, "ts": source.ts, "form": form}
        async with self.db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return await (await cur.execute(OPEN, values)).fetchone()


async def take_back(conn: AsyncConnection[Any], effect: TakeBack) -> list[tuple[str, str]]:
    """Nobody need decide it any more; keys, and the channels in which it was asked."""
    channel_id, ts = effect.source
    async with conn.cursor(row_factory=tuple_row) as cur:
        await cur.execute(TAKE_BACK, {"channel_id": channel_id, "ts": ts, "form": effect.form})
        return await cur.fetchall()


async def take_turn(conn: AsyncConnection[Any], key: str) -> dict[str, Any] | None:
    """The turn that waited, once: who has taken it goes on with it, and nobody else does."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        return await (await cur.execute(TAKE_TURN, {"key": key})).fetchone()


async def decide(conn: AsyncConnection[Any], approval: Approval, state: State, by: str) -> None:
    """Store the decision, and that it was made by whom."""
    await conn.execute(DECIDE, {"key": approval.key, "state": state, "by": by})
    what = {"handler": approval.handler, "asked_by": approval.asked_by}
    await audit(conn, by, f"approval_{state}", approval.key, what)


async def audit(
    conn: AsyncConnection[Any], who: str, action: str, subject: str, attrs: dict[str, Any]
) -> None:
    """`attrs` must hold nothing that anybody wrote."""
    await conn.execute(AUDIT, {"who": who, "action": action, "subject": subject, "attrs": Jsonb(attrs)})


async def withdraw(conn: AsyncConnection[Any], gone: Sequence[MessageRef]) -> None:
    """Take back what these deleted messages asked for, and drafts that quote them."""
    keys = {"channels": [r.channel_id for r in gone], "ts": [r.ts for r in gone]}
    await conn.execute(WITHDRAW, keys)
    await conn.execute(WITHDRAW_DRAFTS, keys)

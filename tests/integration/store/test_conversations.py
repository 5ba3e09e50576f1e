"""What Ratchet knows of its own part in conversations, and what its questions cost."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from ratchet.domain.conversations import LastAnswer
from ratchet.store import approvals, channels
from ratchet.store.conversations import LAST_ANSWER, SPOKE_UNASKED, Conversations
from ratchet.store.pool import Database

ROOT = "1760000000.000000"
MESSAGE = """
insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)
values ('C1', %s, now(), %s, '', '', %s, '')
"""
POSTED = """
insert into outbox (key, handler, channel_id, thread_ts, state, slack_ts)
values (%s, split_part(%s, ':', 1), 'C1', %s, 'sent', %s)
"""
RAN = "insert into handler_runs (key, effects) values (%s, %s)"


async def run(database: Database, *statements: tuple[str, tuple[Any, ...]]) -> None:
    async with database.transaction() as conn:
        for statement, values in statements:
            await conn.execute(statement.encode(), values)


def asked(ts: str, who: str) -> tuple[str, tuple[Any, ...]]:
    return MESSAGE, (ts, ts, Jsonb({"sender": {"kind": "person", "id": who}}))


def answered(key: str, *ts: str, thread: str = ROOT) -> tuple[str, tuple[Any, ...]]:
    return POSTED, (key, key, thread, list(ts))


async def test_the_last_answer_is_the_newest_before_and_for_whom_it_was(database: Database) -> None:
    later = "1760000100.000000"
    await run(
        database,
        asked(ROOT, "U1"),
        asked(later, "U2"),
        answered(f"assistant:C1:{ROOT}:0", "1760000010.000000", "1760000011.000000"),
        answered(f"follow_up:C1:{later}:0", "1760000110.000000"),
        answered(f"runbook:C1:{ROOT}:0", "1760000200.000000"),
        answered(f"assistant:C1:{later}:1", "1760000300.000000", thread="1750000000.000000"),
    )
    conversations = Conversations(database)
    assert await conversations.last_answer("C1", ROOT, later) == LastAnswer("1760000011.000000", "U1")
    assert await conversations.last_answer("C1", ROOT, "1760000999.000000") == LastAnswer(
        "1760000110.000000", "U2"
    )
    assert await conversations.last_answer("C1", ROOT, ROOT) is None
    assert await conversations.last_answer("C2", ROOT, later) is None


async def test_an_answer_after_an_approval_was_for_who_asked(database: Database) -> None:
    key = f"assistant:C1:{ROOT}:0"
    await run(database, asked(ROOT, "U1"), answered(f"{key}:approved:0", "1760000010.000000"))
    last = await Conversations(database).last_answer("C1", ROOT, "1760000011.000000")
    assert last == LastAnswer("1760000010.000000", "U1")


async def test_of_a_deleted_question_nobody_knows_whose_it_was(database: Database) -> None:
    await run(database, answered(f"assistant:C1:{ROOT}:0", "1760000010.000000"))
    last = await Conversations(database).last_answer("C1", ROOT, "1760000011.000000")
    assert last == LastAnswer("1760000010.000000", "")


@pytest.mark.parametrize("channel", ["C1", "C11", "C1:1"])
async def test_what_was_said_unasked_counts_by_channel_and_hour(database: Database, channel: str) -> None:
    runs = [
        (f"unasked:{one}:176000{n:04}.000000", n % 2)
        for one in ("C1", "C11", "C111")
        for n in range(0, 9000, 300)
    ]
    await run(database, *((RAN, one) for one in runs), (RAN, (f"assistant:C1:{ROOT}", 1)))
    since = "1760003000.000000"
    spoken = sum(
        effects for key, effects in runs if key.startswith(f"unasked:{channel}:") and key[-17:] >= since
    )
    assert await Conversations(database).spoke_unasked(channel, since) == spoken


async def explained(database: Database, statement: str, values: dict[str, Any]) -> str:
    """The plan, on tables that look large."""
    async with database.transaction() as conn:
        await conn.execute("set local enable_seqscan = off")
        rows = await (await conn.execute(f"explain {statement}".encode(), values)).fetchall()
        return "\n".join(map(str, rows))


async def test_each_question_has_its_index(database: Database) -> None:
    last = {"channel_id": "C1", "thread_ts": ROOT, "before": ROOT, "handlers": ["assistant"]}
    assert "outbox_thread" in await explained(database, LAST_ANSWER, last)
    spoke = {"prefix": "unasked:C1:", "first": "unasked:C1:1", "last": "unasked:C1:9"}
    assert "handler_runs_pkey" in await explained(database, SPOKE_UNASKED, spoke)
    gone = {"channels": ["C1"], "ts": [ROOT]}
    assert "approvals_open" in await explained(database, approvals.WITHDRAW_DRAFTS, gone)
    assert "channels_pkey" in await explained(database, channels.MANY, {"ids": ["C1"]})

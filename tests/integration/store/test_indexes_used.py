"""Statements that run often, or over tables that grow, read them by their indexes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from ratchet.store import approvals, quiet_threads, schedules
from ratchet.store.pool import Database

ROWS: Final = 4_000
FILL: Final = (
    """
    insert into schedules (channel_id, kind, cron, due_at)
    select 'C' || n, 'gap_list', '0 9 * * 1', timestamptz '2026-01-01' + n * interval '1 hour'
    from generate_series(1, %(rows)s) n
    """,
    """
    insert into approvals (key, handler, channel_id, thread_ts, asked_by, source_channel, source_ts, markdown,
                           effects, state, draft, expires_at)
    select 'k' || n, 'h', 'C1', n::text, 'U1', 'C' || n %% 50, n::text, 'Shall I?', '[]',
           case when n %% 100 = 0 then 'pending' else 'approved' end, n %% 100 = 0, now()
    from generate_series(1, %(rows)s) n
    """,
    """
    insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
    select 'C' || n %% 50, n::text, case when n %% 4 > 0 then (n - n %% 4)::text end, to_timestamp(n), '1', '', '',
           '{"sender": {"kind": "person", "id": "U1"}}', ''
    from generate_series(1, %(rows)s) n
    """,
)
MESSAGE: Final = {"channel_id": "C1", "ts": "400"}
MESSAGES: Final = {"channels": ["C1", "C2"], "ts": ["400", "404"]}
NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (schedules.DUE, {"now": NOW, "kinds": ["gap_list"], "limit": 100}, "schedules_due"),
        (schedules.OF_CHANNEL, {"channel_id": "C7"}, "schedules_pkey"),
        (approvals.GET, {"key": "k7"}, "approvals_pkey"),
        (approvals.ASKED_BY, {"key": "k7"}, "approvals_pkey"),
        (approvals.OPEN, MESSAGE | {"form": "approval"}, "approvals_source"),
        (approvals.TAKE_BACK, MESSAGE | {"form": "approval"}, "approvals_source"),
        (approvals.WITHDRAW, MESSAGES, "approvals_source"),
        (approvals.WITHDRAW_DRAFTS, MESSAGES, "approvals_open"),
        (quiet_threads.STATE, MESSAGE, "messages_thread"),
        (quiet_threads.STATE, MESSAGE, "messages_pkey"),
    ],
    ids=["due", "schedules", "get", "asked by", "open", "take back", "withdraw", "drafts", "replies", "root"],
)
async def test_the_index_is_read(
    database: Database, statement: str, values: dict[str, Any], index: str
) -> None:
    async with database.connection() as conn:
        for fill in FILL:
            await conn.execute(fill.encode(), {"rows": ROWS})
        await conn.execute("analyze")
        explain = f"explain (costs off) {statement}"
        explained = "\n".join(
            row[0] for row in await (await conn.execute(explain.encode(), values)).fetchall()
        )
    assert index in explained
    assert not any(f"Seq Scan on {table}" in explained for table in ("schedules", "approvals", "messages"))

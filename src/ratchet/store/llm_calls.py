"""What turns with language models cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from ratchet.domain.messages import MessageRef, posted_at
from ratchet.domain.model_calls import ModelCall
from ratchet.store.pool import Database

RECORD: Final = """
insert into llm_calls (model, purpose, channel_id, prompt_hash, requests, tool_calls, input_tokens, output_tokens,
                       cost_usd, seconds, error, contents)
values (%(model)s, %(purpose)s, %(channel_id)s, %(prompt_hash)s, %(requests)s, %(tool_calls)s, %(input_tokens)s,
        %(output_tokens)s, %(cost_usd)s, %(seconds)s, %(error)s, %(contents)s)
"""
SPENT: Final = """
select coalesce(sum(cost_usd), 0)::float8 from llm_calls where channel_id = %(channel_id)s and at >= %(since)s
"""
FORGET: Final = "update llm_calls set contents = null where contents is not null and at >= %(since)s"


class LlmCalls:
    """Satisfies `ratchet.llm.recorded.CallRecorder`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def record(self, call: ModelCall) -> None:
        contents = None if call.contents is None else Jsonb(call.contents)
        async with self._db.transaction() as conn:
            await conn.execute(RECORD, asdict(call) | {"contents": contents})

    async def spent(self, channel_id: str, since: datetime) -> float:
        """US dollars that turns for a channel cost since then; what has no known price counts as nothing."""
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            await cur.execute(SPENT, {"channel_id": channel_id, "since": since})
            return float(await cur.fetchone() or 0.0)


async def forget(conn: AsyncConnection[Any], gone: Sequence[MessageRef]) -> None:
    """Contents of every turn after the oldest of the messages was posted: any of them may quote it."""
    await conn.execute(FORGET, {"since": min(posted_at(ref.ts) for ref in gone)})

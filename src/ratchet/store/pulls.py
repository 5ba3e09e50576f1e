"""The pull requests that were opened, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from ratchet.store.pool import Database

PUT: Final = """
insert into pulls (repository, number, source, channel_id, thread_ts, branch, url)
values (%(repository)s, %(number)s, %(source)s, %(channel_id)s, %(thread_ts)s, %(branch)s, %(url)s)
on conflict (repository, number) do nothing
"""
FINISHED: Final = """
select count(*)::int from pulls
where repository = %(repository)s and channel_id = %(channel_id)s and thread_ts = %(thread_ts)s and state <> 'open'
"""
WAITING: Final = """
select repository, number, source, channel_id, thread_ts, branch, url, state, etag
from pulls where state = 'open' order by checked_at limit %(limit)s
"""
CHECKED: Final = """
update pulls set etag = %(etag)s, checked_at = now() where repository = %(repository)s and number = %(number)s
"""
# Once: whoever changes it says so.
END: Final = """
update pulls set state = %(state)s, etag = null, checked_at = now()
where repository = %(repository)s and number = %(number)s and state = 'open'
"""


@dataclass(frozen=True, slots=True)
class KeptPull:
    """`repository` is its address, `thread_ts` that of the thread in which it was proposed."""

    repository: str
    number: int
    source: str
    channel_id: str
    thread_ts: str
    branch: str
    url: str
    state: Literal["open", "merged", "closed"] = "open"
    etag: str | None = None

    @property
    def key(self) -> dict[str, Any]:
        return {"repository": self.repository, "number": self.number}


async def put(conn: AsyncConnection[Any], pull: KeptPull) -> None:
    values = {
        name: getattr(pull, name)
        for name in ("repository", "number", "source", "channel_id", "thread_ts", "branch", "url")
    }
    await conn.execute(PUT, values)


async def end(conn: AsyncConnection[Any], pull: KeptPull, state: str) -> bool:
    """Whether it was open before."""
    return (await conn.execute(END, pull.key | {"state": state})).rowcount == 1


class Pulls:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def finished(self, repository: str, channel_id: str, thread_ts: str) -> int:
        """How many of the thread's are merged or closed."""
        values = {"repository": repository, "channel_id": channel_id, "thread_ts": thread_ts}
        async with self._db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
            return int(await (await cur.execute(FINISHED, values)).fetchone() or 0)

    async def waiting(self, limit: int) -> Sequence[KeptPull]:
        """Those that were open when last looked at, the one longest ago first."""
        async with self._db.connection() as conn, conn.cursor(row_factory=class_row(KeptPull)) as cur:
            return await (await cur.execute(WAITING, {"limit": limit})).fetchall()

    async def checked(self, pull: KeptPull, etag: str | None) -> None:
        async with self._db.transaction() as conn:
            await conn.execute(CHECKED, pull.key | {"etag": etag})

"""Who did what. Never what was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from ratchet.store.pool import Database

LATEST: Final = """
select a.id, a.at, a.who, coalesce(p.name, '') as name, a.action, a.subject, a.attrs
from audit a left join people p on p.id = a.who
where (%(since)s::timestamptz is null or a.at >= %(since)s) and (%(who)s::text is null or a.who = %(who)s)
order by a.at desc, a.id desc limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the log. `who` is a user id, or `operator`; `name` is "" where it is not known."""

    id: int
    at: datetime
    who: str
    name: str
    action: str
    subject: str
    attrs: dict[str, Any]


async def latest(db: Database, since: datetime | None, who: str | None, limit: int) -> list[Deed]:
    """Newest first."""
    async with db.connection() as conn, conn.cursor(row_factory=class_row(Deed)) as cur:
        return await (await cur.execute(LATEST, {"since": since, "who": who, "limit": limit})).fetchall()

"""How far imports of export archives have come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg.rows import scalar_row

from ratchet.store.pool import Database

DONE: Final = "select path from import_progress where archive = %(archive)s"
MARK: Final = """
insert into import_progress (archive, path, stored)
select %(archive)s, * from unnest(%(paths)s::text[], %(stored)s::int[])
on conflict (archive, path) do update set stored = excluded.stored, imported_at = now()
"""


async def done(db: Database, archive: str) -> set[str]:
    """Files of the archive that are stored."""
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        return set(await (await cur.execute(DONE, {"archive": archive})).fetchall())


async def mark_done(db: Database, archive: str, files: Mapping[str, int]) -> None:
    """The files, and how many messages each has, are stored."""
    async with db.transaction() as conn:
        await conn.execute(MARK, {"archive": archive, "paths": list(files), "stored": list(files.values())})

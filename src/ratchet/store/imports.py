"""How far imports of export archives have come."""

from __future__ import annotations

from typing import Final

from psycopg.rows import scalar_row

from ratchet.store.pool import Database

DONE: Final = "select path from import_progress where archive = %(archive)s"
MARK: Final = """
insert into import_progress (archive, path, stored) values (%(archive)s, %(path)s, %(stored)s)
on conflict (archive, path) do update set stored = excluded.stored, imported_at = now()
"""


async def done(db: Database, archive: str) -> set[str]:
    """Files of the archive that are stored."""
    async with db.connection() as conn, conn.cursor(row_factory=scalar_row) as cur:
        return set(await (await cur.execute(DONE, {"archive": archive})).fetchall())


async def mark_done(db: Database, archive: str, path: str, stored: int) -> None:
    async with db.transaction() as conn:
        await conn.execute(MARK, {"archive": archive, "path": path, "stored": stored})

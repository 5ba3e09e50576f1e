"""Brings the schema up to date: numbered SQL files, each applied once, in order.

`store/migrations/NNNN_name.sql` runs in one transaction together with its row in `schema_migrations`. A file
whose first line is `-- no transaction` (for CREATE INDEX CONCURRENTLY) runs statement by statement, each with
a semicolon at the end of its last line; it runs again after a failure, so it tolerates what is there already.
A file that was released is never changed. Each is safe while the previous version of Ratchet still runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
import structlog

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.store.pool import Connection, check_server, connect, translated_errors

LOCK_KEY = 0x52415443  # "RATC"
LOCK_TIMEOUT = 600.0
LOCK_POLL = 0.1
NO_TRANSACTION = "-- no transaction"
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)

# Trying, not waiting: a session that waits for the lock holds a snapshot, and CREATE INDEX CONCURRENTLY in
# the session that has the lock would wait for that snapshot, for ever.
TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"
UNLOCK = "SELECT pg_advisory_unlock(%s)"
LIMIT_LOCK_WAITS = "SET lock_timeout = '30s'"
CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
APPLIED = "SELECT version, name, checksum FROM schema_migrations"
RECORD = "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the text, whatever the line ends."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether it runs in one transaction."""
        return not self.sql.lstrip().startswith(NO_TRANSACTION)

    @property
    def statements(self) -> list[str]:
        """What is sent to the server, one after the other."""
        if self.transactional:
            return [self.sql]
        return [text.strip() for text in STATEMENT_END.split(self.sql) if _has_code(text)]


async def migrate(conninfo: str, source: Traversable | None = None) -> list[str]:
    """Apply what is missing; returns the names applied. Safe when several processes start at once.

    Raises Misconfigured when a file was changed after it was applied, when one fails, and when the database
    is of a newer Ratchet; Transient when the server is away or another process migrates for over ten minutes.
    """
    migrations = load_migrations(source or resources.files("ratchet.store") / "migrations")
    await check_server(conninfo)
    async with await connect(conninfo, statement_timeout=0) as connection:
        with translated_errors():
            await _lock(connection)
            try:
                return await _apply_missing(connection, migrations)
            finally:
                if not connection.closed:
                    await connection.execute(UNLOCK, (LOCK_KEY,))


async def pending(conninfo: str) -> list[str]:
    """Names of what `migrate` would apply now; applies nothing. Raises as `migrate`."""
    await check_server(conninfo)
    async with await connect(conninfo) as connection:
        with translated_errors():
            cursor = await connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
            there = await cursor.fetchone()
            rows = await (await connection.execute(APPLIED)).fetchall() if there and there[0] else []
    applied = {version: (name, checksum) for version, name, checksum in rows}
    migrations = load_migrations(resources.files("ratchet.store") / "migrations")
    return [migration.name for migration in missing(migrations, applied)]


def load_migrations(source: Traversable) -> list[Migration]:
    """In order. Raises Misconfigured for a name that is not one or a number used twice."""
    found: dict[int, Migration] = {}
    for file in sorted(source.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        match = FILE_NAME.fullmatch(file.name)
        if match is None or int(match[1]) in found:
            raise Misconfigured(f"Migration {file.name}: not named NNNN_name.sql with a number of its own.")
        sql = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        found[int(match[1])] = Migration(int(match[1]), file.name.removesuffix(".sql"), sql)
    return list(found.values())


def missing(migrations: Sequence[Migration], applied: Mapping[int, tuple[str, str]]) -> list[Migration]:
    """What is yet to be applied. `applied`: version to name and checksum. Raises as `migrate`."""
    known = {migration.version for migration in migrations}
    newer = [name for version, (name, _) in sorted(applied.items()) if version not in known]
    if newer:
        raise Misconfigured(
            f"The database was migrated by another, newer Ratchet (it has {', '.join(newer)})."
            " Run that version or a later one."
        )
    for migration in migrations:
        if migration.version in applied and applied[migration.version][1] != migration.checksum:
            raise Misconfigured(
                f"Migration {migration.name}.sql was changed after it was applied to this database."
                " Restore the file as it was and put the change into a new one."
            )
    return [migration for migration in migrations if migration.version not in applied]


async def _lock(connection: Connection) -> None:
    try:
        async with asyncio.timeout(LOCK_TIMEOUT):
            while True:
                row = await (await connection.execute(TRY_LOCK, (LOCK_KEY,))).fetchone()
                if row == (True,):
                    return
                await asyncio.sleep(LOCK_POLL)
    except TimeoutError:
        raise Transient(f"Another process has been migrating the database for {LOCK_TIMEOUT:g} s") from None


async def _apply_missing(connection: Connection, migrations: Sequence[Migration]) -> list[str]:
    await connection.execute(LIMIT_LOCK_WAITS)
    await connection.execute(CREATE_TABLE)
    rows = await (await connection.execute(APPLIED)).fetchall()
    names = []
    for migration in missing(migrations, {version: (name, checksum) for version, name, checksum in rows}):
        await _apply(connection, migration)
        logger.info("migration_applied", migration=migration.name)
        names.append(migration.name)
    return names


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        if migration.transactional:
            async with connection.transaction():
                await _run(connection, migration)
        else:
            await _run(connection, migration)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise Misconfigured(
            f"Migration {migration.name}.sql failed: {str(error).strip()}."
            " Nothing of it is kept unless it says `no transaction`; the database is as it was before."
        ) from error


async def _run(connection: Connection, migration: Migration) -> None:
    for statement in migration.statements:
        await connection.execute(statement.encode())
    await connection.execute(RECORD, (migration.version, migration.name, migration.checksum))


def _has_code(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("--") for line in text.split("\n"))

"""Moving a whole database with PostgreSQL's own programs: to a file, from a file, to another server.

The programs are those of the embedded server; they read servers of their own major version and older.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import scalar_row

from ratchet.domain.errors import Refused
from ratchet.store.embedded_binaries import find_binaries
from ratchet.store.pool import connect

# Rows of these are compared after a move.
TABLES: Final = """
select table_name::text from information_schema.tables
where table_schema = 'public' and table_type = 'BASE TABLE' order by 1
"""
OTHERS: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
# With what comes after it, which makes the schema, in one transaction: what fails leaves all as it was.
EMPTIED: Final = "drop schema if exists public cascade"
TIMEOUT_S: Final = 6 * 3600.0
CHUNK: Final = 1 << 20
MAX_COMPLAINT: Final = 500
_DUMP: Final = ("--no-owner", "--no-privileges", "--schema=public", "--extension=vector")


@dataclass(frozen=True, slots=True)
class Place:
    """A database, as arguments and environment for the programs: the password is in no argument."""

    conninfo: str

    @property
    def argument(self) -> str:
        parts = {k: v for k, v in conninfo_to_dict(self.conninfo).items() if k != "password"}
        return make_conninfo("", **parts)

    @property
    def environment(self) -> dict[str, str]:
        password = conninfo_to_dict(self.conninfo).get("password")
        return {"PATH": os.defpath, "LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})


async def backup(place: Place, file: Path) -> int:
    """Write everything to `file`, compressed, as of one moment; Ratchet may go on. Returns its size in bytes.

    Raises Refused. The file appears when it is whole, and is readable by its owner only.
    """
    with _part_of(file) as part:
        await _run("pg_dump", ["--format=custom", *_DUMP, f"--file={part}", place.argument], place)
    return await asyncio.to_thread(lambda: file.stat().st_size)


@contextmanager
def _part_of(file: Path) -> Iterator[Path]:
    """A file beside it that takes its name when all went well. Raises Refused when none can be made there."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.touch(mode=0o600)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from None
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


async def restore(file: Path, place: Place, *, replace: bool) -> None:
    """Put back what `backup` wrote, in one transaction. Raises Refused, and then nothing has changed."""
    await _must_be_free(place, replace=replace)
    # Read before anything is touched: a damaged file is found out here.
    await _run("pg_restore", ["--list", str(file)], place)
    await _pipe(("pg_restore", ["--no-owner", "--no-privileges", "--file=-", str(file)]), place, place)


async def move(source: Place, target: Place, *, replace: bool) -> dict[str, int]:
    """Copy everything to another server, in one transaction, and count what arrived: rows by table.

    Raises Refused, and then the target is as it was.
    """
    await _must_be_alone(source)
    await _must_be_free(target, replace=replace)
    await _pipe(("pg_dump", ["--format=plain", *_DUMP, source.argument]), source, target)
    there, here = await counts(target), await counts(source)
    if there != here:
        differing = sorted(name for name in here if here[name] != there.get(name))
        raise Refused(f"After the move these tables differ: {', '.join(differing)}. Do not use the copy.")
    return there


async def counts(place: Place) -> dict[str, int]:
    """Rows by table."""
    async with (
        await connect(place.conninfo, statement_timeout=0) as conn,
        conn.cursor(row_factory=scalar_row) as cur,
    ):
        tables = await (await cur.execute(TABLES)).fetchall()
        found = {}
        for table in tables:
            await cur.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
            found[table] = int((await cur.fetchone()) or 0)
        return found


async def _must_be_free(place: Place, *, replace: bool) -> None:
    await _must_be_alone(place)
    async with await connect(place.conninfo) as conn, conn.cursor(row_factory=scalar_row) as cur:
        tables = await (await cur.execute(TABLES)).fetchall()
    if tables and not replace:
        raise Refused(
            f"The database holds {len(tables)} tables already. With --replace, all that is in it is replaced."
        )


async def _must_be_alone(place: Place) -> None:
    async with await connect(place.conninfo) as conn, conn.cursor(row_factory=scalar_row) as cur:
        others = await (await cur.execute(OTHERS)).fetchone()
    if others:
        raise Refused(
            f"{others} other connections use the database. Stop Ratchet first: what it writes meanwhile would be lost."
        )


async def _run(program: str, arguments: Sequence[str], place: Place) -> None:
    async with _process(program, arguments, place.environment, stdout=asyncio.subprocess.DEVNULL) as process:
        complaint = await process.stderr.read() if process.stderr else b""
        if await process.wait():
            raise Refused(_told(program, complaint))


async def _pipe(writer: tuple[str, Sequence[str]], source: Place, target: Place) -> None:
    """What the writer prints is run in the target, emptied, as one transaction.

    It passes through here, so that a writer that fails half way ends the transaction and not the input.
    """
    program, arguments = writer
    pipe = asyncio.subprocess.PIPE
    into = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    into += [f"--command={EMPTIED}", "--file=-", target.argument]
    async with (
        _process("psql", into, target.environment, stdout=asyncio.subprocess.DEVNULL, stdin=pipe) as second,
        _process(program, arguments, source.environment, stdout=pipe) as first,
    ):
        async with asyncio.TaskGroup() as group:
            complaints = group.create_task(_complaints(second))
            group.create_task(_pass_on(first, second))
            said = group.create_task(_complaints(first))
            failed = group.create_task(_end(first, second))
        if failed.result():
            raise Refused(_told(program, said.result()))
        if second.returncode:
            raise Refused(_told("psql", complaints.result()))


async def _end(first: asyncio.subprocess.Process, second: asyncio.subprocess.Process) -> bool:
    """Let the second commit when the first printed everything, else not; whether the first failed by itself."""
    failed = bool(await first.wait()) and second.returncode is None
    if failed:
        second.kill()
    await second.wait()
    return failed


async def _pass_on(first: asyncio.subprocess.Process, second: asyncio.subprocess.Process) -> None:
    """Everything that the first prints, to the second's input, which is closed only if that was all."""
    assert first.stdout is not None
    assert second.stdin is not None
    while chunk := await first.stdout.read(CHUNK):
        try:
            second.stdin.write(chunk)
            await second.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            # The second gave up, and says why.
            await second.wait()
            first.kill()
            return
    if not await first.wait():
        second.stdin.close()


async def _complaints(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None
    return await process.stderr.read()


@asynccontextmanager
async def _process(
    program: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stdout: int,
    stdin: int | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Killed when the block is left before its end."""
    path = find_binaries().root / "bin" / program
    process = await asyncio.create_subprocess_exec(
        path, *arguments, env=dict(environment), stdout=stdout, stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _told(program: str, complaint: bytes) -> str:
    said = complaint.decode("utf-8", "replace").strip()[:MAX_COMPLAINT]
    return f"{program} failed, and nothing was changed: {said or 'it does not say why'}"

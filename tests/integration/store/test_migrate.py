"""Migrations: applied once, in order, and never half."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.store.migrate import Migration, load_migrations, migrate

FIRST = "CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);\n"
SECOND = "ALTER TABLE first ADD COLUMN note text DEFAULT 'a;b';\n"
INDEX = """-- no transaction
-- Built while the others go on writing.
DROP INDEX CONCURRENTLY IF EXISTS first_n;
CREATE INDEX CONCURRENTLY first_n
    ON first (n);
"""


def write(directory: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8", newline="")
    return directory


def applied(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT name FROM schema_migrations ORDER BY version").fetchall()
    return [name for (name,) in rows]


def tables(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        return {name for (name,) in rows.fetchall()}


async def test_files_are_applied_in_order_and_only_once(empty_conninfo: str, tmp_path: Path) -> None:
    write(tmp_path, {"0002_second.sql": SECOND, "0001_first.sql": FIRST, "README.md": "not a migration"})
    assert await migrate(empty_conninfo, tmp_path) == ["0001_first", "0002_second"]
    assert await migrate(empty_conninfo, tmp_path) == []
    write(tmp_path, {"0003_index.sql": INDEX})
    assert await migrate(empty_conninfo, tmp_path) == ["0003_index"]
    assert applied(empty_conninfo) == ["0001_first", "0002_second", "0003_index"]


async def test_the_program_s_own_migrations_apply_to_an_empty_database(empty_conninfo: str) -> None:
    own = load_migrations(resources.files("ratchet.store") / "migrations")
    assert [migration.version for migration in own] == list(range(1, len(own) + 1))
    assert await migrate(empty_conninfo) == [migration.name for migration in own]
    assert await migrate(empty_conninfo) == []


async def test_several_processes_that_start_at_once_apply_each_file_once(
    empty_conninfo: str, tmp_path: Path
) -> None:
    write(tmp_path, {"0001_first.sql": FIRST, "0002_second.sql": SECOND, "0003_index.sql": INDEX})
    async with asyncio.TaskGroup() as group:
        starts = [group.create_task(migrate(empty_conninfo, tmp_path)) for _ in range(5)]
    done = sorted(start.result() for start in starts)
    assert done == [[], [], [], [], ["0001_first", "0002_second", "0003_index"]]


async def test_a_file_that_fails_is_named_and_leaves_nothing_behind(
    empty_conninfo: str, tmp_path: Path
) -> None:
    write(
        tmp_path, {"0001_first.sql": FIRST, "0002_bad.sql": "CREATE TABLE half (n int);\nSELECT nonsense;\n"}
    )
    with pytest.raises(Misconfigured, match=r"0002_bad\.sql failed: .*nonsense"):
        await migrate(empty_conninfo, tmp_path)
    assert applied(empty_conninfo) == ["0001_first"]
    assert "half" not in tables(empty_conninfo)
    write(tmp_path, {"0002_bad.sql": SECOND})
    assert await migrate(empty_conninfo, tmp_path) == ["0002_bad"]


async def test_a_file_without_transaction_that_fails_is_run_again_whole(
    empty_conninfo: str, tmp_path: Path
) -> None:
    first = FIRST + "INSERT INTO first VALUES (1);\n"
    unique = INDEX.replace("CREATE INDEX", "CREATE UNIQUE INDEX")
    write(tmp_path, {"0001_first.sql": first, "0002_unique.sql": unique})
    with pytest.raises(Misconfigured, match=r"0002_unique\.sql failed"):
        await migrate(empty_conninfo, tmp_path)
    async with await psycopg.AsyncConnection.connect(empty_conninfo, autocommit=True) as connection:
        await connection.execute("DELETE FROM first WHERE ctid = '(0,1)'")
    assert await migrate(empty_conninfo, tmp_path) == ["0002_unique"]


async def test_a_file_changed_after_it_was_applied_is_named(empty_conninfo: str, tmp_path: Path) -> None:
    await migrate(empty_conninfo, write(tmp_path, {"0001_first.sql": FIRST}))
    write(tmp_path, {"0001_first.sql": FIRST + "-- afterthought\n", "0002_second.sql": SECOND})
    with pytest.raises(Misconfigured, match=r"0001_first\.sql was changed .*a new one"):
        await migrate(empty_conninfo, tmp_path)
    assert applied(empty_conninfo) == ["0001_first"]


async def test_line_ends_do_not_count_as_a_change(empty_conninfo: str, tmp_path: Path) -> None:
    await migrate(empty_conninfo, write(tmp_path, {"0001_first.sql": FIRST}))
    assert (
        await migrate(empty_conninfo, write(tmp_path, {"0001_first.sql": FIRST.replace("\n", "\r\n")})) == []
    )


async def test_a_database_of_a_newer_program_is_refused(empty_conninfo: str, tmp_path: Path) -> None:
    await migrate(empty_conninfo, write(tmp_path, {"0001_first.sql": FIRST, "0002_second.sql": SECOND}))
    (tmp_path / "0002_second.sql").unlink()
    with pytest.raises(Misconfigured, match=r"newer Ratchet \(it has 0002_second\)"):
        await migrate(empty_conninfo, tmp_path)


async def test_a_server_that_is_away_is_transient(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        await migrate("postgresql://nobody@127.0.0.1:9/name", tmp_path)


@pytest.mark.parametrize("name", ["1_short.sql", "0001-dash.sql", "0001_Capital.sql", "0001_other.sql"])
def test_a_file_with_a_wrong_name_or_a_number_used_twice_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"0001_first.sql": FIRST, name: SECOND})
    with pytest.raises(Misconfigured, match=r"Migration .*\.sql: not named"):
        load_migrations(tmp_path)


def test_only_a_file_without_transaction_is_split_and_comments_alone_are_no_statement() -> None:
    assert Migration(1, "first", FIRST).statements == [FIRST]
    drop, create = Migration(3, "index", INDEX + "\n-- the end\n").statements
    assert drop.endswith("DROP INDEX CONCURRENTLY IF EXISTS first_n")
    assert create == "CREATE INDEX CONCURRENTLY first_n\n    ON first (n)"

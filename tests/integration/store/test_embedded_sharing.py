"""Several processes on one directory, and owners that are killed."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ratchet.store.embedded_files import remove_all
from tests.integration.store.embedded_support import (
    alive,
    answers,
    eventually,
    is_root,
    member,
    note,
    noted,
    unfinished,
)

WAYS = [("namespace",), ("user",)] if is_root() else [()]


@pytest.mark.parametrize("ways", WAYS, ids=lambda ways: "-".join(ways) or "same")
def test_when_the_owner_is_killed_the_server_ends_and_a_restart_has_every_committed_row(
    stopped: Path, ways: tuple[str, ...]
) -> None:
    for number in (2, 3, 4):
        with member(stopped, *ways) as owner:
            owner.hear()
            note(owner.conninfo, number)
            server = owner.pid
            owner.kill()
        eventually(lambda pid=server: not alive(pid))  # type: ignore[misc]  # bound now, called at once
    with member(stopped, *ways) as owner:
        assert noted(owner.hear().conninfo) == [1, 2, 3, 4]


def test_owner_and_server_killed_together_lose_nothing(stopped: Path) -> None:
    for number in (2, 3, 4):
        with member(stopped) as owner:
            owner.hear()
            note(owner.conninfo, number)
            os.kill(owner.pid, signal.SIGKILL)
            owner.kill()
    with member(stopped) as owner:
        conninfo = owner.hear().conninfo
        assert noted(conninfo) == [1, 2, 3, 4]
        with psycopg.connect(conninfo) as connection:
            connection.execute("CREATE EXTENSION amcheck")
            connection.execute("SELECT bt_index_check(oid) FROM pg_class WHERE relkind = 'i' AND relam = 403")


def test_two_processes_share_one_server_and_the_second_takes_over_from_a_killed_first(
    stopped: Path,
) -> None:
    with member(stopped) as first, member(stopped) as second:
        first.hear()
        second.hear()
        owner, guest = (first, second) if first.owned else (second, first)
        assert (owner.owned, guest.owned) == (True, False)
        assert (guest.pid, guest.conninfo) == (owner.pid, owner.conninfo)
        note(guest.conninfo, 2)
        owner.kill()
        address = guest.conninfo
        guest.hear()
        assert guest.owned
        assert guest.conninfo == address
        eventually(lambda: answers(address))
        assert noted(address) == [1, 2]
        assert guest.leave() == 0
    assert not answers(address)


def test_a_guest_that_leaves_does_not_stop_the_server(stopped: Path) -> None:
    with member(stopped) as owner:
        owner.hear()
        with member(stopped) as guest:
            assert not guest.hear().owned
            assert guest.leave() == 0
        assert answers(owner.conninfo)


def test_when_the_owner_leaves_cleanly_the_guest_takes_over(stopped: Path) -> None:
    with member(stopped) as owner:
        owner.hear()
        note(owner.conninfo, 2)
        with member(stopped) as guest:
            guest.hear()
            assert owner.leave() == 0
            assert guest.hear().owned
            eventually(lambda: answers(guest.conninfo))
            assert noted(guest.conninfo) == [1, 2]


def test_first_starts_at_the_same_moment_make_one_cluster_and_one_owner(directory: Path) -> None:
    with member(directory) as a, member(directory) as b, member(directory) as c:
        members = [process.hear() for process in (a, b, c)]
        assert sorted(process.owned for process in members) == [False, False, True]
        assert len({process.pid for process in members}) == 1
        assert all(answers(process.conninfo) for process in members)


def test_a_first_start_that_is_killed_half_way_is_made_good_by_the_next(directory: Path) -> None:
    with member(directory) as first:
        eventually(lambda: any(directory.glob("data.tmp.*/PG_VERSION")))
        first.kill()
    assert not (directory / "data").exists()
    with member(directory) as second:
        assert answers(second.hear().conninfo)
    assert not unfinished(directory)


def test_leftovers_that_somebody_else_clears_up_meanwhile_are_no_failure(tmp_path: Path) -> None:
    leftover = tmp_path / "data.tmp.x"
    for number in range(400):
        (leftover / str(number)).mkdir(parents=True)
        (leftover / str(number) / "file").touch()
    with ThreadPoolExecutor() as pool:
        clearing = [pool.submit(remove_all, leftover) for _ in range(4)]
    assert all(done.exception() is None for done in clearing)
    assert not leftover.exists()

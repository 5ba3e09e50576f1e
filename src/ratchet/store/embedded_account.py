"""As whom PostgreSQL runs. It refuses root, so root needs a way to be someone else."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ratchet.domain.errors import Misconfigured
from ratchet.store.embedded_binaries import Binaries
from ratchet.store.embedded_process import run_tool

Way = Literal["same", "namespace", "user"]
ROOT_WAYS: tuple[Way, ...] = ("namespace", "user")
"""For root, best first: in a user namespace the files stay root's and need not be readable by others."""

CHILD = Path(__file__).with_name("embedded_child.py")
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """`uid` and `gid` are those PostgreSQL sees; `owner` and `group` own its files, seen from here."""

    way: Way
    uid: int
    gid: int
    owner: int
    group: int

    def command(self, program: Path, *arguments: str, death_signal: int) -> list[str]:
        """What runs `program` as this account, bound to the life of the calling thread."""
        return [*self._child("exec"), str(os.getpid()), str(int(death_signal)), str(program), *arguments]

    def probe(self, program: Path, *directories: Path) -> list[str]:
        """What tells which of these this account cannot reach."""
        return [*self._child("probe"), str(program), *map(str, directories)]

    def _child(self, verb: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(CHILD), verb, self.way, str(self.uid), str(self.gid)]


async def choose_account(
    binaries: Binaries, directory: Path, data: Path, ways: Sequence[Way] = ROOT_WAYS
) -> Account:
    """The first way that reaches the programs and `directory`. Raises Misconfigured when none does.

    `data` that exists already and belongs to another account than root is served as that account.
    """
    if os.geteuid() != 0:
        uid, gid = os.geteuid(), os.getegid()
        return Account("same", uid, gid, uid, gid)
    obstacles = []
    for account in _candidates(data, ways):
        obstacle = await _obstacle(account, binaries, directory)
        if obstacle is None:
            return account
        obstacles.append(f"{_describe(account)}: {obstacle}")
    raise Misconfigured(
        "PostgreSQL does not run as root, and no other way works: "
        + "; ".join(obstacles)
        + ". Start Ratchet as an ordinary user, make these paths readable for that account,"
        " or set RATCHET_DATABASE_URL to use a PostgreSQL server of your own."
    )


def _candidates(data: Path, ways: Sequence[Way]) -> list[Account]:
    stat = data.stat() if data.exists() else None
    if stat is not None and stat.st_uid != 0:
        return [Account("user", stat.st_uid, stat.st_gid, stat.st_uid, stat.st_gid)]
    someone = _unprivileged()
    possible = {
        "namespace": Account("namespace", someone.pw_uid, someone.pw_gid, 0, os.getegid()),
        "user": Account("user", someone.pw_uid, someone.pw_gid, someone.pw_uid, someone.pw_gid),
    }
    return [possible[way] for way in ways if way != "namespace" or sys.platform == "linux"]


def _unprivileged() -> pwd.struct_passwd:
    """An account that has a name: initdb looks it up."""
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Misconfigured(
        "PostgreSQL does not run as root, and this machine has no account "
        + " or ".join(UNPRIVILEGED)
        + ". Start Ratchet as an ordinary user."
    )


async def _obstacle(account: Account, binaries: Binaries, directory: Path) -> str | None:
    code, printed = await run_tool(account.probe(binaries.postgres, directory, binaries.root / "share"))
    return None if code == 0 else printed.replace("\n", ", ")


def _describe(account: Account) -> str:
    if account.way == "namespace":
        return "in a user namespace"
    try:
        return f"as {pwd.getpwuid(account.uid).pw_name}"
    except KeyError:
        return f"as user {account.uid}"

"""Becomes a PostgreSQL program: drops root, ties its life to the process that started it, then execs.

Run as a script with `python -I -S`: it imports only the standard library, so it costs milliseconds, and none
of this happens between fork and exec of a process that has threads.

    embedded_child.py probe WAY UID GID PROGRAM DIRECTORY...
        prints what is out of reach; status 1 if anything is
    embedded_child.py exec WAY UID GID PARENT SIGNAL PROGRAM ARGUMENT...
        becomes PROGRAM, which gets SIGNAL when the thread that started it ends (on Linux)

WAY is `same` (as the caller), `namespace` (a user namespace in which the caller appears as UID, GID: files
stay the caller's own) or `user` (the account UID, GID itself).
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
CANNOT_START = 126


def main(argv: list[str]) -> int:
    """Does not return from `exec` unless it failed."""
    verb, way, uid, gid, *rest = argv
    try:
        become(way, int(uid), int(gid))
        if verb == "probe":
            return probe(rest[0], rest[1:])
        return execute(int(rest[0]), int(rest[1]), rest[2:])
    except OSError as error:
        print(f"cannot start as {way} {uid}:{gid}: {error}", file=sys.stderr)  # noqa: T201  # stderr is the log
        return CANNOT_START


def become(way: str, uid: int, gid: int) -> None:
    """Stop being root in the given way."""
    if way == "namespace":
        enter_namespace(uid, gid)
    elif way == "user":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def enter_namespace(uid: int, gid: int) -> None:
    """PostgreSQL sees UID, the kernel still sees the caller: nothing has to be handed to another account."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "the system allows no user namespace")
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"{uid} {outer_uid} 1\n")
    (process / "gid_map").write_text(f"{gid} {outer_gid} 1\n")


def probe(program: str, directories: list[str]) -> int:
    """Print what is out of reach."""
    missing = [path for path in directories if not os.access(path, os.X_OK)]
    if not os.access(program, os.R_OK | os.X_OK):
        missing.append(program)
    if missing:
        print("cannot reach", " and ".join(missing))  # noqa: T201  # the answer
    return 1 if missing else 0


def execute(parent: int, signal: int, command: list[str]) -> int:
    """Replace this process. The death signal is set last: a change of credentials would clear it."""
    if sys.platform == "linux":
        # Where this fails the server still runs, and the next start finds the orphan.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() == parent:  # else it died before the death signal was set
        os.execv(command[0], command)  # noqa: S606  # an exact program and its arguments
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

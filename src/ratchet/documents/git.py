"""A git repository anywhere as a source: its newest commit, kept without history in the data directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ratchet.documents.base import File, Known, Listing, Problem
from ratchet.documents.content import INCLUDE, MAX_FILE_BYTES, chooser, is_link, text_of, too_large
from ratchet.documents.git_command import Git, Remote
from ratchet.domain.errors import Refused, Transient

ASK_S: Final = 60.0
FETCH_S: Final = 900.0
LIST_S: Final = 120.0
READ_S: Final = 30.0
KEPT: Final = "refs/ratchet/head"
LINK_MODE: Final = "120000"
MAX_FILES: Final = 200_000
_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class GitSource:
    """`root` is its own directory for the copy. `path`, `branch`: as of a GitHub source.

    `base`: the address before /blob/REVISION/PATH under which people open files, "" for none.
    """

    name: str
    remote: Remote
    root: Path
    path: str = ""
    branch: str = ""
    include: tuple[str, ...] = INCLUDE
    base: str = ""
    kind: str = "git"

    @property
    def fingerprint(self) -> str:
        return "\0".join((self.remote.url, self.path, self.branch, *self.include))

    def session(self, known: Known) -> AbstractAsyncContextManager[GitSession]:
        return self._session(known)

    @asynccontextmanager
    async def _session(self, known: Known) -> AsyncIterator[GitSession]:
        await asyncio.to_thread(self.root.parent.mkdir, parents=True, exist_ok=True)
        with _alone(self.root.with_suffix(".lock"), self.name):
            git = Git(self.root, self.remote)
            session = GitSession(self, git, known)
            try:
                yield session
            finally:
                await session.close()


@contextmanager
def _alone(lock: Path, name: str) -> Iterator[None]:
    """Another process may refresh the same source. Raises Transient then."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Transient(f"The repository of {name} is being read by another process.") from None
    finally:
        os.close(descriptor)


class GitSession:
    parallel = 1

    def __init__(self, source: GitSource, git: Git, known: Known) -> None:
        self._source = source
        self._git = git
        self._known = known
        self._files: Mapping[str, str] = {}
        self._reading: asyncio.subprocess.Process | None = None
        self._opened: AbstractAsyncContextManager[asyncio.subprocess.Process] | None = None

    @property
    def memory(self) -> Mapping[str, Any]:
        return {}

    def url(self, path: str) -> str:
        return ""

    async def list(self) -> Listing:
        """Fetched only when the remote says that its head is another one."""
        head = await self._head()
        if head == self._known.revision:
            return Listing(head, self._known.files, self._known.problems)
        await self._fetch(head)
        output = await self._git.run("ls-tree", "-r", "-z", "-l", "--full-tree", head, timeout_s=LIST_S)
        listing = await asyncio.to_thread(self._listed, head, output)
        self._files = listing.files
        return listing

    async def read(self, path: str) -> File | Problem:
        try:
            async with asyncio.timeout(READ_S):
                content = await self._content(self._files[path])
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            await self.close()
            raise Transient(f"git could not read {path}.") from None
        if content is None:
            return Problem(path, "went away while it was read", lasting=False)
        text = text_of(path, content)
        return text if isinstance(text, Problem) else File(path, self._files[path], text)

    async def close(self) -> None:
        opened, self._opened, self._reading = self._opened, None, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def _head(self) -> str:
        branch = self._source.branch
        ref = f"refs/heads/{branch}" if branch else "HEAD"
        url = self._source.remote.url
        # In no repository: one that is broken is made anew only afterwards.
        output = await self._git.run("ls-remote", "--exit-code", "--", url, ref, timeout_s=ASK_S)
        found = output.decode("ascii", "replace").split()
        if not found or not _HASH.fullmatch(found[0]):
            raise Refused(f"The repository of {self._source.name} has no {ref}.")
        return found[0]

    async def _fetch(self, head: str) -> None:
        """A copy that is broken, by a full disk or a crash, is thrown away once."""
        try:
            await self._fetch_into(head)
        except (Refused, Transient):
            if not self._source.root.exists():
                raise
            await asyncio.to_thread(shutil.rmtree, self._source.root, ignore_errors=True)
            await self._fetch_into(head)

    async def _fetch_into(self, head: str) -> None:
        if not (self._source.root / "HEAD").exists():
            await self._git.run("init", "--quiet", "--bare", str(self._source.root), timeout_s=ASK_S)
        branch = self._source.branch
        ref = f"refs/heads/{branch}" if branch else "HEAD"
        options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--force")
        await self._git.run(
            "fetch", *options, "--", self._source.remote.url, f"{ref}:{KEPT}", timeout_s=FETCH_S
        )
        # The head may have moved since it was asked for; then the next refresh sees to it.
        await self._git.run("cat-file", "-e", f"{head}^{{commit}}", timeout_s=ASK_S)
        await self._git.run("gc", "--auto", "--quiet", timeout_s=FETCH_S)

    def _listed(self, head: str, output: bytes) -> Listing:
        files: dict[str, str] = {}
        problems: list[Problem] = []
        wanted = chooser(self._source.include, self._source.path)
        for line in output.split(b"\0"):
            about, _, name = line.partition(b"\t")
            if not name:
                continue
            mode, kind, blob, size = about.decode("ascii").split()
            path = name.decode("utf-8", "replace")
            if kind != "blob" or not wanted(path):
                continue
            if "\ufffd" in path:
                problems.append(Problem(path, "its name is not UTF-8"))
            elif mode == LINK_MODE:
                problems.append(is_link(path))
            elif int(size) > MAX_FILE_BYTES:
                problems.append(too_large(path, int(size)))
            else:
                files[path] = blob
        if len(files) > MAX_FILES:
            raise Refused(
                f"{self._source.name} has more than {MAX_FILES:,} documents. Narrow `include` or `path`."
            )
        return Listing(head, files, tuple(problems))

    async def _content(self, blob: str) -> bytes | None:
        if self._reading is None:
            self._opened = self._git.reader()
            self._reading = await self._opened.__aenter__()
        process = self._reading
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{blob}\n".encode())
        await process.stdin.drain()
        about = (await process.stdout.readuntil(b"\n")).split()
        if about[-1] == b"missing":
            return None
        content = await process.stdout.readexactly(int(about[2]) + 1)
        return content[:-1]

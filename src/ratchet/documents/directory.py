"""A directory of this machine as a source."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ratchet.documents.base import File, Known, Listing, Problem
from ratchet.documents.content import INCLUDE, MAX_FILE_BYTES, SKIPPED_FOLDERS, text_of, too_large
from ratchet.documents.globs import matcher
from ratchet.domain.errors import Refused, Transient

# Not every system has all of them.
OPEN_FLAGS: Final = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY", "O_CLOEXEC")
)
LIST_TIMEOUT_S: Final = 300.0
READ_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Directory:
    """`base_url` is the address of the directory for people, "" for none."""

    name: str
    root: Path
    include: tuple[str, ...] = INCLUDE
    base_url: str = ""
    kind: str = "directory"
    base: str = ""
    parallel: int = 1

    @property
    def fingerprint(self) -> str:
        return f"{self.root}\0{self.include}"

    @property
    def memory(self) -> Mapping[str, Any]:
        return {}

    def session(self, known: Known) -> AbstractAsyncContextManager[Directory]:
        """Every file is read for its hash, so that nothing need be known."""
        return nullcontext(self)

    async def list(self) -> Listing:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            return await asyncio.to_thread(self._list)

    async def read(self, path: str) -> File | Problem:
        async with asyncio.timeout(READ_TIMEOUT_S):
            found = await asyncio.to_thread(_read_below, self.root, path)
        if found is None:
            raise Transient(f"The directory {self.root} went away while it was read.")
        return found

    def url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{quote(path)}" if self.base_url else ""

    def _list(self) -> Listing:
        root = self.root.resolve()
        if not root.is_dir():
            raise Refused(f"The directory {self.root} is not there, or may not be read.")
        files: dict[str, str] = {}
        problems: list[Problem] = []
        whole = hashlib.sha256()
        for found in _walk(root, matcher(self.include)):
            read = found if isinstance(found, Problem) else _read(root, found)
            if isinstance(read, Problem):
                problems.append(read)
                continue
            files[read.path] = read.blob
            whole.update(f"{read.path}\0{read.blob}\0".encode(errors="surrogateescape"))
        return Listing(whole.hexdigest(), files, tuple(problems))


def _walk(root: Path, wanted: Callable[[str], bool]) -> Iterator[str | Problem]:
    """The paths of the wanted files, sorted by folder. Linked folders are not entered: they may loop."""
    unreadable: list[Problem] = []

    def note(error: OSError) -> None:
        path = Path(str(error.filename)).relative_to(root).as_posix()
        unreadable.append(Problem(path, f"cannot be read: {error.strerror}", lasting=False))

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(root).as_posix()
            if name.startswith(".") or not wanted(path):
                continue
            if "\\ud" in ascii(path):
                yield Problem(ascii(path)[1:-1], "its name is not UTF-8")
            else:
                yield path
    yield from unreadable


def _read_below(root: Path, path: str) -> File | Problem | None:
    """None when the directory itself is away: then nothing is known of its files."""
    found = _read(root.resolve(), path)
    return None if isinstance(found, Problem) and not root.is_dir() else found


def _read(root: Path, path: str) -> File | Problem:
    """The text of a file below `root`, or why there is none."""
    try:
        target = (root / path).resolve(strict=True)
        if not target.is_relative_to(root):
            return Problem(path, "leads out of the directory")
        data = _bytes(target, path)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)
        return Problem(path, f"cannot be read: {error.strerror or 'a loop of links'}", lasting=gone)
    except RuntimeError:  # how Python 3.11 reports a loop of links
        return Problem(path, "cannot be read: a loop of links")
    if isinstance(data, Problem):
        return data
    text = text_of(path, data)
    return text if isinstance(text, Problem) else File(path, hashlib.sha256(data).hexdigest(), text)


def _bytes(target: Path, path: str) -> bytes | Problem:
    """The content, or why it is none of a document.

    A pipe must not block, and the file must not have become a link meanwhile.
    """
    descriptor = os.open(target, OPEN_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            return Problem(path, "is no regular file")
        if about.st_size > MAX_FILE_BYTES:
            return too_large(path, about.st_size)
        return file.read(MAX_FILE_BYTES + 1)

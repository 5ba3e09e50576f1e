"""A bare repository, through the `git` binary."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ZERO: Final = "0" * 40
GIT: Final = shutil.which("git") or "git"
TIMEOUT_S: Final = 60.0
_ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


class GitError(Exception):
    """What git said when it failed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree. `kind`: blob, tree or commit (a submodule); `size` only for blobs."""

    mode: str
    kind: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Change:
    """One file between two commits. `before` is the earlier name of a renamed one."""

    status: str
    path: str
    sha: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """`when`: ISO 8601 with a zone."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    when: str
    message: str


@dataclass(frozen=True, slots=True)
class Repository:
    path: Path

    async def run(self, *args: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """Its output. Raises GitError with what it said on failure."""
        process = await asyncio.create_subprocess_exec(
            GIT, "--git-dir", str(self.path), "-c", "core.hooksPath=/dev/null", *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**_ENVIRONMENT, **(extra or {})},
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIMEOUT_S):
                output, errors = await process.communicate(stdin)
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise GitError(errors.decode(errors="replace").strip() or f"git {args[0]} failed")
        return output

    async def ask(self, *args: str) -> str | None:
        """Its output as text, None when it failed."""
        try:
            return (await self.run(*args)).decode(errors="replace").strip()
        except GitError:
            return None

    async def create(self, default_branch: str) -> None:
        await self.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(self.path))

    async def commit_of(self, rev: str) -> str | None:
        """The commit that a branch, a tag, HEAD or a (shortened) hash names."""
        if not rev or rev.startswith("-"):
            return None
        for name in (f"refs/heads/{rev}", f"refs/tags/{rev}", rev):
            if found := await self.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
                return found
        return None

    async def ref(self, name: str) -> str | None:
        """The hash of `refs/…`."""
        return await self.ask("show-ref", "--verify", "--hash", name) or None

    async def branches(self) -> dict[str, str]:
        """Name to hash."""
        text = await self.ask("for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads")
        return {line[41:]: line[:40] for line in (text or "").splitlines()}

    async def read_tree(self, rev: str, recursive: bool) -> list[Entry] | None:
        """Folders and files; None when there is no such tree."""
        tree = await self.ask("rev-parse", "--verify", "--quiet", f"{rev}^{{tree}}")
        if not tree:
            return None
        output = await self.run("ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), tree)
        return [_entry(line) for line in output.decode(errors="replace").split("\0") if line]

    async def entry_at(self, rev: str, path: str) -> Entry | None:
        """The file or folder at a path."""
        output = await self.run("ls-tree", "-z", "-l", "--full-tree", rev, "--", f":(literal){path}")
        found = [_entry(line) for line in output.decode(errors="replace").split("\0") if line]
        return found[0] if found else None

    async def blob(self, sha: str) -> bytes | None:
        try:
            return await self.run("cat-file", "blob", sha)
        except GitError:
            return None

    async def write_blob(self, content: bytes) -> str:
        return (await self.run("hash-object", "-w", "--stdin", stdin=content)).decode().strip()

    async def write_tree(self, base: str | None, entries: Sequence[tuple[str, str | None, str]]) -> str:
        """`base` with the entries, each mode, hash and path; a hash of None takes the path away."""
        with TemporaryDirectory(prefix="localgithub-") as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            await self.run("read-tree", *([base] if base else ["--empty"]), extra=index)
            lines = [f"{mode if sha else '0'} {sha or ZERO}\t{path}\0" for mode, sha, path in entries]
            given = "".join(lines).encode()
            await self.run("update-index", "-z", "--index-info", stdin=given, extra=index)
            return (await self.run("write-tree", extra=index)).decode().strip()

    async def write_commit(
        self, tree: str, parents: Sequence[str], message: str, who: tuple[str, str], when: str
    ) -> str:
        """`who` is name and e-mail; `when` as git reads times, such as `1700000000 +0000`."""
        name, email = who
        people = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email), ("DATE", when))
        }
        before = [word for parent in parents for word in ("-p", parent)]
        output = await self.run("commit-tree", tree, *before, stdin=message.encode(), extra=people)
        return output.decode().strip()

    async def update_ref(self, name: str, new: str, old: str) -> None:
        """`old` of ZERO: it must not exist. Raises GitError when it is not at `old`."""
        await self.run("update-ref", name, new, old)

    async def delete_ref(self, name: str) -> None:
        await self.run("update-ref", "-d", name)

    async def is_ancestor(self, older: str, newer: str) -> bool:
        return await self.ask("merge-base", "--is-ancestor", older, newer) is not None

    async def merge_base(self, one: str, other: str) -> str | None:
        return await self.ask("merge-base", one, other) or None

    async def count(self, after: str, until: str) -> int:
        """Commits of `until` that `after` has not."""
        return int(await self.ask("rev-list", "--count", f"{after}..{until}") or 0)

    async def changes(self, older: str, newer: str) -> list[Change]:
        output = await self.run("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "-M", older, newer)
        return _changes(output.decode(errors="replace").split("\0"))

    async def patch(self, older: str, newer: str) -> str:
        output = await self.run("diff-tree", "-p", "-M", "--no-color", older, newer)
        return output.decode(errors="replace")

    async def commit(self, sha: str) -> Commit:
        fields = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%B"
        text = (await self.run("log", "-1", f"--format={fields}", sha)).decode(errors="replace")
        commit, tree, parents, author, email, when, message = text.split("\0", 6)
        return Commit(commit, tree, tuple(parents.split()), author, email, when, message.rstrip("\n"))

    async def history(self, after: str, until: str, limit: int) -> list[str]:
        """Hashes of the commits of `until` that `after` has not, oldest first."""
        text = await self.ask("rev-list", "--reverse", f"--max-count={limit}", f"{after}..{until}")
        return (text or "").split()


def _entry(line: str) -> Entry:
    about, _, path = line.partition("\t")
    mode, kind, sha, size = about.split()
    return Entry(mode, kind, sha, int(size) if size.isdigit() else None, path)


_STATUS: Final = {
    "A": "added",
    "D": "removed",
    "M": "modified",
    "R": "renamed",
    "C": "copied",
    "T": "changed",
}


def _changes(words: Sequence[str]) -> list[Change]:
    found: list[Change] = []
    at = 0
    while at < len(words) and words[at]:
        _, _, old, new, status = words[at].lstrip(":").split()
        kind = _STATUS.get(status[0], "changed")
        two = status[0] in "RC"
        path, before = (words[at + 2], words[at + 1]) if two else (words[at + 1], "")
        found.append(Change(kind, path, old if kind == "removed" else new, before))
        at += 3 if two else 2
    return found

"""A GitHub repository as a source. One that did not change costs one request, which GitHub does not count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ratchet.documents.base import File, Known, Listing, Problem
from ratchet.documents.content import INCLUDE, MAX_FILE_BYTES, chooser, is_link, text_of, too_large
from ratchet.documents.github_api import (
    RAW,
    SHA,
    GitHubAccess,
    GitHubApi,
    NotThereError,
    TooLargeError,
    connect,
)
from ratchet.domain.errors import Refused

# GitHub names no more files of a comparison.
MAX_COMPARED: Final = 300
# A tree that is cut is walked folder by folder; so many requests at most.
MAX_TREES: Final = 2_000
MAX_FILES: Final = 200_000
LINK_MODE: Final = "120000"
# A link's blob holds its target and no end of line; a comparison does not say which files are links.
MAX_LINK_BYTES: Final = 1_024

# Of a tree, as GitHub answers it.
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GitHubSource:
    """`path`: a folder of the repository, "" for all. `branch`: "" for the default one."""

    name: str
    access: GitHubAccess
    path: str = ""
    branch: str = ""
    include: tuple[str, ...] = INCLUDE
    kind: str = "github"

    @property
    def base(self) -> str:
        return self.access.base

    @property
    def fingerprint(self) -> str:
        return "\0".join((self.access.base, self.path, self.branch, *self.include))

    def session(self, known: Known) -> AbstractAsyncContextManager[GitHubSession]:
        return self._session(known)

    @asynccontextmanager
    async def _session(self, known: Known) -> AsyncIterator[GitHubSession]:
        async with connect(self.access) as api:
            yield GitHubSession(self, api, known)


class GitHubSession:
    def __init__(self, source: GitHubSource, api: GitHubApi, known: Known) -> None:
        self._source = source
        self._api = api
        self._known = known
        self._wanted = chooser(source.include, source.path)
        self._files: Mapping[str, str] = {}
        self._memory: dict[str, Any] = dict(known.memory)
        self._compared = False

    parallel = 8

    @property
    def memory(self) -> Mapping[str, Any]:
        return self._memory

    def url(self, path: str) -> str:
        return ""

    async def list(self) -> Listing:
        head = await self._head()
        if not head or head == self._known.revision:
            listing = Listing(self._known.revision, self._known.files, self._known.problems)
        else:
            listing = await self._changes(head) or await self._tree(head)
        self._files = listing.files
        return Listing(listing.revision, listing.files, listing.problems, await self._note())

    async def read(self, path: str) -> File | Problem:
        blob = self._files.get(path, "")
        try:
            answer = await self._api.get(f"/git/blobs/{blob}", accept=RAW, most=MAX_FILE_BYTES)
        except TooLargeError:
            return Problem(path, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")
        except NotThereError:
            return Problem(path, "went away while it was read", lasting=False)
        if self._compared and _may_be_link(answer.content):
            return is_link(path)
        text = text_of(path, answer.content)
        return text if isinstance(text, Problem) else File(path, blob, text)

    async def _head(self) -> str:
        """The newest commit; "" when it is the known one."""
        # Of the known commit only: a refresh that failed may have seen a newer one.
        known = self._known.revision and self._memory.get("head") == self._known.revision
        etag = str(self._memory.get("etag", "")) if known else ""
        branch = self._source.branch
        try:
            answer = await self._api.get(f"/commits/{quote(branch or 'HEAD')}", accept=SHA, etag=etag)
        except NotThereError as error:
            raise self._no_head(error) from None
        if answer.status == 304:
            return ""
        head = answer.content.decode("ascii", "replace").strip()
        self._memory |= {"etag": answer.etag, "head": head}
        return head

    def _no_head(self, error: NotThereError) -> Refused:
        access, branch = self._source.access, self._source.branch
        if error.code == "409":
            return Refused(f"{access.base} has no commit. What was stored of it is kept.")
        if error.code == "422":
            what = f"the branch {branch}" if branch else "its default branch"
            return Refused(
                f"{access.base} has lost {what}: it was deleted or renamed. Name another one as `branch`, or"
                " restore it; what was stored of it is kept."
            )
        how = "The repository was deleted, or the token or App may not see it"
        return Refused(f"{access.base} is not there. {how}; what was stored of it is kept.")

    async def _changes(self, head: str) -> Listing | None:
        """What changed since the known commit; None when GitHub cannot tell, as after a force-push."""
        if not self._known.revision:
            return None
        try:
            answer = await self._api.get(f"/compare/{quote(self._known.revision)}...{head}")
        except (NotThereError, TooLargeError):
            return None
        compared = answer.json()
        changes = compared.get("files") or []
        if compared.get("status") not in ("ahead", "identical") or len(changes) >= MAX_COMPARED:
            return None
        self._compared = True
        files, touched = dict(self._known.files), set[str]()
        for change in changes:
            path, before = str(change["filename"]), str(change.get("previous_filename") or "")
            touched |= {path, before}
            if change.get("status") == "renamed":
                files.pop(before, None)
            files.pop(path, None)
            if change.get("status") != "removed" and self._wanted(path):
                files[path] = str(change["sha"])
        kept = tuple(problem for problem in self._known.problems if problem.path not in touched)
        return Listing(head, files, kept)

    async def _tree(self, head: str) -> Listing:
        """All files with their hashes: one request, or where the tree is too large for it one a folder."""
        answer = (await self._api.get(f"/git/trees/{head}?recursive=1")).json()
        entries = list(answer["tree"])
        if answer.get("truncated"):
            entries = [entry async for entry in self._walk(head, "")]
        files: dict[str, str] = {}
        problems: list[Problem] = []
        for entry in entries:
            path = str(entry["path"])
            if entry.get("type") != "blob" or not self._wanted(path):
                continue
            if entry.get("mode") == LINK_MODE:
                problems.append(is_link(path))
            elif int(entry.get("size") or 0) > MAX_FILE_BYTES:
                problems.append(too_large(path, int(entry["size"])))
            else:
                files[path] = str(entry["sha"])
        if len(files) > MAX_FILES:
            raise Refused(
                f"{self._source.base} has more than {MAX_FILES:,} documents. Narrow `include` or `path`."
            )
        return Listing(head, files, tuple(problems))

    async def _walk(self, head: str, below: str) -> AsyncIterator[Entry]:
        """The entries of every folder that may hold wanted files."""
        waiting = [(head, below)]
        asked = 0
        while waiting:
            tree, folder = waiting.pop()
            asked += 1
            if asked > MAX_TREES:
                raise Refused(f"{self._source.base} has more than {MAX_TREES:,} folders. Narrow `path`.")
            for entry in await self._subtree(tree, folder):
                if entry.get("type") == "tree" and not entry.get("seen"):
                    waiting.append((str(entry["sha"]), str(entry["path"])))
                else:
                    yield entry

    async def _subtree(self, tree: str, folder: str) -> Sequence[Entry]:
        """A folder's entries with their whole paths: all below it, or where these are too many its own."""
        if folder and self._holds_all(folder):
            answer = (await self._api.get(f"/git/trees/{tree}?recursive=1")).json()
            if not answer.get("truncated"):
                return [
                    {**entry, "path": f"{folder}/{entry['path']}", "seen": True} for entry in answer["tree"]
                ]
        answer = (await self._api.get(f"/git/trees/{tree}")).json()
        prefix = f"{folder}/" if folder else ""
        entries = [{**entry, "path": f"{prefix}{entry['path']}"} for entry in answer["tree"]]
        return [entry for entry in entries if entry.get("type") != "tree" or self._may_hold(entry["path"])]

    def _may_hold(self, folder: str) -> bool:
        """Whether the way to, or from, the source's own folder leads through it."""
        own = self._source.path.strip("/")
        steps = folder.split("/")
        hidden = any(step.startswith(".") for step in steps)
        return not hidden and (not own or f"{own}/".startswith(f"{folder}/") or folder.startswith(f"{own}/"))

    def _holds_all(self, folder: str) -> bool:
        own = self._source.path.strip("/")
        return not own or f"{folder}/".startswith(f"{own}/")

    async def _note(self) -> str:
        """A repository that moved is read where it is now; the new name is asked for once."""
        if not self._api.moved:
            self._memory.pop("moved", None)
            return ""
        moved = self._memory.get("moved")
        if not isinstance(moved, dict) or moved.get("root") != self._api.root:
            name = str((await self._api.get("")).json().get("full_name", ""))
            moved = {"root": self._api.root, "name": name}
            self._memory["moved"] = moved
        return f"{self._source.base} has moved to {moved['name']}: change owner and repo of this source."


def _may_be_link(content: bytes) -> bool:
    return len(content) <= MAX_LINK_BYTES and b"\n" not in content and b"/" in content and b" " not in content

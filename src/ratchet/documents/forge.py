"""Where documents are kept under review: what a pull request needs of it. GitHub is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from ratchet.domain.proposals import CurrentFile

PullState = Literal["open", "merged", "closed"]


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request. `url`: where people open it."""

    number: int
    url: str
    state: PullState
    body: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`pull` is None when nothing changed since the `etag` that was given."""

    pull: Pull | None
    etag: str


class ForgeSession(Protocol):
    """One connection.

    Every call raises Refused (the answer is no), Misconfigured (the token is refused, or may not write) or
    Transient (try again; `retry_after` when a time was named).
    """

    async def base(self) -> str:
        """The branch into which pull requests go."""
        ...

    async def head(self, branch: str) -> str | None:
        """The commit at which a branch is; None when there is no such branch."""
        ...

    async def read(self, path: str, commit: str) -> CurrentFile | None:
        """A file in a commit; None when it is not there."""
        ...

    async def said(self, base: str, branch: str) -> Sequence[str]:
        """The messages of the commits that the branch has before `base`."""
        ...

    async def commit(
        self, branch: str, parent: str, files: Mapping[str, str], message: str, *, new: bool
    ) -> bool:
        """One commit of whole texts on top of `parent`; `new` makes the branch.

        False when the branch is not, or no longer, where that would be a step forward. Nothing changes then.
        """
        ...

    async def pull(self, branch: str) -> Pull | None:
        """The newest pull request of a branch, whatever its state."""
        ...

    async def open_pull(self, branch: str, base: str, title: str, body: str) -> Pull:
        """A draft, where the plan of the repository has drafts."""
        ...

    async def describe(self, number: int, body: str) -> Pull: ...

    async def check(self, number: int, etag: str) -> Checked: ...


class Forge(Protocol):
    """A repository with a source of documents in it."""

    @property
    def repository(self) -> str:
        """Its address for people; the same for every source in it."""
        ...

    def objection(self, path: str) -> str | None:
        """Why the source would not hold a file of that path, None when it would."""
        ...

    def session(self) -> AbstractAsyncContextManager[ForgeSession]: ...

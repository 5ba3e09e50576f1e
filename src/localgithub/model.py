"""What the server knows beside the repositories: accounts, Apps, pull requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localgithub.git import Repository

Json = dict[str, Any]


@dataclass(slots=True)
class Account:
    """Whom a token stands for. `expires_at`: seconds since the UTC epoch, None for never.

    `can_write`: else every write is answered with 403.
    """

    login: str
    expires_at: float | None = None
    can_write: bool = True
    installation_id: int | None = None


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App. `public_key` is PEM; `installations` are the ids that it may ask tokens for."""

    app_id: int
    public_key: str
    installations: frozenset[int]


@dataclass(slots=True)
class Comment:
    id: int
    author: str
    body: str
    created_at: str


@dataclass(slots=True)
class Pull:
    """A pull request. `base_sha` is where the base stood when it was opened or merged."""

    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    created_at: str
    draft: bool = False
    state: str = "open"
    merged_at: str | None = None
    closed_at: str | None = None
    updated_at: str = ""
    base_sha: str = ""
    head_sha: str = ""
    merge_sha: str | None = None
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class Repo:
    """One repository. `private`: 404 without a token; `archived`: every write is answered with 403."""

    id: int
    owner: str
    name: str
    git: Repository
    default_branch: str = "main"
    private: bool = True
    archived: bool = False
    pulls: dict[int, Pull] = field(default_factory=dict)
    # Old `owner/name`s are kept by the server; a tree answers at most so many entries before it is cut.
    tree_limit: int = 100_000

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


def iso(seconds: float) -> str:
    """Seconds since the UTC epoch as GitHub writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

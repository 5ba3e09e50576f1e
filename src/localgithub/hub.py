"""Everything that the server holds, and what its owner may do to it directly."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localgithub.faults import Faults
from localgithub.git import ZERO, Repository
from localgithub.model import Account, App, Pull, Repo, iso

FIRST_LIMIT = 5_000
HOUR_S = 3_600.0


@dataclass(slots=True)
class Hub:
    """`root` holds the bare repositories. `clock`: seconds since the UTC epoch.

    `requests` counts calls of the API by `METHOD /path`, `calls` is their list in order; `unchanged` counts
    the 304s, which cost no rate limit.
    """

    root: Path
    clock: Callable[[], float]
    url: str = ""
    tokens: dict[str, Account] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    repos: dict[str, Repo] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    requests: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    unchanged: int = 0
    limit: int = FIRST_LIMIT
    used: int = 0
    resets_at: float = 0.0

    def find(self, owner: str, name: str) -> Repo | None:
        return self.repos.get(f"{owner}/{name}".lower())

    def by_id(self, number: int) -> Repo | None:
        return next((repo for repo in self.repos.values() if repo.id == number), None)

    def add_token(self, login: str = "octo", *, can_write: bool = True) -> str:
        token = f"ghp_{secrets.token_hex(18)}"
        self.tokens[token] = Account(login, can_write=can_write)
        return token

    def add_app(self, app_id: int, public_key: str, installations: Sequence[int]) -> None:
        self.apps[app_id] = App(app_id, public_key, frozenset(installations))

    async def add_repo(
        self,
        owner: str,
        name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        default_branch: str = "main",
        private: bool = True,
    ) -> Repo:
        """A repository with one commit of `files`; without any commit when it is None."""
        number = 1 + max((repo.id for repo in self.repos.values()), default=100)
        git = Repository(self.root / f"{owner}+{name}.git")
        await git.create(default_branch)
        repo = Repo(number, owner, name, git, default_branch, private)
        self.repos[repo.full_name.lower()] = repo
        if files is not None:
            await self.commit(repo, files, message="First")
        return repo

    async def commit(
        self,
        repo: Repo,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str = "",
        message: str = "Change",
        author: str = "octo",
    ) -> str:
        """A commit on a branch, made by its owner and not through the API; None deletes a file."""
        name = f"refs/heads/{branch or repo.default_branch}"
        before = await repo.git.ref(name)
        entries: list[tuple[str, str | None, str]] = []
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entries.append(("100644", None if data is None else await repo.git.write_blob(data), path))
        tree = await repo.git.write_tree(before, entries)
        who = (author, f"{author}@example.com")
        parents = [before] if before else []
        sha = await repo.git.write_commit(tree, parents, message, who, f"{int(self.clock())} +0000")
        await repo.git.update_ref(name, sha, before or ZERO)
        return sha

    async def rewrite(self, repo: Repo, files: Mapping[str, str | bytes], *, branch: str = "") -> str:
        """Force-push one commit of `files` without a parent; the commits before are gone, as after a gc."""
        name = f"refs/heads/{branch or repo.default_branch}"
        await repo.git.delete_ref(name)
        sha = await self.commit(repo, files, branch=branch, message="Rewritten")
        await repo.git.run("reflog", "expire", "--expire=now", "--all")
        await repo.git.run("gc", "--quiet", "--prune=now")
        return sha

    def move(self, repo: Repo, owner: str, name: str) -> None:
        """Rename it: calls under the old name are redirected to `/repositories/ID`."""
        self.moved[repo.full_name.lower()] = repo.id
        del self.repos[repo.full_name.lower()]
        repo.owner, repo.name = owner, name
        self.repos[repo.full_name.lower()] = repo

    async def merge(self, repo: Repo, number: int) -> Pull:
        """What a reviewer does: a merge commit on the base. Raises GitError on a conflict."""
        pull = repo.pulls[number]
        base, head = await repo.git.ref(f"refs/heads/{pull.base}"), await self.head_of(repo, pull)
        assert base is not None
        merged = (await repo.git.run("merge-tree", "--write-tree", base, head)).decode().split()[0]
        message = f"Merge pull request #{number}\n\n{pull.title}"
        who, when = ("reviewer", "reviewer@example.com"), f"{int(self.clock())} +0000"
        sha = await repo.git.write_commit(merged, [base, head], message, who, when)
        await repo.git.update_ref(f"refs/heads/{pull.base}", sha, base)
        pull.base_sha, pull.head_sha, pull.merge_sha = base, head, sha
        pull.merged_at, pull.draft = iso(self.clock()), False
        return self.close(repo, number)

    def close(self, repo: Repo, number: int) -> Pull:
        """What a reviewer does who does not want it."""
        pull = repo.pulls[number]
        pull.state, pull.closed_at = "closed", iso(self.clock())
        pull.updated_at = pull.closed_at
        return pull

    async def head_of(self, repo: Repo, pull: Pull) -> str:
        """The commit that the pull request is at; the last one known when its branch is gone."""
        if pull.state == "open" and (sha := await repo.git.ref(f"refs/heads/{pull.head}")):
            pull.head_sha = sha
        return pull.head_sha

    def spend(self) -> bool:
        """Count a request that was not a 304. False when none are left in this hour."""
        now = self.clock()
        if now >= self.resets_at:
            self.used, self.resets_at = 0, now + HOUR_S
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

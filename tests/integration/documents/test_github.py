"""A GitHub repository as a source: what it costs, and what may befall it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localgithub import Fault, LocalGitHub, Repo
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GitHubAccess
from ratchet.jobs.base import Snooze
from ratchet.jobs.queue import Queue
from ratchet.pipeline.refresh import Refresh, Refreshed
from ratchet.pipeline.work import RefreshJob
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents, SourceStatus
from ratchet.store.pool import Database
from tests.integration.documents.support import CONTEXT

FILES = {
    "README.md": "# Docs\n\nWhere things are.\n",
    "runbooks/disk.md": "# Disk\n\nGrow the volume.\n",
    "runbooks/redis.md": "# Redis\n\nRaise maxmemory.\n",
    "src/main.py": "print()\n",
}


@dataclass
class Mirror:
    """One repository as the source `docs`."""

    db: Database
    github: LocalGitHub
    repo: Repo
    source: GitHubSource

    async def refresh(self) -> Refreshed:
        self.github.hub.calls.clear()
        return await self.refresher.refresh("docs")

    @property
    def refresher(self) -> Refresh:
        return Refresh(self.db, Queue(self.db.connection), [self.source])

    @property
    def calls(self) -> list[str]:
        return [call.replace("/repos/acme/docs", "") for call in self.github.hub.calls]

    async def status(self) -> SourceStatus:
        (found,) = await Documents(self.db).status()
        return found

    async def paths(self) -> list[str]:
        return sorted(await Documents(self.db).paths("docs"))


@pytest.fixture
async def mirror(database: Database, tmp_path: Path) -> AsyncIterator[Mirror]:
    async with LocalGitHub.serve(tmp_path) as github:
        repo = await github.hub.add_repo("acme", "docs", FILES)
        access = GitHubAccess("acme", "docs", github.url, github.hub.add_token("reader", can_write=False))
        yield Mirror(database, github, repo, GitHubSource("docs", access))


async def test_a_repository_is_read_with_one_request_a_file_and_two_more(mirror: Mirror) -> None:
    done = await mirror.refresh()
    assert (done.read, done.error, done.problems) == (3, None, [])
    assert len(mirror.calls) == 3 + 2
    assert await mirror.paths() == ["README.md", "runbooks/disk.md", "runbooks/redis.md"]
    status = await mirror.status()
    assert (status.state, status.revision) == ("ready", await mirror.repo.git.ref("refs/heads/main"))


async def test_a_document_is_called_by_its_address_at_the_revision(mirror: Mirror) -> None:
    await mirror.refresh()
    (hit,) = await DocumentSearch(mirror.db).find("maxmemory")
    head = await mirror.repo.git.ref("refs/heads/main")
    assert hit.id == hit.url == f"{mirror.github.url}/acme/docs/blob/{head}/runbooks/redis.md"
    read = await DocumentSearch(mirror.db).read(hit.url)
    assert read is not None
    assert read.text == FILES["runbooks/redis.md"]


async def test_what_did_not_change_costs_one_request_and_no_limit(mirror: Mirror) -> None:
    await mirror.refresh()
    used = mirror.github.hub.used
    done = await mirror.refresh()
    assert (done.read, done.unchanged) == (0, 3)
    assert mirror.calls == ["GET /commits/HEAD"]
    assert (mirror.github.hub.unchanged, mirror.github.hub.used) == (1, used)


async def test_one_changed_file_costs_three_requests(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.commit(mirror.repo, {"runbooks/disk.md": "# Disk\n\nShrink it.\n"})
    done = await mirror.refresh()
    assert (done.read, done.unchanged, len(mirror.calls)) == (1, 2, 3)
    assert [hit.path for hit in await DocumentSearch(mirror.db).find("shrink")] == ["runbooks/disk.md"]


async def test_renamed_and_deleted_files_are_followed(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.commit(
        mirror.repo,
        {"README.md": None, "runbooks/disk.md": None, "storage/disk.md": FILES["runbooks/disk.md"]},
    )
    done = await mirror.refresh()
    assert (done.read, done.removed) == (1, 2)
    assert await mirror.paths() == ["runbooks/redis.md", "storage/disk.md"]


async def test_after_a_force_push_the_whole_tree_is_compared(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.rewrite(
        mirror.repo, {"README.md": FILES["README.md"], "new.md": "# New\n\nWords.\n"}
    )
    done = await mirror.refresh()
    assert (done.read, done.unchanged, done.removed, done.error) == (1, 1, 2, None)
    assert await mirror.paths() == ["README.md", "new.md"]


async def test_more_changes_than_github_names_are_found_by_the_tree(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.commit(mirror.repo, {f"many/{n:03}.md": f"# Page {n}\n" for n in range(320)})
    done = await mirror.refresh()
    assert (done.read, done.unchanged) == (320, 3)


async def test_a_tree_that_is_cut_is_walked_by_folder(mirror: Mirror) -> None:
    mirror.repo.tree_limit = 3
    done = await mirror.refresh()
    assert (done.read, done.error) == (3, None)
    assert await mirror.paths() == ["README.md", "runbooks/disk.md", "runbooks/redis.md"]


async def test_only_the_folder_the_branch_and_the_patterns_asked_for_are_read(mirror: Mirror) -> None:
    await mirror.github.hub.commit(
        mirror.repo, {"runbooks/a/b.md": "# B\n", "runbooks/x.txt": "x"}, branch="next"
    )
    mirror.source = replace(mirror.source, path="runbooks", branch="next", include=("**/*.md",))
    await mirror.refresh()
    assert await mirror.paths() == ["runbooks/a/b.md"]
    mirror.source = replace(mirror.source, include=("*.txt",))
    await mirror.refresh()
    assert await mirror.paths() == ["runbooks/x.txt"]


async def test_bad_files_are_reported_once_and_still_when_others_change(mirror: Mirror) -> None:
    bad: dict[str, str | bytes | None] = {
        "binary.md": b"\x89PNG\0\1",
        "latin.md": "café".encode("latin-1"),
        "large.md": b"x" * 10_000_000,
        "lfs.md": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    }
    await mirror.github.hub.commit(mirror.repo, bad)
    done = await mirror.refresh()
    assert (done.read, {problem.path for problem in done.problems}) == (3, set(bad))
    await mirror.github.hub.commit(mirror.repo, {"latin.md": "# Café\n"})
    assert (await mirror.refresh()).read == 1
    left = {problem["path"] for problem in (await mirror.status()).problems}
    assert left == set(bad) - {"latin.md"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=500), "answered 500"),
        (Fault(kind="hang_up"), "does not answer"),
        (Fault("GET */git/trees/*", status=502), "answered 502"),
        (Fault(kind="not_json", status=503), "answered 503"),
        (Fault(status=403, message="Resource not accessible"), "may not be read with this token"),
        (Fault(status=404, message="Not Found"), "was deleted, or the token"),
    ],
    ids=["500", "hang up", "502 half way", "a page of HTML", "403", "404"],
)
async def test_what_fails_leaves_what_is_stored_and_says_why(mirror: Mirror, fault: Fault, said: str) -> None:
    await mirror.refresh()
    await mirror.github.hub.rewrite(mirror.repo, {"other.md": "# Other\n"})
    mirror.github.hub.faults.add(fault)
    done = await mirror.refresh()
    assert said in (done.error or "")
    assert (await mirror.status()).state == "failed"
    assert len(await mirror.paths()) == 3
    mirror.github.hub.faults.clear()
    assert (await mirror.refresh()).error is None
    assert await mirror.paths() == ["other.md"]


async def test_a_failure_half_way_through_the_files_loses_nothing_that_was_read(mirror: Mirror) -> None:
    mirror.github.hub.faults.add(Fault("GET */git/blobs/*", status=500, times=1))
    done = await mirror.refresh()
    assert (done.read, "answered 500" in (done.error or "")) == (2, True)
    done = await mirror.refresh()
    assert (done.read, done.unchanged, done.error) == (1, 2, None)


async def test_a_failure_after_the_newest_commit_was_seen_does_not_pass_for_unchanged(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.commit(mirror.repo, {"runbooks/disk.md": "# Disk\n\nShrink it.\n"})
    mirror.github.hub.faults.add(Fault("GET */git/blobs/*", status=500, times=1))
    assert (await mirror.refresh()).error is not None
    done = await mirror.refresh()
    assert (done.read, done.error) == (1, None)
    await mirror.refresh()
    assert mirror.calls == ["GET /commits/HEAD"]


@pytest.mark.parametrize("kind", ["rate_limit", "secondary_limit"])
async def test_a_rate_limit_is_waited_for(mirror: Mirror, kind: str) -> None:
    limit = Fault(kind="rate_limit" if kind == "rate_limit" else "secondary_limit", seconds=40, times=1)
    mirror.github.hub.faults.add(limit)
    outcome = await mirror.refresher.run(RefreshJob(source="docs"), CONTEXT)
    assert isinstance(outcome, Snooze)
    assert 30 < outcome.seconds <= 40
    assert "allows no more requests" in ((await mirror.status()).error or "")


async def test_an_expired_token_is_named_and_nothing_is_lost(mirror: Mirror) -> None:
    await mirror.refresh()
    for account in mirror.github.hub.tokens.values():
        account.expires_at = 0.0
    done = await mirror.refresh()
    assert "refuses the token" in (done.error or "")
    assert mirror.source.access.token not in (done.error or "")
    assert mirror.source.access.token not in repr(mirror.source)
    assert len(await mirror.paths()) == 3


async def test_a_deleted_default_branch_leaves_what_is_stored(mirror: Mirror) -> None:
    await mirror.refresh()
    await mirror.github.hub.commit(mirror.repo, {"other.md": "# Other\n"}, branch="other")
    await mirror.repo.git.delete_ref("refs/heads/main")
    done = await mirror.refresh()
    assert "lost its default branch" in (done.error or "")
    assert len(await mirror.paths()) == 3
    await mirror.repo.git.delete_ref("refs/heads/other")
    assert "has no commit" in ((await mirror.refresh()).error or "")


async def test_a_moved_repository_is_followed_with_a_note(mirror: Mirror) -> None:
    await mirror.refresh()
    mirror.github.hub.move(mirror.repo, "acme", "handbook")
    await mirror.github.hub.commit(mirror.repo, {"runbooks/disk.md": "# Disk\n\nShrink it.\n"})
    done = await mirror.refresh()
    assert (done.read, done.error) == (1, None)
    note = (await mirror.status()).note
    assert note is not None
    assert "has moved to acme/handbook" in note
    await mirror.refresh()
    assert len(mirror.calls) == 2
    assert (await mirror.status()).note == note


async def test_an_app_reads_by_a_token_that_it_asks_for_once(mirror: Mirror) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    mirror.github.hub.add_app(7001, public.decode(), [42])
    access = GitHubAccess(
        "acme", "docs", mirror.github.url, app_id="7001", installation_id=42, private_key=private.decode()
    )
    mirror.source = replace(mirror.source, access=access)
    done = await mirror.refresh()
    assert (done.read, done.error) == (3, None)
    assert mirror.calls.count("POST /app/installations/42/access_tokens") == 1
    await mirror.refresh()
    assert len(mirror.calls) == 1
    mirror.github.hub.apps.clear()
    mirror.source = replace(mirror.source, access=replace(access, installation_id=43))
    assert "refuses the App" in ((await mirror.refresh()).error or "")

"""A git repository as a source, through the git binary."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ratchet.documents.base import NOTHING
from ratchet.documents.directory import Directory
from ratchet.documents.git import GitSource
from ratchet.documents.git_command import LIMITS, Git, Remote
from ratchet.domain.errors import Refused, Transient
from ratchet.jobs.queue import Queue
from ratchet.pipeline.refresh import Refresh, Refreshed
from ratchet.store.documents import Documents
from ratchet.store.pool import Database

QUIET = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "PATH": "/usr/bin:/bin",
}


@dataclass
class Origin:
    """A repository with a work tree, and the source `docs` that reads it."""

    db: Database
    root: Path
    source: GitSource

    def git(self, *args: str) -> str:
        ran = subprocess.run(
            ["git", "-C", str(self.root), *args], env=QUIET, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip()

    def commit(self, **files: str | bytes | None) -> str:
        for name, content in files.items():
            target = self.root / name.replace("__", "/")
            if not target.suffix:
                target = target.with_suffix(".md")
            target.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                target.unlink()
            else:
                target.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    async def refresh(self) -> Refreshed:
        return await Refresh(self.db, Queue(self.db.connection), [self.source]).refresh("docs")

    async def paths(self) -> list[str]:
        return sorted(await Documents(self.db).paths("docs"))


@pytest.fixture
def origin(database: Database, tmp_path: Path) -> Origin:
    root = tmp_path / "origin"
    root.mkdir()
    found = Origin(database, root, GitSource("docs", Remote(str(root)), tmp_path / "data" / "docs.git"))
    found.git("init", "-q", "-b", "main")
    found.commit(a="# A\n\nOne.\n", runbooks__disk="# Disk\n\nGrow it.\n")
    return found


async def test_a_repository_is_read_without_its_history(origin: Origin) -> None:
    head = origin.commit(a="# A\n\nTwo.\n")
    done = await origin.refresh()
    assert (done.read, done.error, done.problems) == (2, None, [])
    (status,) = await Documents(origin.db).status()
    assert (status.kind, status.revision) == ("git", head)
    assert origin.git("--git-dir", str(origin.source.root), "rev-list", "--count", head) == "1"


async def test_nothing_is_fetched_when_the_head_is_the_known_one(origin: Origin) -> None:
    await origin.refresh()
    kept = origin.source.root / "HEAD"
    kept.unlink()
    done = await origin.refresh()
    assert (done.read, done.unchanged, done.error) == (0, 2, None)
    assert not kept.exists()


async def test_changes_deletions_and_force_pushes_are_followed(origin: Origin) -> None:
    await origin.refresh()
    origin.commit(a=None, b="# B\n")
    done = await origin.refresh()
    assert (done.read, done.removed) == (1, 1)
    origin.git("checkout", "-q", "--orphan", "other")
    origin.git("rm", "-rfq", ".")
    origin.commit(c="# C\n")
    origin.git("branch", "-M", "main")
    done = await origin.refresh()
    assert (done.read, done.error) == (1, None)
    assert await origin.paths() == ["c.md"]


async def test_a_broken_copy_is_made_anew(origin: Origin) -> None:
    await origin.refresh()
    for pack in origin.source.root.rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"broken")
    for loose in (origin.source.root / "objects").glob("??/*"):
        loose.unlink()
    origin.commit(b="# B\n")
    done = await origin.refresh()
    assert (done.read, done.error) == (1, None)
    assert await origin.paths() == ["a.md", "b.md", "runbooks/disk.md"]


async def test_bad_files_are_reported_and_links_not_followed(origin: Origin) -> None:
    (origin.root / "link.md").symlink_to("/etc/hostname")
    (origin.root / "caf\udce9.md").write_text("x")
    origin.commit(binary=b"\0", latin="café".encode("latin-1"), large=b"x" * 10_000_000)
    done = await origin.refresh()
    reasons = {problem.path: problem.reason for problem in done.problems}
    assert set(reasons) == {"link.md", "caf\ufffd.md", "binary.md", "latin.md", "large.md"}
    assert reasons["large.md"] == "is larger than 2 MB (10.0 MB)"
    assert done.read == 2


async def test_a_branch_that_is_gone_leaves_what_is_stored(origin: Origin) -> None:
    await origin.refresh()
    origin.source = replace(origin.source, branch="gone")
    done = await origin.refresh()
    assert done.error is not None
    assert len(await origin.paths()) == 2


async def test_hooks_of_the_repository_do_not_run(origin: Origin, tmp_path: Path) -> None:
    origin.commit(b="# B\n")
    for folder in (origin.root / ".git" / "hooks", origin.source.root / "hooks"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-rewrite", "upload-pack"):
            hook = folder / name
            hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
            hook.chmod(0o755)
    origin.git("config", "uploadpack.packObjectsHook", f"touch {tmp_path}/ran;")
    assert (await origin.refresh()).error is None
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c 'touch /tmp/never' %S", "git://127.0.0.1:1/x", "http://127.0.0.1:1/x"],
    ids=["ext", "git", "http"],
)
async def test_other_protocols_are_refused(origin: Origin, url: str) -> None:
    origin.source = replace(origin.source, remote=Remote(url))
    assert "not allowed" in ((await origin.refresh()).error or "")


async def test_a_server_that_is_away_is_waited_for_and_no_password_is_told(origin: Origin) -> None:
    remote = Remote("https://someone:secret@127.0.0.1:1/x", token="hidden")
    async with replace(origin.source, remote=remote).session(NOTHING) as session:
        with pytest.raises(Transient) as raised:
            await session.list()
    assert "secret" not in str(raised.value)
    assert "hidden" not in f"{raised.value}{remote!r}"
    assert not any("hidden" in value for value in remote.variables().values() if "Basic" not in value)


async def test_what_is_no_repository_is_refused(origin: Origin, tmp_path: Path) -> None:
    async with replace(origin.source, remote=Remote(str(tmp_path / "nowhere"))).session(NOTHING) as session:
        with pytest.raises(Refused, match="nowhere"):
            await session.list()


async def test_two_sessions_of_one_source_do_not_meet(origin: Origin) -> None:
    async with origin.source.session(NOTHING):
        with pytest.raises(Transient, match="another process"):
            async with origin.source.session(NOTHING):
                pass


async def test_a_directory_and_its_repository_give_the_same_documents(origin: Origin) -> None:
    await origin.refresh()
    texts = dict(await _texts(origin.db))
    source = Directory("docs", origin.root)
    await Refresh(origin.db, Queue(origin.db.connection), [source]).refresh("docs")
    assert dict(await _texts(origin.db)) == texts


async def _texts(db: Database) -> list[tuple[str, str]]:
    async with db.connection() as conn:
        rows = await (await conn.execute("select path, text from documents order by 1")).fetchall()
    return [(str(path), str(text)) for path, text in rows]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
async def test_what_git_may_use_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "bare"
    await Git(path, Remote("")).run("init", "--bare", "--quiet", timeout_s=30)
    async with Git(path, Remote("")).reader() as process:
        limits = Path(f"/proc/{process.pid}/limits").read_text("ascii")  # noqa: ASYNC240  a look, once
    assert re.search(rf"Max data size +{LIMITS.memory} +{LIMITS.memory} ", limits)
    assert re.search(rf"Max file size +{LIMITS.file} +{LIMITS.file} ", limits)
    assert re.search(r"Max core file size +0 +0 ", limits)

"""`refresh`: what reading documents costs, from a GitHub on localhost and from a directory."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.corpus import Corpus
from bench.report import Report
from localgithub import LocalGitHub, Repo
from ratchet.app import Store, open_store
from ratchet.documents.directory import Directory
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GitHubAccess
from ratchet.jobs.base import JobContext
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh
from ratchet.pipeline.work import EmbedJob
from ratchet.settings import load as load_settings

PAGES: Final = 1_000
QUICK_PAGES: Final = 100
MANY: Final = 50_000
QUICK_MANY: Final = 5_000


async def run(directory: Path, *, quick: bool) -> Report:
    pages, many = (QUICK_PAGES, QUICK_MANY) if quick else (PAGES, MANY)
    report = Report("refresh", f"a GitHub repository of {pages:,} pages; a tree of {many:,} files")
    settings = load_settings({"data_dir": directory / "data", "database_url": None}, env_file=None)
    root = directory / "git"
    root.mkdir()
    async with open_store(settings) as store, LocalGitHub.serve(root) as github:
        repo = await github.hub.add_repo("bench", "docs", _pages(pages))
        access = GitHubAccess("bench", "docs", github.url, github.hub.add_token())
        refresh = Refresh(store.db, store.queue, [GitHubSource("docs", access)])
        await _first(report, store, refresh, github)
        await _unchanged(report, refresh, github)
        await _one_changed(report, refresh, github, repo)
        large = await github.hub.add_repo("bench", "large", _many(many))
        access = GitHubAccess("bench", "large", github.url, access.token)
        await _large(report, store, GitHubSource("large", access, path="docs"), github, large)
    await _directory(report, directory, pages)
    return report


def _pages(count: int) -> dict[str, str | bytes]:
    """About three sections each, as a handbook has them."""
    corpus = Corpus(seed=5)
    return {
        f"docs/{number % 40:02}/page-{number:05}.md": f"# Page {number}\n\n"
        + "\n\n".join(f"## Part {part}\n\n" + " ".join(corpus.text() for _ in range(8)) for part in range(3))
        for number in range(count)
    }


def _many(count: int) -> dict[str, str | bytes]:
    """Mostly code, with some documents among it."""
    found: dict[str, str | bytes] = {f"src/{n % 500:03}/file{n}.py": f"x = {n}\n" for n in range(count)}
    return found | {f"docs/page{n}.md": f"# Page {n}\n\nWords.\n" for n in range(20)}


async def _timed(step: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await step()
    return time.perf_counter() - began


async def _first(report: Report, store: Store, refresh: Refresh, github: LocalGitHub) -> None:
    """Indexing, then embedding with the bundled model, and which share of the two that was."""
    read = await _timed(lambda: refresh.refresh("docs"))
    report.add("first indexing, without embedding", read, "s")
    report.add("its requests", len(github.hub.calls), "")
    with closing(LocalEmbedder()) as embedder:
        embed, job = Embed(store.db, embedder), JobContext(1, "embed", 0)
        took = 0.0
        while await _waiting(store):
            took += await _timed(lambda: embed.run(EmbedJob(), job))
    report.add("embedding", took, "s")
    report.add("its share of both", 100 * took / (took + read), "%")


async def _waiting(store: Store) -> int:
    async with store.db.connection() as conn:
        row = await (await conn.execute("select count(*) from chunks where embedding is null")).fetchone()
    return int(row[0]) if row else 0


async def _unchanged(report: Report, refresh: Refresh, github: LocalGitHub) -> None:
    took = []
    for _ in range(5):
        github.hub.calls.clear()
        took.append(await _timed(lambda: refresh.refresh("docs")))
    report.below("nothing changed: requests", len(github.hub.calls), "", 3)
    report.below("nothing changed: slowest of 5", max(took), "s", 1)
    report.raw["unchanged_s"] = took


async def _one_changed(report: Report, refresh: Refresh, github: LocalGitHub, repo: Repo) -> None:
    await github.hub.commit(repo, {"docs/00/page-00000.md": "# Page 0\n\nOther words.\n"})
    github.hub.calls.clear()
    took = await _timed(lambda: refresh.refresh("docs"))
    report.below("one file changed: requests", len(github.hub.calls), "", 6)
    report.add("one file changed", took, "s")


async def _large(report: Report, store: Store, source: GitHubSource, github: LocalGitHub, repo: Repo) -> None:
    refresh = Refresh(store.db, store.queue, [source])
    report.add("large tree, first", await _timed(lambda: refresh.refresh("large")), "s")
    report.add("large tree, nothing changed", await _timed(lambda: refresh.refresh("large")), "s")
    repo.tree_limit = 1_000
    await github.hub.rewrite(repo, {"docs/page0.md": "# Other\n", "docs/page1.md": "# Page 1\n\nWords.\n"})
    report.add("after a force-push", await _timed(lambda: refresh.refresh("large")), "s")


async def _directory(report: Report, directory: Path, count: int) -> None:
    """The listing alone, which reads and hashes every file."""
    root = directory / "documents"
    for path, text in _pages(count).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(str(text), "utf-8")
    source = Directory("tree", root)
    report.add("a directory of as many pages, listed", await _timed(source.list), "s")

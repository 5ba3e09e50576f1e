"""Documents against plain BM25 on a part of a labelled set, and a real tree of Markdown files."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from bench.quality import SETS, by_name, documents, figures, load
from ratchet.documents.directory import Directory
from ratchet.documents.git import GitSource
from ratchet.documents.git_command import Remote
from ratchet.jobs.queue import Queue
from ratchet.llm.embed_local import LocalEmbedder
from ratchet.pipeline.refresh import Refresh
from ratchet.store.document_search import DocumentSearch
from ratchet.store.documents import Documents
from ratchet.store.pool import Database

TREE = SETS.parent / "docs" / "prometheus-operator-runbooks"
# What one of the two sources has and the other has not, whole documents and their chunks.
ONE = "select d.path, d.title, d.text, c.number, c.heading, c.text from documents d join chunks c using (source, path)"
DIFFERENT = (
    f"({ONE} where source = 'tree' except {ONE} where source = 'git')"
    f" union all ({ONE} where source = 'git' except {ONE} where source = 'tree')"
)
COUNT = "select count(*)::int from documents where source = 'git'"


@pytest.mark.skipif(not SETS.is_dir(), reason=f"needs the labelled sets in {SETS}")
async def test_the_document_for_an_alert_is_found_far_better_than_by_bm25(database: Database) -> None:
    labelled = load("alert2runbook", documents=70, questions=40)
    with closing(LocalEmbedder()) as embedder:
        by_text = await figures(await documents(database, embedder, "alert2runbook", labelled))
        named = await by_name(database, embedder, labelled)
    print(f"\nby text: {by_text}\nby name: {named}")  # noqa: T201  the figures are what the test is for
    assert by_text.hybrid > 1.12 * by_text.bm25
    assert by_text.hybrid > max(by_text.words, by_text.meaning) - 0.05
    assert named > 0.8


@pytest.mark.skipif(not TREE.is_dir(), reason=f"needs the documents in {TREE}")
async def test_every_runbook_of_a_real_tree_is_found_by_its_alert(database: Database) -> None:
    source = Directory("runbooks", TREE)
    refresh = Refresh(database, Queue(database.connection), [source])
    done = await refresh.refresh("runbooks")
    assert done.problems == []
    assert (await refresh.refresh("runbooks")).read == 0
    (status,) = await Documents(database).status()
    files = [path for path in TREE.rglob("*.md") if not path.name.startswith(".")]
    assert status.documents == len(files) > 50
    search = DocumentSearch(database)
    alerts = [path for path in (TREE / "content" / "runbooks").rglob("*.md") if path.stem != "_index"]
    missed = [path.stem for path in alerts if not await _found(search, path)]
    assert missed == []


@pytest.mark.skipif(not TREE.is_dir(), reason=f"needs the documents in {TREE}")
async def test_a_real_tree_is_the_same_as_a_directory_and_as_a_git_repository(
    database: Database, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    shutil.copytree(TREE, work)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
        await _git(work, *words)
    remote = Remote(work.as_uri())
    for source in (Directory("tree", TREE), GitSource("git", remote, tmp_path / "data" / "git.git")):
        done = await Refresh(database, Queue(database.connection), [source]).refresh(source.name)
        assert (done.error, done.problems) == (None, [])
    async with database.connection() as conn:
        rows = await (await conn.execute(DIFFERENT)).fetchall()
        (count,) = await (await conn.execute(COUNT)).fetchone() or (0,)
    assert rows == []
    assert count > 50
    again = GitSource("git", remote, tmp_path / "data" / "git.git")
    done = await Refresh(database, Queue(database.connection), [again]).refresh("git")
    assert (done.read, done.unchanged) == (0, count)


async def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    process = await asyncio.create_subprocess_exec("git", "-C", str(folder), *who, *words)
    assert await process.wait() == 0


async def _found(search: DocumentSearch, path: Path) -> bool:
    hit = await search.naming(path.stem)
    return hit is not None and hit.path.endswith(path.name)

"""Reading a directory, hostile files included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ratchet.documents.base import File, Problem
from ratchet.documents.content import MAX_FILE_BYTES
from ratchet.documents.directory import Directory
from ratchet.documents.globs import matcher
from ratchet.domain.errors import Refused, Transient


def tree(root: Path, **files: str | bytes) -> Directory:
    """Names with __ for /."""
    for name, content in files.items():
        path = root / (name.replace("__", "/") + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Directory("docs", root)


def reasons(problems: tuple[Problem, ...]) -> dict[str, str]:
    return {problem.path: problem.reason for problem in problems}


async def test_files_are_listed_with_a_hash_of_their_content(tmp_path: Path) -> None:
    source = tree(tmp_path, a="one", b__c="one")
    (tmp_path / "b" / "image.png").write_bytes(b"\x89PNG")
    first = await source.list()
    assert set(first.files) == {"a.md", "b/c.md"}
    assert first.files["a.md"] == first.files["b/c.md"]
    tree(tmp_path, a="two")
    second = await source.list()
    assert second.revision != first.revision
    assert second.files["b/c.md"] == first.files["b/c.md"]
    assert (await source.list()).revision == second.revision


async def test_hidden_folders_and_packages_are_passed_over(tmp_path: Path) -> None:
    source = tree(tmp_path, a="x", node_modules__b="x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "d.md").write_text("x")
    assert set((await source.list()).files) == {"a.md"}


async def test_what_is_no_document_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    source = tree(
        tmp_path, good="text", binary=b"\x00\x01", latin=b"caf\xe9", large=b"x" * (MAX_FILE_BYTES + 1)
    )
    listing = await source.list()
    assert set(listing.files) == {"good.md"}
    found = reasons(listing.problems)
    assert found["binary.md"] == "is binary"
    assert found["latin.md"] == "is not UTF-8 (byte 3)"
    assert found["large.md"].startswith("is larger than 2 MB")


async def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    source = tree(tmp_path / "docs", a="text")
    tree(outside, secret="key")
    (source.root / "link.md").symlink_to(outside / "secret.md")
    (source.root / "up.md").symlink_to("../outside/secret.md")
    (source.root / "folder").symlink_to(outside)
    (source.root / "loop.md").symlink_to("loop.md")
    (source.root / "gone.md").symlink_to("nowhere.md")
    (source.root / "inside.md").symlink_to("a.md")
    listing = await source.list()
    assert set(listing.files) == {"a.md", "inside.md"}
    found = reasons(listing.problems)
    assert found["link.md"] == found["up.md"] == "leads out of the directory"
    assert set(found) == {"link.md", "up.md", "loop.md", "gone.md"}


@pytest.mark.parametrize("path", ["../outside.md", "/etc/passwd", "a/../../outside.md"])
async def test_a_path_out_of_the_directory_is_not_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.md").write_text("key")
    source = tree(tmp_path / "docs", a__b="text")
    found = await source.read(path)
    assert isinstance(found, Problem)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
async def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    source = tree(tmp_path, a="text")
    os.mkfifo(tmp_path / "pipe.md")
    listing = await source.list()
    assert reasons(listing.problems) == {"pipe.md": "is no regular file"}


async def test_a_file_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    source = tree(tmp_path, a="text")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such names")
    listing = await source.list()
    assert [problem.reason for problem in listing.problems] == ["its name is not UTF-8"]


async def test_a_directory_that_is_away_is_an_error_and_not_empty(tmp_path: Path) -> None:
    source = Directory("docs", tmp_path / "nowhere")
    with pytest.raises(Refused, match="is not there"):
        await source.list()
    with pytest.raises(Transient, match="went away"):
        await source.read("a.md")


async def test_a_file_is_read_with_its_hash(tmp_path: Path) -> None:
    source = tree(tmp_path, a="text\n")
    listing = await source.list()
    assert await source.read("a.md") == File("a.md", listing.files["a.md"], "text\n")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**/*.md", "a.md", True),
        ("**/*.md", "x/y/a.md", True),
        ("*.md", "x/a.md", False),
        ("runbooks/**", "runbooks/x/a.md", True),
        ("runbooks/?.md", "runbooks/ab.md", False),
        ("a+b/*.md", "a+b/c.md", True),
        ("**/*.md", "a.md.exe", False),
    ],
)
def test_patterns_mean_what_people_expect(pattern: str, path: str, fits: bool) -> None:
    assert matcher([pattern])(path) is fits

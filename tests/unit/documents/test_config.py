"""The sources file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.documents.config import load_sources
from ratchet.documents.directory import Directory
from ratchet.domain.errors import Misconfigured


def written(folder: Path, text: str) -> Path:
    path = folder / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_directory_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    text = """
sources:
  - name: handbook
    type: directory
    directory: {path: docs, include: ["**/*.md"], url: "https://wiki.example.com/handbook/"}
"""
    (source,) = load_sources(written(tmp_path, text))
    assert source == Directory(
        "handbook", tmp_path / "docs", ("**/*.md",), "https://wiki.example.com/handbook"
    )
    assert source.url("a b/c.md") == "https://wiki.example.com/handbook/a%20b/c.md"


def test_no_file_means_no_sources_and_a_directory_is_one() -> None:
    assert load_sources(None) == []
    here = Path(__file__).parent
    assert load_sources(here) == [Directory("documents", here)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources: [{name: a, type: ftp}]", "needs a type, of github"),
        ("sources: [{type: directory, directory: {path: x}}]", "source 1: needs a name"),
        ("sources: [{name: a/b, type: directory, directory: {path: x}}]", "needs a name"),
        ("sources: [{name: a, type: directory}]", "needs a mapping `directory: {…}`"),
        ("sources: [{name: a, type: directory, directory: {path: x, include: ['../*.md']}}]", "leads out"),
        ("sources: [{name: a, type: directory, directory: {path: x, paths: y}}]", "no setting paths"),
        ("sources: [3]", "is no mapping"),
        ("sources: {a: b}", "no list `sources:`"),
        ("sources: [\n  {", "is not YAML (line"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        load_sources(written(tmp_path, text))
    assert said in str(raised.value)
    assert "RATCHET_DOCUMENTATION" in str(raised.value)


def test_all_errors_are_said_at_once(tmp_path: Path) -> None:
    text = "sources: [{name: a, type: git}, {name: b, type: x}, 1]"
    with pytest.raises(Misconfigured) as raised:
        load_sources(written(tmp_path, text))
    assert len(str(raised.value).splitlines()) == 3


def test_names_are_unique(tmp_path: Path) -> None:
    entry = "{name: a, type: directory, directory: {path: x}}"
    with pytest.raises(Misconfigured, match="two sources are called a"):
        load_sources(written(tmp_path, f"sources: [{entry}, {entry}]"))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_sources(Path("/nowhere/sources.yaml"))

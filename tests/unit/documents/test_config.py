"""The sources file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.documents.config import load_sources
from ratchet.documents.directory import Directory
from ratchet.documents.git import GitSource
from ratchet.documents.github import GitHubSource
from ratchet.documents.github_api import GitHubAccess
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
        ("sources: [{name: a, type: github, github: {owner: a}}]", "needs `github: {repo: …}`"),
        ("sources: [{name: a, type: github, github: {owner: a/b, repo: c}}]", "two parts of OWNER/REPO"),
        (
            "sources: [{name: a, type: github, github: {owner: a, repo: b, github_url: 'http://git.example.com'}}]",
            "begins with https://",
        ),
        (
            "sources: [{name: a, type: github, github: {owner: a, repo: b, app_id: 1, token: x}}]",
            "give one of the two",
        ),
        (
            "sources: [{name: a, type: github, github: {owner: a, repo: b, app_id: 1, installation_id: 2,"
            " private_key_path: no.pem}}]",
            "cannot be read",
        ),
        ("sources: [{name: a, type: github, github: {owner: a, repo: b, path: ../x}}]", "is a folder"),
        ("sources: [{name: a, type: git, git: {url: 'ext::sh -c x'}}]", "begins with https"),
        ("sources: [{name: a, type: git, git: {url: 'https://a:b@git.example.com/x'}}]", "has a password"),
        ("sources: [{name: a, type: git, git: {url: 'git://git.example.com/x'}}]", "begins with https"),
        ("sources: [{name: a, type: git, git: {url: '--upload-pack=x'}}]", "is no address"),
        ("sources: [{name: a, type: git, git: {url: 'git@h:x', token: y}}]", "is for https://"),
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


def test_a_github_repository_takes_its_token_from_the_environment(tmp_path: Path) -> None:
    text = """
sources:
  - name: handbook
    type: github
    github: {owner: acme, repo: docs.git, path: /runbooks/, branch: main, token: "${DOCS_TOKEN}"}
"""
    (source,) = load_sources(written(tmp_path, text), {"DOCS_TOKEN": "ghp_1"})
    assert source == GitHubSource("handbook", GitHubAccess("acme", "docs", token="ghp_1"), "runbooks", "main")
    assert source.base == "https://github.com/acme/docs"
    assert "ghp_1" not in repr(source)
    with pytest.raises(Misconfigured, match=r"DOCS_TOKEN.*not set"):
        load_sources(written(tmp_path, text))


def test_an_enterprise_server_and_an_app_are_understood(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\n")
    text = """
sources:
  - name: handbook
    type: github
    github: {github_url: "https://git.example.com/", owner: acme, repo: docs, app_id: 7, installation_id: 42,
             private_key_path: key.pem}
"""
    (source,) = load_sources(written(tmp_path, text))
    assert isinstance(source, GitHubSource)
    assert source.access.api_url == "https://git.example.com/api/v3"
    assert (source.access.app_id, source.access.installation_id) == ("7", 42)
    assert "PRIVATE" not in repr(source)


@pytest.mark.parametrize(
    ("url", "kept", "base"),
    [
        (
            "https://github.com/acme/docs.git",
            "https://github.com/acme/docs.git",
            "https://github.com/acme/docs",
        ),
        (
            "git@gitlab.com:acme/a/docs.git",
            "git@gitlab.com:acme/a/docs.git",
            "https://gitlab.com/acme/a/docs/-",
        ),
        ("ssh://git@git.example.com/docs", "ssh://git@git.example.com/docs", ""),
    ],
)
def test_a_git_repository_may_be_anywhere(tmp_path: Path, url: str, kept: str, base: str) -> None:
    (source,) = load_sources(written(tmp_path, f"sources: [{{name: a, type: git, git: {{url: '{url}'}}}}]"))
    assert isinstance(source, GitSource)
    assert (source.remote.url, source.base) == (kept, base)


def test_a_git_repository_of_this_machine_is_relative_to_the_file(tmp_path: Path) -> None:
    text = "sources: [{name: a, type: git, git: {url: ../docs}}]"
    (source,) = load_sources(written(tmp_path, text), {}, tmp_path / "data")
    assert isinstance(source, GitSource)
    assert source.remote.url == f"{tmp_path}/../docs"
    assert source.root == tmp_path / "data" / "sources" / "a.git"

"""Which files a proposal may write."""

from __future__ import annotations

import pytest

from ratchet.documents.rules import MAX_FILE_CHARS, path_problem, text_problem


@pytest.mark.parametrize("path", ["a.md", "how-to/staging database.mdx", "Über/uns.rst", "x/y/z.txt"])
def test_texts_below_the_source_may_be_written(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd.md", "../a.md", "a/../../b.md", "a//b.md", "./a.md", "a\\b.md", "C:x.md"),
        *(".github/workflows/x.md", ".github/workflows/ci.yml", "a/.hidden.md", "a/b./c.md", " a.md"),
        *("ci.yml", "Jenkinsfile", "Makefile", "script.sh", "page.html", "a.md/", "a\n.md", "a\0.md"),
        *("requirements.txt", "docs/requirements-dev.txt", "CMakeLists.txt", "robots.txt", "AGENTS.md"),
        *("x/claude.md", "d/" * 20 + "a.md", "a" * 300 + ".md"),
    ],
)
def test_nothing_else_may(path: str) -> None:
    assert path_problem(path) is not None


def test_a_text_is_bounded_and_not_empty() -> None:
    assert text_problem("# Hi\n") is None
    for text in ("", " \n", "x" * (MAX_FILE_CHARS + 1), "a\0b"):
        assert text_problem(text) is not None

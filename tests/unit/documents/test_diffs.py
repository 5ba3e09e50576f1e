"""Diffs as git reads them, and as Slack shows them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.documents.diffs import changed_lines, diff, fenced

TEXT = st.lists(st.text("ab \té-+@\\", max_size=5), max_size=10).map("\n".join)


def test_a_diff_names_the_file_and_shows_what_surrounds_the_change() -> None:
    shown = diff("a/b.md", "one\ntwo\nthree\n", "one\n2\nthree\n")
    assert shown == "--- a/a/b.md\n+++ b/a/b.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"


def test_a_new_file_and_a_missing_end_of_line_are_said() -> None:
    assert diff("n.md", None, "hi") == (
        "--- /dev/null\n+++ b/n.md\n@@ -0,0 +1 @@\n+hi\n\\ No newline at end of file"
    )
    assert diff("n.md", "same\n", "same\n") == ""


def test_no_fence_within_ends_the_block() -> None:
    shown = fenced(diff("n.md", "a\n", "```sh\nx\n```\n````\n"))
    assert shown.startswith("`````diff\n")
    assert shown.endswith("\n`````")


def test_the_same_change_of_another_version_has_the_same_lines() -> None:
    one = diff("n.md", "a\nb\nc\n", "a\nB\nc\n")
    moved = diff("n.md", "new\n\n\n\n\na\nb\nc\n", "new\n\n\n\n\na\nB\nc\n")
    assert one != moved
    assert changed_lines(one) == changed_lines(moved) == ("-b", "+B")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT, TEXT)
def test_git_makes_the_new_text_from_the_old_one_and_the_diff(tmp_path: Path, old: str, new: str) -> None:
    shown = diff("page.md", old, new)
    if not shown:
        assert old == new
        return
    page = tmp_path / "page.md"
    page.write_bytes(old.encode())
    command = ["git", "apply", "--whitespace=nowarn", "--unsafe-paths", "-"]
    subprocess.run(command, input=f"{shown}\n".encode(), cwd=tmp_path, check=True, capture_output=True)
    assert (page.read_bytes().decode() if page.exists() else "") == new

"""Search-and-replace blocks on a text: what is meant changes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ratchet.documents.edits import MAX_EDITS, apply
from ratchet.domain.errors import Refused
from ratchet.domain.proposals import Edit

PAGE = """# Staging

## Connect

Use port 5432.

- DataGrip:
    1. open it
    2. connect

## Reset

Use port 5432.
"""
LINES = st.lists(st.text("abc \t-#`é", max_size=6), max_size=12).map("\n".join)


def test_an_exact_block_is_replaced() -> None:
    changed = apply(PAGE, [Edit("## Connect\n\nUse port 5432.", "## Connect\n\nUse port 6432.")])
    assert changed == PAGE.replace("5432", "6432", 1)


def test_edits_are_made_one_after_the_other() -> None:
    changed = apply(PAGE, [Edit("# Staging", "# Stage"), Edit("# Stage\n", "# Stage database\n")])
    assert changed.startswith("# Stage database\n\n## Connect")


def test_an_empty_replacement_takes_the_block_away() -> None:
    assert "DataGrip" not in apply(PAGE, [Edit("- DataGrip:\n    1. open it\n    2. connect\n", "")])


def test_lines_with_other_spaces_are_found_and_keep_the_indentation_of_the_place() -> None:
    changed = apply(PAGE, [Edit("1.  open it\n2. connect  ", "1. open it\n2. choose the port\n3. connect")])
    assert "    1. open it\n    2. choose the port\n    3. connect\n\n## Reset" in changed


@pytest.mark.parametrize(
    ("find", "words"),
    [
        ("Use port 5432.", r"several places, at lines 5, 13"),
        ("Use  port  5432.", r"several places, at lines 5, 13"),
        ("Use port 5431 now.", r"fits nowhere.*Closest to it, at line 5:\n## Connect\n\nUse port 5432."),
        ("A trombone is an instrument", r"fits nowhere.*Nothing in it is like it"),
        (" \n ", "searches for nothing"),
        ("x" * 30_000, "longer than"),
    ],
    ids=["twice", "twice but for spaces", "near", "nowhere", "empty", "long"],
)
def test_what_cannot_be_placed_is_told_with_what_is_near(find: str, words: str) -> None:
    with pytest.raises(Refused, match=f"(?s){words}"):
        apply(PAGE, [Edit(find, "anything")])


def test_no_edits_too_many_and_those_that_change_nothing_are_refused() -> None:
    for edits in ([], [Edit("# Staging", "# Staging")], [Edit("a", "b")] * (MAX_EDITS + 1)):
        with pytest.raises(Refused):
            apply(PAGE, edits)


def test_the_ends_of_lines_stay_as_the_page_has_them() -> None:
    page = PAGE.replace("\n", "\r\n")
    changed = apply(page, [Edit("## Reset\n\nUse port 5432.", "## Reset\n\nAsk first.\nUse port 6432.")])
    assert changed.count("\r\n") == changed.count("\n") == page.count("\n") + 1


@given(LINES, LINES, LINES, st.text("xyz \n", min_size=1, max_size=20))
def test_what_stands_once_is_replaced_and_the_rest_stays(
    before: str, after: str, replace: str, find: str
) -> None:
    assume(find.strip())
    text = f"{before}\n{find}\n{after}"
    assume(text.count(find) == 1 and text.find(find, text.find(find) + 1) < 0)
    assume(replace != find)
    assert apply(text, [Edit(find, replace)]) == f"{before}\n{replace}\n{after}"


@given(LINES, LINES, LINES)
def test_whatever_is_asked_it_is_one_replacement_or_a_refusal(text: str, find: str, replace: str) -> None:
    try:
        changed = apply(text, [Edit(find, replace)])
    except Refused:
        return
    # Whatever was replaced, a beginning and an end of the old text frame it.
    start = next((n for n, (a, b) in enumerate(zip(text, changed, strict=False)) if a != b), 0)
    assert changed.startswith(text[:start])
    assert any(changed.endswith(text[at:]) for at in range(start, len(text) + 1))


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6, unique=True), st.data())
def test_spaces_alone_never_hide_a_line_that_stands_once(lines: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(lines))
    text = "\n".join(f"  {line}\t " for line in lines) + "\n"
    changed = apply(text, [Edit(f"    {wanted}   ", f"    new {wanted}")])
    assert changed == text.replace(f"  {wanted}\t \n", f"  new {wanted}\n", 1)

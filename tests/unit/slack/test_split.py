"""Long Markdown in parts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.slack.split import FENCE, Part, fit, size, split

WORDS = st.text("abc é漢😀👍🏽", min_size=1, max_size=60)
LINES = st.one_of(
    WORDS,
    st.just(""),
    st.just("```"),
    st.just("```python"),
    st.just("   ~~~~ text"),
    st.just("~~~~"),
    WORDS.map(lambda words: f"- {words}"),
    WORDS.map(lambda words: f"## {words}"),
    WORDS.map(lambda words: words * 20),
    st.just("[a link](https://example.org/" + "x" * 90 + ")"),
)
MARKDOWN = st.lists(LINES, max_size=60).map("\n".join)


def open_fence(text: str) -> str:
    """The marker of the code block that is still open at the end, written anew from CommonMark's rule."""
    marker = ""
    for line in text.split("\n"):
        found = FENCE.fullmatch(line)
        if not found:
            continue
        if not marker:
            marker = found[2]
        elif found[2][0] == marker[0] and len(found[2]) >= len(marker) and not found[3].strip():
            marker = ""
    return marker


@settings(deadline=None)
@given(MARKDOWN, st.integers(400, 1500))
def test_parts_join_back_stay_within_the_limit_and_close_their_fences(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert "".join(part.body for part in parts) == text
    for part in parts:
        assert size(part.text) <= limit
        assert not open_fence(part.text)


@settings(deadline=None)
@given(MARKDOWN)
def test_a_code_block_goes_on_in_the_next_part_with_its_language(text: str) -> None:
    for part, following in zip(split(text, 600), split(text, 600)[1:], strict=False):
        assert bool(part.closing) == bool(following.opening)


def test_a_short_text_is_one_part() -> None:
    assert split("hello", 400) == [Part("hello")]
    assert split("", 400) == []


def test_the_cut_comes_between_paragraphs_rather_than_in_one() -> None:
    first, second = "a " * 150, "b\n" * 100
    parts = split(f"{first}\n\n{second}", 600)
    assert parts[0].body == f"{first}\n\n"


def test_the_cut_comes_before_a_list_item_rather_than_in_its_middle() -> None:
    items = [f"- item {number}\n  more of it" for number in range(60)]
    for part in split("\n".join(items), 500)[1:]:
        assert part.body.startswith("- item")


def test_a_code_block_that_fits_whole_is_not_cut() -> None:
    code = "```sh\n" + "echo\n" * 60 + "```"
    parts = split("word " * 60 + "\n\n" + code + "\n", 650)
    assert [part.closing for part in parts] == ["", ""]
    assert parts[1].body.startswith("```sh\n")


def test_a_long_code_block_is_closed_and_reopened() -> None:
    parts = split("```python\n" + "print(1)\n" * 200 + "```\ndone", 600)
    assert len(parts) > 2
    assert all(part.text.startswith("```python\n") for part in parts)
    assert all(part.text.rstrip().endswith("```") for part in parts[:-1])


@pytest.mark.parametrize(
    "whole",
    [
        "[runbook](https://example.org/a/b?c=d)",
        "<https://example.org/page|label>",
        "https://example.org/0123456789",
        ":white_check_mark:",
        "👩🏽\u200d🚒",
        "🇩🇪",
        "e\u0301",
        "❤\ufe0f",
    ],
)
def test_links_and_emoji_are_not_parted(whole: str) -> None:
    for padding in range(200, 245):
        text = "x" * padding + whole + "y" * 300
        assert any(whole in part.body for part in split(text, 400)), padding


def test_a_line_without_any_place_to_cut_is_cut_anyway() -> None:
    parts = split("x" * 5000, 400)
    assert "".join(part.body for part in parts) == "x" * 5000


def test_parts_shrink_until_they_fit() -> None:
    parts = list(fit("&" * 4000, 2000, lambda part: len(part) * 5 <= 3000))
    assert "".join(parts) == "&" * 4000
    assert max(map(len, parts)) <= 600


def test_a_very_long_text_is_split_in_linear_time() -> None:
    assert len(split("[[((<" * 100_000, 12_000)) < 60

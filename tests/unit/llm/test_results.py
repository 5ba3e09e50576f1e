"""A long result is read in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.errors import Refused
from ratchet.llm.results import PART_CHARS, Results


async def whole(results: Results, name: str) -> str:
    text, start = "", 0
    while True:
        part = await results.read_result(name, start)
        text += part.text
        if part.next is None:
            return text
        start = part.next


def test_a_short_result_is_shown_whole_and_not_kept() -> None:
    results = Results(100)
    assert results.shown("x" * 100) == "x" * 100
    assert results.kept == {}


async def test_a_long_one_says_how_to_read_on_and_can_be_read_to_its_end() -> None:
    results, text = Results(300), "".join(f"line {n}\n" for n in range(9000))
    shown = results.shown(text)
    assert shown.startswith("line 0\n")
    assert shown.endswith(text[-100:])
    assert "read_result('r1', start=200)" in shown
    assert len(shown) < 450
    assert await whole(results, "r1") == text


async def test_words_are_found_in_it_whatever_their_case() -> None:
    results = Results(10)
    results.shown("a" * 20_000 + " OOMKilled " + "b" * 20_000)
    part = await results.read_result("r1", find="oomkilled")
    assert "OOMKilled" in part.text
    assert len(part.text) < PART_CHARS
    with pytest.raises(Refused, match="does not stand"):
        await results.read_result("r1", find="nothing")


async def test_an_unknown_result_is_refused_with_what_there_is() -> None:
    with pytest.raises(Refused, match="none"):
        await Results(10).read_result("r7")


@given(st.text(max_size=40_000), st.integers(3, 500))
async def test_nothing_is_lost(text: str, limit: int) -> None:
    results = Results(limit)
    if results.shown(text) != text:
        assert await whole(results, "r1") == text

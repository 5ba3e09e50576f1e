"""Front matter, titles and sections of Markdown."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.documents.markdown import parse


def test_front_matter_is_taken_off_and_read() -> None:
    parsed = parse("---\ntitle: Redis is full\nalert: RedisMemoryHigh\n---\n# Redis\n\nText.\n")
    assert parsed.title == "Redis is full"
    assert parsed.front["alert"] == "RedisMemoryHigh"
    assert [(s.headings, s.body) for s in parsed.sections] == [(("Redis",), "Text.")]


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [unclosed\n---\n# Title\n",
        "---\n- a\n- b\n---\n# Title\n",
        "---\na: 2001-99-99\n---\n# Title",
    ],
)
def test_broken_front_matter_costs_nothing_but_itself(text: str) -> None:
    parsed = parse(text)
    assert parsed.front == {}
    assert parsed.title == "Title"


def test_a_rule_that_is_never_closed_is_text() -> None:
    assert parse("---\nno front matter here\n").sections[0].body == "---\nno front matter here"


def test_sections_carry_the_path_of_their_headings() -> None:
    text = "intro\n# A\none\n## B\ntwo\n### C ###\nthree\n## D\nfour\n"
    assert [(s.headings, s.body) for s in parse(text).sections] == [
        ((), "intro"),
        (("A",), "one"),
        (("A", "B"), "two"),
        (("A", "B", "C"), "three"),
        (("A", "D"), "four"),
    ]


def test_an_underlined_line_after_a_blank_one_is_a_heading() -> None:
    text = "First\n=====\none\n\nSecond\n------\ntwo\n\n- item\n---\n"
    assert [s.headings for s in parse(text).sections] == [("First",), ("First", "Second")]


def test_what_looks_like_a_heading_in_code_is_code() -> None:
    text = "# A\n```sh\n# no heading\n```\n~~~\n## none either\n```\n~~~\n## B\n"
    assert [s.headings for s in parse(text).sections] == [("A",), ("A", "B")]


def test_headings_lose_marks_links_and_anchors() -> None:
    text = "# The `pool` is **[full](https://example.com/a)** {#pool}\n"
    assert parse(text).title == "The pool is full"


@given(st.text(alphabet="#`~-=[]() ab\n\r\t<>{}*_", max_size=400))
def test_any_text_has_a_structure(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "text", ["# [" * 100_000, "`" * 200_000, "a\n---\n" * 20_000, "---\n" + "[" * 200_000]
)
def test_the_time_grows_with_the_length_and_not_faster(text: str) -> None:
    began = time.process_time()
    parse(text)
    assert time.process_time() - began < 5

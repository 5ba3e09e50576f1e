"""Documents as chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.documents.base import File
from ratchet.documents.chunks import MAX_CHARS, SMALL_CHARS, chunk
from ratchet.documents.markdown import Section
from ratchet.documents.parse import document, title_from

LONG = "A sentence of some words that says a thing. " * 10


def test_each_section_is_a_chunk_with_its_heading_path() -> None:
    sections = [Section(("Redis",), LONG), Section(("Redis", "Free memory"), LONG)]
    assert [(c.heading, c.text) for c in chunk("Redis", sections)] == [
        ("", LONG.strip()),
        ("Free memory", LONG.strip()),
    ]


def test_a_short_section_joins_the_next_with_its_heading() -> None:
    sections = [Section(("T", "Meaning"), "Short."), Section(("T", "Impact"), LONG)]
    (only,) = chunk("T", sections)
    assert only.heading == "Meaning"
    assert only.text.startswith("Short.\n\n## Impact\n\n")


def test_a_short_last_section_joins_the_one_before() -> None:
    (only,) = chunk("T", [Section(("T", "A"), LONG), Section(("T", "B"), "End.")])
    assert only.text.endswith("## B\n\nEnd.")


@given(st.text(alphabet="ab \n", max_size=9_000))
def test_no_word_is_lost_and_no_chunk_is_too_long(body: str) -> None:
    chunks = chunk("T", [Section(("T",), body)])
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(body.split())
    assert all(len(c.text) <= MAX_CHARS + SMALL_CHARS for c in chunks)


def test_front_matter_says_for_which_alerts_and_services_a_document_is() -> None:
    text = "---\nalerts: [HighErrorRate, ErrorBudgetBurn, 3]\nservice: checkout\n---\n# Errors\n\nLook.\n"
    found = document(File("runbooks/errors.md", "b", text))
    assert found.alerts == ("HighErrorRate", "ErrorBudgetBurn")
    assert found.services == ("checkout",)


def test_a_document_without_a_title_is_called_by_its_file_or_folder() -> None:
    assert title_from("runbooks/checkout-high-error-rate.md") == "checkout high error rate"
    assert title_from("redis/README.md") == "redis"
    assert document(File("a/how_to.md", "b", "text")).title == "how to"


def test_plain_text_has_its_first_line_for_title() -> None:
    found = document(File("notes.txt", "b", "# Not a heading\n\nText."))
    assert found.title == "# Not a heading"
    assert found.headings == ()


def test_an_empty_document_has_no_chunks() -> None:
    assert document(File("empty.md", "b", "")).chunks == ()

"""Which words of a question select, and which only rank."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ratchet.store.terms import (
    MAX_QUERY_CHARS,
    MAX_TERMS,
    Statistics,
    lexemes,
    quoted,
    select,
    terms,
    texts_to_parse,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = Statistics(
    rows=100_000,
    frequencies={"deploy": 0.2, "fail": 0.1, "pod": 0.3, "oom": 0.001, "payment": 0.01},
    times=[START + timedelta(days=day) for day in range(101)],
    floor=0.0001,
)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    assert [term.lexeme for term in terms(["pod", "oom", "fail", "unheardof"], TABLE)] == [
        "unheardof",
        "oom",
        "fail",
        "pod",
    ]
    weights = [term.idf for term in terms(["pod", "oom", "fail", "unheardof"], TABLE)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


def test_only_the_rarest_words_select_within_the_budget() -> None:
    chosen = select(terms(["oom", "payment", "pod"], TABLE), TABLE, budget=1_500)
    assert chosen.query == "'oom' | 'payment'"
    assert chosen.since is None
    assert not chosen.complete


def test_every_word_selects_when_the_table_is_small() -> None:
    small = Statistics(rows=200, frequencies=TABLE.frequencies)
    chosen = select(terms(["oom", "pod"], small), small, budget=3_000)
    assert chosen.query == "'oom' | 'pod'"
    assert chosen.complete


def test_common_words_select_in_pairs() -> None:
    chosen = select(terms(["deploy", "fail"], TABLE), TABLE, budget=8_500)
    assert chosen.query == "('fail' & 'deploy')"


def test_a_single_common_word_selects_among_the_newest() -> None:
    chosen = select(terms(["pod"], TABLE), TABLE, budget=3_000)
    assert chosen.query == "'pod'"
    assert chosen.since == START + timedelta(days=90)


def test_a_long_question_is_ranked_by_its_rarest_words() -> None:
    many = terms([*TABLE.frequencies, *(f"word{n}" for n in range(100))], TABLE)
    assert len(many) == MAX_TERMS
    assert "pod" not in {term.lexeme for term in many}


def test_an_identifier_is_split_only_while_the_whole_is_rare() -> None:
    parsed = [["crashloop", "deploy"], ["kubepodcrashloop"], ["kube", "pod"], ["deploy"], ["de", "ploy"]]
    assert lexemes(parsed, TABLE) == ["crashloop", "deploy", "kube", "pod"]


def test_a_question_is_parsed_with_its_identifiers_whole_and_split() -> None:
    assert texts_to_parse("why KubePodCrashLooping?") == [
        "why KubePodCrashLooping?",
        "KubePodCrashLooping",
        "kube pod crash looping",
    ]


def test_nothing_selects_nothing() -> None:
    assert select(terms([], TABLE), TABLE, budget=10).query == ""
    assert lexemes([], TABLE) == []


@given(st.text(st.characters()))
def test_any_text_is_a_question(text: str) -> None:
    assert len(texts_to_parse(text)) % 2 == 1
    assert all("\0" not in form for form in texts_to_parse(text))


def test_a_question_has_an_end() -> None:
    assert len(texts_to_parse("x" * 50_000)[0]) == MAX_QUERY_CHARS


def test_quotes_and_backslashes_are_part_of_a_word() -> None:
    assert quoted("it's \\ here") == "'it''s \\\\ here'"


def test_rare_words_that_fill_a_part_of_the_budget_need_no_pairs() -> None:
    chosen = select(terms(["payment", "deploy", "fail"], TABLE), TABLE, budget=2_000)
    assert chosen.query == "'payment'"

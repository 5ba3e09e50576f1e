"""Words for the full-text index."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.store.words import MAX_INDEXED_CHARS, bigrams, identifiers, search_text, split_identifiers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KubePodCrashLooping", ["kube", "pod", "crash", "looping"]),
        ("checkout-api", ["checkout", "api"]),
        ("ERR_42", ["err", "42"]),
        ("HTTPServerError", ["http", "server", "error"]),
        ("node_exporter:up:sum", ["node", "exporter", "up", "sum"]),
        ("getUserByID", ["get", "user", "by", "id"]),
        ("plain words, 3 PVCs and 10.0.0.1", []),
    ],
)
def test_identifiers_are_split_into_their_words(text: str, words: list[str]) -> None:
    assert split_identifiers(text) == words


def test_the_text_itself_stays_part_of_what_is_indexed() -> None:
    assert search_text("KubePodCrashLooping fired") == "KubePodCrashLooping fired kube pod crash looping"


def test_text_without_spaces_is_indexed_by_pairs_of_characters() -> None:
    assert bigrams("ノードを再起動した ok") == [
        "ノー",
        "ード",
        "ドを",
        "を再",
        "再起",
        "起動",
        "動し",
        "した",
    ]
    assert bigrams("再 起動") == ["再", "起動"]


@pytest.mark.parametrize("unit", ["a", "aB", "a-", "A", "再", "a.b/", "-", "0x"])
def test_the_longest_text_is_read_in_linear_time(unit: str) -> None:
    text = unit * MAX_INDEXED_CHARS
    started = time.process_time()
    search_text(text)
    assert time.process_time() - started < 1


@given(st.text(st.characters()))
def test_what_is_indexed_can_be_stored(text: str) -> None:
    indexed = search_text(text)
    assert "\0" not in indexed
    indexed.encode()


@given(st.text())
def test_every_identifier_is_a_part_of_the_text(text: str) -> None:
    assert all(identifier in text for identifier in identifiers(text))

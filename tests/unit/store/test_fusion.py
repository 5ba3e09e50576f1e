"""One order from two."""

from __future__ import annotations

from ratchet.store.fusion import best_of, blended, reciprocal_ranks


def test_what_both_lists_have_comes_first() -> None:
    fused = reciprocal_ranks({"a": 9.0, "b": 8.0}, {"c": 0.9, "b": 0.8})
    assert next(iter(fused)) == "b"
    assert set(fused) == {"a", "b", "c"}


def test_an_empty_list_changes_no_order() -> None:
    assert list(reciprocal_ranks({"a": 1.0, "b": 3.0, "c": 2.0}, {})) == ["b", "c", "a"]


def test_a_document_is_as_good_as_its_best_chunk() -> None:
    assert best_of({("s", "a", 0): 1.0, ("s", "a", 1): 3.0, ("s", "b", 0): 2.0}) == {
        ("s", "a"): 3.0,
        ("s", "b"): 2.0,
    }


def test_in_a_blend_what_is_far_better_in_one_list_stays_first() -> None:
    words = {"a": 9.0, "b": 2.0, "c": 1.0}
    assert next(iter(blended(words, {"b": 0.51, "c": 0.5, "d": 0.49}))) == "a"
    assert next(iter(reciprocal_ranks(words, {"b": 0.51, "c": 0.5, "d": 0.49}))) == "b"


def test_a_blend_of_one_list_is_its_order() -> None:
    assert list(blended({"a": 1.0, "b": 3.0, "c": 2.0}, {})) == ["b", "c", "a"]
    assert list(blended({}, {"a": 0.5})) == ["a"]
    assert blended({}, {}) == {}

"""The part of a message that shows why it was found."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from ratchet.store.snippets import MAX_CHARS, snippet

FILLER = "nothing of interest is said in this sentence. " * 40


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    assert snippet("  the pod\n\n was  restarted ", ["pod"]) == "the pod was restarted"


def test_a_long_text_is_shown_where_most_of_the_words_are() -> None:
    text = f"{FILLER} the deploy {FILLER} the pods of checkout were crashlooping after the deploy {FILLER}"
    shown = snippet(text, ["pod", "checkout", "crashloop", "deploy"])
    assert "the pods of checkout were crashlooping after the deploy" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_text_without_the_words_is_shown_from_its_start() -> None:
    assert snippet(FILLER, ["pod"]).startswith("nothing of interest")
    assert snippet(FILLER, []).startswith("nothing of interest")


@given(st.text(max_size=2_000), st.lists(st.text(min_size=1, max_size=9), max_size=9))
def test_a_snippet_is_short_and_of_the_text(text: str, stems: list[str]) -> None:
    shown = snippet(text, stems)
    assert len(shown) <= MAX_CHARS + 2
    assert shown.strip("…") in " ".join(text.split()) or not shown.isascii()


def test_the_longest_text_takes_no_time_to_speak_of() -> None:
    started = time.process_time()
    snippet("crashloop " * 4_000, ["crashloop", *(f"word{n}" for n in range(31))])
    assert time.process_time() - started < 0.5

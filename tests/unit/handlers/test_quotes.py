"""Quotes and transcripts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ratchet.domain.messages import Message, Sender
from ratchet.handlers.quotes import quoted, words, worth_quoting
from ratchet.handlers.transcript import transcript
from ratchet.tools.asking import Asking
from ratchet.tools.base import WorkspaceLinks

LINKS = WorkspaceLinks("https://team.slack.com")
BASE = Message("C0OPS", "1700000000.000100", Sender("person", "U0BO", "Bo"), "", version="1")


def said(text: str, ts: str = BASE.ts, **changes: Any) -> Message:
    return replace(BASE, text=text, ts=ts, **changes)


def test_identifiers_are_also_split_into_words() -> None:
    assert {"kubepodcrashlooping", "kube", "pod", "crash", "looping"} <= words("KubePodCrashLooping")
    assert "the" not in words("the disk")


def test_quotes_come_from_other_threads_each_once_and_people_first() -> None:
    alert = replace(said("DiskFull firing", "1.1"), sender=Sender("bot", "B0", "am"))
    fix, again = said("DiskFull: rotate", "2.1"), said("DiskFull:  rotate", "3.1")
    own = replace(said("DiskFull quote", "4.1"), sender=Sender("self", "U0"))
    here = said("DiskFull here", "5.1", parent_ts="9.9")
    off, asked = said("lunch?", "6.1"), said("<@U0ME> why DiskFull?", "7.1")
    asking = Asking(said("<@U0ME> DiskFull?", "9.9"), "U0ME")
    assert worth_quoting([alert, own, here, off, asked, fix, again], "DiskFull?", asking) == [fix, alert]


def test_the_passage_that_fits_is_quoted_with_its_commands() -> None:
    text = "\n".join(
        [*(f"unrelated {n}" for n in range(9)), "DiskFull is fixed with:", "```", "logrotate -f", "```"]
    )
    assert quoted(said(text), "DiskFull", LINKS, {}) == (
        "> unrelated 7\n> unrelated 8\n> DiskFull is fixed with:\n> `logrotate -f`\n"
        "— Bo, 2023-11-14 · [message](https://team.slack.com/archives/C0OPS/p1700000000000100)"
    )


def test_a_quote_is_short_and_pings_nobody() -> None:
    quote = quoted(said("<!here> <@U0CY> " + "disk " * 500), "disk", LINKS, {"U0CY": "Cy"})
    assert quote.startswith("> here @Cy disk")
    assert len(quote) < 450


def test_a_message_without_words_is_quoted_without_failing() -> None:
    assert "message" in quoted(said("\n\n"), "disk", LINKS, {})


def test_a_long_thread_keeps_its_first_and_newest_messages() -> None:
    thread = [said(f"number {n}", f"17000000{n:02}.000100") for n in range(40)]
    text = transcript(thread, limit=400)
    assert "number 0" in text
    assert "number 39" in text
    assert "messages left out" in text
    assert len(text) < 480
    assert transcript([]) == ""


def test_of_a_long_thread_what_an_earlier_answer_rests_on_is_kept() -> None:
    thread = [said(f"number {n} {'x' * 50}", f"17000{n:05}.000100") for n in range(900)]
    link = LINKS("C0OPS", "1700000450.000100", thread[0].ts)
    answer = said(f"See [that]({link}).", "1700001000.000100", sender=Sender("self", "UME", "ratchet"))
    text = transcript([*thread, answer], limit=4_000)
    assert len(text) < 4_400
    assert [number in text for number in ("number 0 ", "number 450 ", "number 899 ", "number 200 ")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert text.count("messages left out") == 2


def test_titles_of_files_are_read_too() -> None:
    with_file = said("see the graph", payload={"files": [{"title": "heap.png"}, {"name": "trace.txt"}, "x"]})
    assert "see the graph [files: heap.png, trace.txt]" in transcript([with_file])

"""An answer without a source: backed, or owned up to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.effects import Reply
from ratchet.domain.messages import Message
from ratchet.handlers.citations import cites
from ratchet.handlers.grounding import (
    CLOSEST,
    SOURCES,
    UNKNOWN,
    Grounding,
    Grounds,
    nearest,
    sources,
    supported,
)
from ratchet.llm.turn import ToolResult
from tests.unit.handlers.talking import FIX, FIX_LINK, FOUND, GOOD, HELP, LINKS, QUESTION, at, person, record

OWN = frozenset({"search_messages", "incidents"})
ASK = "why does the upload fail every night?"


async def said(
    answer: str,
    *results: ToolResult,
    asked: str = ASK,
    thread: tuple[Message, ...] = (),
    others: tuple[Message, ...] = (),
) -> str:
    reader = record(QUESTION, *others)
    grounds = Grounds(QUESTION, asked, [*thread, QUESTION], results, OWN)
    reply = Reply(HELP.id, QUESTION.ts, answer, feedback=True)
    found = await Grounding(reader, LINKS).grounded(reply, grounds)
    assert replace(found, markdown=answer) == reply
    return found.markdown


async def test_an_answer_with_a_source_stands() -> None:
    assert await said(GOOD, FOUND) == GOOD


@pytest.mark.parametrize("results", [(FOUND,), ()], ids=["by a tool", "by a search of ours"])
async def test_what_was_read_gets_its_source(results: tuple[ToolResult, ...]) -> None:
    answer = "The bucket is full: run `bucketctl prune --older 30d`."
    text = await said(answer, *results)
    assert text.startswith(f"{answer}\n\n{SOURCES}\n\n> The upload fails when the bucket is full")
    assert text.count(FIX_LINK) == 1
    assert "— [Bo, 2026-09-21]" in text


@pytest.mark.parametrize(
    "answer",
    [
        "Run `bucketctl drop --all`.",
        "The bucket is full: run `bucketctl prune --older 30d` on web-17.example.com.",
        "Restart the kraken and reboot everything twice.",
        "See (link removed).",
        "It is error ERR_4711 of the upload bucket prune.",
    ],
)
async def test_what_nobody_wrote_is_replaced_by_what_is_closest(answer: str) -> None:
    text = await said(answer, FOUND)
    assert text == f"{UNKNOWN}\n\n{CLOSEST}\n- [Bo, 2026-09-21]({FIX_LINK})"


async def test_with_nothing_near_it_it_says_only_that() -> None:
    assert await said("It is the trombone of the orchestra.", asked="who plays the trombone?") == UNKNOWN


async def test_its_own_words_for_not_knowing_are_kept_and_get_links() -> None:
    text = await said("Das weiß ich nicht.", FOUND)
    assert text == f"Das weiß ich nicht.\n\n{CLOSEST}\n- [Bo, 2026-09-21]({FIX_LINK})"


async def test_the_question_itself_is_no_source() -> None:
    own = ToolResult(
        "search_messages", {}, {"messages": [{"permalink": LINKS(HELP.id, QUESTION.ts), "text": ASK}]}
    )
    assert await said("Every night the trombone fails.", own, asked="trombone?") == UNKNOWN


async def test_at_most_three_links() -> None:
    many = [person(at(-1000 - n), f"upload number {n} fails every night", f"P{n}") for n in range(9)]
    text = await said("Nobody knows the frobnicator.", others=tuple(many))
    assert text.count("](") == 3


async def test_what_stands_in_this_very_thread_needs_no_link() -> None:
    thread = (person(at(-60), "deploy 4711 of checkout-api broke the upload, I rolled it back", "Bo"),)
    answer = "Bo rolled deploy 4711 of checkout-api back."
    assert await said(answer, asked="sum this up", thread=thread) == answer


async def test_its_own_words_in_the_thread_prove_nothing() -> None:
    thread = (person(at(-60), "It is the frobnicator-9000", kind="self"),)
    assert (await said("It is the frobnicator-9000.", thread=thread)).startswith(UNKNOWN)


async def test_thanks_need_no_source() -> None:
    assert await said("You are welcome!", asked="thanks!") == "You are welcome!"


async def test_what_another_system_gave_is_not_judged_by_the_record() -> None:
    clock = ToolResult("clock_now", {}, {"time": "14:05"})
    assert await said("It is 14:05 in Tokyo.", clock) == "It is 14:05 in Tokyo."


async def test_no_link_that_somebody_else_chose_comes_in_with_a_quote() -> None:
    evil = person(
        at(-99), "The upload fails when the bucket is full, see https://evil.example/?q=1", "Mallory"
    )
    text = await said("The upload fails when the bucket is full.", others=(evil,))
    assert "`https://evil.example/?q=1`" in text
    assert text.count("evil.example") == 1


def test_a_result_is_a_source_once_with_its_author_and_day() -> None:
    [source] = sources([FOUND, FOUND])
    assert (source.text, source.link, source.who) == (FIX.text, FIX_LINK, "Bo, 2026-09-21")
    incident = ToolResult("incidents", {}, [{"alert": "DiskFull", "firings": 3, "permalink": "https://x/1"}])
    [bare] = sources([incident])
    assert (bare.text, bare.who) == ("DiskFull\n3", "message")
    assert nearest([source, bare], "DiskFull")[0] == bare


@given(st.text(), st.text())
def test_any_text_is_judged(answer: str, read: str) -> None:
    assert supported(answer, read) in (True, False)
    assert not supported(f"{answer} `rm -rf /everything`", "nothing of that kind")


def test_a_link_in_code_is_no_source() -> None:
    assert cites("see [Bo](https://team.slack.com/archives/C0HELP/p1)")
    assert not cites("see `[Bo](https://team.slack.com/archives/C0HELP/p1)` and ```https://x.example```")

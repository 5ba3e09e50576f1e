"""What counts as a question to everybody, as small talk, as an answer that is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.handlers.questions import MAX_CHARS, abstains, is_question, small_talk


@pytest.mark.parametrize(
    "text",
    [
        "How do I restart the checkout service?",
        "hi all, does anyone know where the deploy logs live?",
        "Where can I find the runbook for disk full?",
        "Is there a way to rotate the token without downtime?",
        "hey folks :wave: what is the right way to drain a node?",
        "We see 502s since noon. Why does the ingress answer 502 after a deploy?",
        "<!here> how do I get access to the vpn?",
        "<!subteam^S012|@platform> how do we roll back v1.2.3?",
        "wie komme ich an die Logs von checkout?",
        "Any idea why the build is stuck?",
        "who owns the billing service now?",
        "I tried everything:\n```\nkubectl get pods\n```\nWhy are the pods of checkout pending?",
        "Which version of postgres do we run in prod? Asking for the upgrade.",
    ],
)
def test_a_question_to_everybody_is_one(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lunch?",
        "why?",
        "why did it fail",
        "I wonder how the deploy works",
        "how are you doing today?",
        "how was your weekend everyone?",
        "Can you review my PR please?",
        "could someone take a look at the build?",
        "are you around this afternoon?",
        "what do you think about the new design?",
        "what's your eta on the fix please?",
        "when are we meeting for lunch tomorrow?",
        "shall we go now or later?",
        "who wants coffee right now?",
        "we should ship it, right?",
        "is that ok with you all?",
        "but what about the other one then?",
        "so does it work after the restart?",
        "Can I do something about that?",
        "<@U1> how do I restart the checkout service?",
        "how do I restart checkout <@U1|bo>?",
        "`why does this fail here now?`",
        "> how do I restart the thing now?",
        "&gt; how do I restart the thing now?",
        "see https://x.example/how?what=why is it so",
        "see <https://x.example/how?do=I restart this|the page>",
        "What is the answer to this? " + "x" * MAX_CHARS,
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_question(text)


@given(st.text(alphabet=st.characters(exclude_characters="?")))
def test_nothing_without_a_question_mark_is_a_question(text: str) -> None:
    assert not is_question(text)


@given(st.text(), st.from_regex(r"<@[A-Z0-9]{1,11}>", fullmatch=True), st.text())
def test_nothing_that_names_somebody_is_a_question_to_everybody(before: str, who: str, after: str) -> None:
    assert not is_question(f"{before}{who}{after} how do I restart the checkout service?")


@pytest.mark.parametrize(
    "unit", ["?", "how do I ", "hi ", "<", "`", "a.", " - ", "why does it fail? ", "> x\n"]
)
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * MAX_CHARS)[:MAX_CHARS]
    started = time.perf_counter()
    is_question(text)
    small_talk(text[:200])
    abstains(text)
    assert time.perf_counter() - started < 0.2


@pytest.mark.parametrize(
    "text",
    [
        "thanks!",
        "Thank you so much :tada:",
        "ok great, that worked, thanks",
        "got it 👍",
        ":+1:",
        "",
        "hi ratchet",
    ],
)
def test_thanks_and_greetings_are_small_talk(text: str) -> None:
    assert small_talk(text)


@pytest.mark.parametrize(
    "text", ["thanks, and what about the logs?", "restart", "how do I do it", "ok restart it", "thanks " * 50]
)
def test_what_asks_for_anything_is_not(text: str) -> None:
    assert not small_talk(text)


@pytest.mark.parametrize(
    "answer",
    [
        "I do not know.",
        "Sorry, I couldn't find anything about that in the record.",
        "There is no record of a deploy on that day.",
        "I found nothing about it.",
        "Das weiß ich nicht.",
        "I'm not sure, but it may be the disk.",
    ],
)
def test_an_answer_that_has_none_is_known(answer: str) -> None:
    assert abstains(answer)


@pytest.mark.parametrize(
    "answer", ["Run `prune`.", "The disk was full.", "It was Bo who knew. " + "x" * 300 + " I do not know"]
)
def test_an_answer_is_an_answer(answer: str) -> None:
    assert not abstains(answer)

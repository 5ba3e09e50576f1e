"""The words that set a channel: each phrase of the table, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.domain.messages import Message, Sender
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.handlers.mentions import REQUESTS, asked_wish, is_request
from ratchet.handlers.wishes import PHRASES, Wish, wish
from tests.unit.handlers.talking import HELP, LINKS, ME, heard, person, record

BY_ID = "offer to call <!subteam^S0PLAT|@platform> when you have no answer"
SAID: dict[str, Wish] = {
    "in this channel only answer when mentioned": Wish("mention"),
    "only answer here when I mention you": Wish("mention"),
    "answer only if you are asked": Wish("mention"),
    "Please only reply when somebody asks you, from now on.": Wish("mention"),
    "answer questions here on your own": Wish("auto"),
    "answer questions in this channel without being mentioned": Wish("auto"),
    "From now on, answer questions by yourself here": Wish("auto"),
    "show drafts of your answers in <#C0REVIEW|answers>": Wish("draft", {"review_channel": "C0REVIEW"}),
    "send drafts to <#G0REVIEW>": Wish("draft", {"review_channel": "G0REVIEW"}),
    "turn yourself off here": Wish("off"),
    "switch yourself off, please!": Wish("off"),
    "stop posting runbooks here": Wish(changes={"runbooks": False}),
    "don't post runbooks in this channel any more": Wish(changes={"runbooks": False}),
    "post runbooks here again": Wish(changes={"runbooks": True}),
    "stop posting notes under repeated alerts": Wish(changes={"repeats": False}),
    "post notes under repeated alerts again": Wish(changes={"repeats": True}),
    "post no more summaries of storms": Wish(changes={"storms": False}),
    "start posting summaries of storms here": Wish(changes={"storms": True}),
    "take follow-ups here without a mention": Wish(changes={"follow_ups": True}),
    "answer followups only when asked": Wish(changes={"follow_ups": False}),
    BY_ID: Wish(changes={"owner_group": "S0PLAT"}),
    "offer to ask @platform-team here if you find no answer": Wish(changes={"owner_group": "@platform-team"}),
    "don't call anybody here": Wish(changes={"owner_group": None}),
    "ask here whether answers belong into the docs": Wish(changes={"suggest_docs": True}),
    "stop asking whether answers belong in the documentation": Wish(changes={"suggest_docs": False}),
}


@pytest.mark.parametrize("text", SAID)
def test_each_phrase_means_one_thing_with_or_without_a_frame(text: str) -> None:
    assert wish(text) == SAID[text]
    for mentioning in (f"<@{ME}> {text}", f"<@{ME}|ratchet>: {text}", f"{text} <@{ME}>"):
        assert asked_wish(mentioning, ME) == SAID[text]
        assert not Assistant(record(), LINKS).wants(heard(person("1.0", mentioning)))


def test_every_line_of_the_table_is_tried_and_means_something_else_than_the_default() -> None:
    tried = [phrase for phrase, _ in PHRASES if any(_says(phrase, text) for text in SAID)]
    assert len(tried) == len(PHRASES)
    assert all(meant != Wish() for _, meant in PHRASES)


def _says(phrase: str, text: str) -> bool:
    return re.search(phrase, text, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "only answer",
        "should you only answer when mentioned?",
        "why do you only answer when mentioned",
        "Bo said: only answer when mentioned",
        "> only answer when mentioned",
        "only answer\nwhen mentioned",
        "answer questions",
        "answer questions about deploys on your own",
        "do not answer questions on your own",
        "don't turn yourself off",
        "turn yourself off?",
        "turn the alert off here",
        "turn yourself off and on again",
        "how do I turn yourself off here",
        "stop posting",
        "stop posting runbooks to the wiki",
        "post runbooks to #ops",
        "post the runbook here",
        "send drafts to #answers",
        "send drafts to <#C0REVIEW|answers> and <#C1|x>",
        "send drafts to <@U1>",
        "speak again",
        "stop",
        "turn yourself off here " + "please " * 40,
    ],
)
def test_other_wording_sets_nothing(text: str) -> None:
    assert wish(text) is None


@given(st.text())
def test_no_text_sets_anything(text: str) -> None:
    assert wish(text) is None
    assert wish(f"{text} turn yourself off here?") is None
    assert wish(f"who said {text} only answer when mentioned") is None


@given(st.sampled_from(list(SAID)), st.data())
def test_one_word_more_and_it_is_a_question_again(text: str, data: st.DataObject) -> None:
    words = text.split()
    more = data.draw(st.sampled_from(["not", "never", "unless", "why", "yesterday", "Bo", "`"]))
    place = data.draw(st.integers(0, len(words)))
    assert wish(" ".join([*words[:place], more, *words[place:]])) is None


@given(st.sampled_from(list(SAID)), st.data())
def test_one_word_less_never_means_something_else(text: str, data: st.DataObject) -> None:
    words = text.split()
    place = data.draw(st.integers(0, len(words) - 1))
    shorter = " ".join([*words[:place], *words[place + 1 :]])
    assert wish(shorter) in (None, SAID[text]) or shorter == "answer only when asked"


def test_chat_without_a_mention_reaches_no_grammar() -> None:
    chat = Message(HELP.id, "1.0", Sender("person", "U1"), "turn yourself off here", "1.0")
    assert not Assistant(record(), LINKS).wants(Trigger(chat, HELP, ME))


def test_no_two_requests_claim_the_same_words() -> None:
    others = [
        "help",
        "stop",
        "be quiet",
        "speak again",
        "runbook for A/B",
        "the fix is now `x y`",
        "pin the runbook",
    ]
    for text in [*SAID, *others, ""]:
        claims = [asked for asked in REQUESTS if asked(f"<@{ME}> {text}", ME) is not None]
        assert len(claims) == 1, text
        assert is_request(f"<@{ME}> {text}", ME)


def test_every_phrase_is_in_the_documentation() -> None:
    docs = Path(__file__).parents[3] / "docs" / "assistant.md"
    written = set(re.findall(r"`@ratchet ([^`]+)`", docs.read_text("utf-8")))
    meant = {str(wish(text.replace("#answers", "<#C0REVIEW>"))) for text in written}
    by_id = ("send drafts to <#G0REVIEW>", BY_ID)
    assert {str(one) for one in SAID.values()} - meant == {str(SAID[one]) for one in by_id}

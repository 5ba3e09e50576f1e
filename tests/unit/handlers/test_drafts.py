"""Mode draft: what a person sees instead of an answer in the thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from ratchet.domain.channels import Manners
from ratchet.domain.effects import AskApproval, Effect, Footer, KeepRunbook, React, Reply
from ratchet.domain.messages import Channel
from ratchet.handlers.answers import Answers
from ratchet.handlers.base import Trigger
from ratchet.handlers.drafts import Review
from ratchet.handlers.unasked import Unasked
from tests.unit.handlers.talking import (
    ASKED_TS,
    GOOD,
    HELP,
    LINKS,
    ME,
    QUESTION,
    REVIEW,
    Past,
    People,
    ScriptedRunner,
    assistant,
    channel_in,
    heard,
    record,
)

DRAFT = channel_in("draft", review_channel="C0REVIEW")
ASKED = replace(QUESTION, text=f"<@{ME}> {QUESTION.text}")
ANSWER = Reply(HELP.id, ASKED_TS, GOOD, Footer("assistant", "scripted"), feedback=True)
TITLE = "[Ana's question](https://team.slack.com/archives/C0HELP/p1800000000000000) in #help"


async def shown(*effects: Effect, channel: Channel = DRAFT, review: Channel = REVIEW) -> Sequence[Effect]:
    async def answer() -> Sequence[Effect]:
        return effects

    return await Review(People((HELP, review)), LINKS).instead(heard(ASKED, channel), answer)


async def test_an_answer_becomes_a_question_in_the_review_channel_and_nothing_in_the_thread() -> None:
    assert await shown(ANSWER) == [
        AskApproval(
            REVIEW.id,
            "",
            f"**Draft** of an answer to {TITLE}\n> why does the upload fail every night?\n\n{GOOD}",
            (ANSWER,),
            "U0ANA",
            (HELP.id, ASKED_TS),
            ANSWER.footer,
            draft=True,
        )
    ]


async def test_in_other_modes_it_is_said() -> None:
    for mode in ("mention", "auto"):
        assert await shown(ANSWER, channel=replace(DRAFT, mode=mode)) == (ANSWER,)


async def test_what_must_be_approved_before_an_answer_is_asked_in_the_review_channel_too() -> None:
    ask = AskApproval(
        HELP.id, ASKED_TS, "I would like to make this call.", (), "U0ANA", (HELP.id, ASKED_TS), turn={}
    )
    [moved] = await shown(ask)
    assert isinstance(moved, AskApproval)
    assert (moved.channel_id, moved.thread_ts, moved.draft) == (REVIEW.id, "", False)
    assert moved.markdown == f"To answer {TITLE}:\nI would like to make this call."
    assert moved.turn == {}


async def test_nothing_but_answers_leaves_the_channel() -> None:
    assert await shown(React(HELP.id, ASKED_TS, "eyes"), replace(ANSWER, feedback=False)) == []


@pytest.mark.parametrize(
    ("channel", "review"),
    [
        (replace(DRAFT, manners=Manners()), REVIEW),
        (DRAFT, replace(REVIEW, id="C0OTHER")),
        (DRAFT, replace(REVIEW, mode="off")),
        (DRAFT, replace(REVIEW, external=True)),
        (DRAFT, replace(REVIEW, archived=True)),
        (DRAFT, replace(REVIEW, member=False)),
        (DRAFT, replace(REVIEW, kind="im")),
        (replace(DRAFT, kind="private"), REVIEW),
        (replace(DRAFT, manners=Manners(review_channel=HELP.id)), REVIEW),
    ],
    ids=["none", "unknown", "off", "shared", "archived", "left", "direct", "of a private channel", "itself"],
)
async def test_where_nobody_may_review_it_no_model_is_asked_and_nothing_is_said(
    channel: Channel, review: Channel
) -> None:
    runner = ScriptedRunner()
    answers = Answers(assistant(record(ASKED), runner), Review(People((HELP, review)), LINKS))
    with capture_logs() as logged:
        assert await answers.handle(heard(ASKED, channel)) == []
    assert runner.turns == []
    assert [line["event"] for line in logged] == ["draft_not_shown"]


async def test_what_is_asked_and_what_is_not_is_drafted_alike() -> None:
    review = Review(People(), LINKS)
    answers = Answers(assistant(record(ASKED), ScriptedRunner()), review)
    [asked] = await answers.handle(heard(ASKED, DRAFT))
    handler = Unasked(assistant(record(QUESTION), ScriptedRunner()), review, Past())
    [unasked] = await handler.handle(heard(QUESTION, DRAFT))
    for ask in (asked, unasked):
        assert isinstance(ask, AskApproval)
        assert ask.draft
        [reply] = ask.effects
        assert isinstance(reply, Reply)
        assert (reply.channel_id, reply.thread_ts, reply.markdown) == (HELP.id, ASKED_TS, GOOD)


async def test_what_a_request_answers_is_drafted_and_what_it_keeps_is_kept() -> None:
    kept = KeepRunbook("", None, "DiskFull", "model", "scripted", "", {}, ())

    @dataclass
    class Request:
        name: str = "runbook_request"
        timeout_s: float = 30.0

        def wants(self, trigger: Trigger) -> bool:
            return trigger.message.text == "runbook"

        async def handle(self, trigger: Trigger) -> Sequence[Effect]:
            return [ANSWER, kept]

    handler = Review(People(), LINKS).drafted(Request())
    assert (handler.name, handler.timeout_s) == ("runbook_request", 30.0)
    assert not handler.wants(heard(ASKED))
    assert handler.wants(heard(replace(ASKED, text="runbook")))
    assert await handler.handle(heard(ASKED)) == [ANSWER, kept]
    draft, second = await handler.handle(heard(ASKED, DRAFT))
    assert isinstance(draft, AskApproval)
    assert draft.effects == (ANSWER,)
    assert second == kept


async def test_no_name_breaks_the_line_that_is_kept() -> None:
    asked = replace(ASKED, sender=replace(ASKED.sender, name="A[n](x)\na"))
    [ask] = await Review(People(), LINKS).instead(heard(asked, DRAFT), _answer)
    assert isinstance(ask, AskApproval)
    assert ask.markdown.splitlines()[0].startswith(
        "**Draft** of an answer to [A n  x  a's question](https://team."
    )


async def test_a_secret_or_a_mention_in_the_question_is_not_repeated() -> None:
    text = f"<@{ME}> why is xoxb-12345678-abcdefgh refused, <!channel> <@U0BO>?"
    [ask] = await Review(People(), LINKS).instead(heard(replace(ASKED, text=text), DRAFT), _answer)
    assert isinstance(ask, AskApproval)
    quote = ask.markdown.splitlines()[1]
    assert "abcdefgh" not in quote
    assert "<" not in quote


async def _answer() -> Sequence[Effect]:
    return [ANSWER]

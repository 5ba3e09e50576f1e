"""Mode auto: what is answered unasked, and all that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.domain.documents import DocumentHit, Passage
from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.errors import RatchetError, Refused, Transient
from ratchet.domain.messages import Channel, ChannelKind, Message, Sender, SenderKind
from ratchet.handlers.drafts import Review
from ratchet.handlers.hand_over import CALL, hand_over
from ratchet.handlers.unasked import Unasked
from ratchet.llm.turn import ToolResult
from tests.unit.handlers.talking import (
    ASKED_TS,
    FIX_LINK,
    FOUND,
    GOOD,
    HELP,
    LINKS,
    ME,
    QUESTION,
    Past,
    People,
    ScriptedRunner,
    assistant,
    at,
    channel_in,
    heard,
    person,
    record,
)

AUTO = channel_in("auto")


def unasked(
    *more: Message, runner: ScriptedRunner | None = None, late: float = 1.0, past: Past | None = None
) -> Unasked:
    return Unasked(assistant(record(QUESTION, *more), runner, late), Review(People(), LINKS), past or Past())


async def answered(*more: Message, **how: Any) -> Sequence[Effect]:
    return await unasked(*more, **{"runner": ScriptedRunner(), **how}).handle(heard(QUESTION, AUTO))


SURELY = DocumentHit(
    "docs/upload.md", "docs", "upload.md", "Uploads", "When it fails", "https://docs.example.com/upload.md",
    (Passage("When it fails", "Prune the bucket when the upload fails at night.", 0.6),), 0.6,
)  # fmt: skip


@dataclass
class Pages:
    """Finds one passage, whatever is asked."""

    hit: DocumentHit | None

    async def nearest(self, text: str) -> DocumentHit | None:
        assert text == QUESTION.text
        return self.hit


async def by_page(hit: DocumentHit | None, runner: ScriptedRunner | None = None) -> Sequence[Effect]:
    return await replace(unasked(runner=runner), evidence=Pages(hit)).handle(heard(QUESTION, AUTO))


async def test_without_a_model_a_page_that_means_the_same_is_quoted_with_its_link() -> None:
    quote = (
        "> Prune the bucket when the upload fails at night.\n"
        "— [Uploads › When it fails](https://docs.example.com/upload.md)"
    )
    said = [Reply(HELP.id, ASKED_TS, quote, Footer("unasked"), feedback=True)]
    assert await by_page(SURELY) == said
    assert await by_page(SURELY, ScriptedRunner(Refused("no"))) == said
    assert await by_page(replace(SURELY, score=0.59)) == []
    assert await by_page(None) == []


async def test_a_model_that_does_not_know_is_not_overruled_by_a_page() -> None:
    assert await by_page(SURELY, ScriptedRunner("NO_ANSWER")) == []


OWNED = channel_in("auto", owner_group="S0PLAT")


async def test_what_has_no_answer_may_be_handed_over_and_calls_nobody_by_itself() -> None:
    silent = unasked(runner=ScriptedRunner("NO_ANSWER"))
    offer = hand_over(QUESTION, "S0PLAT")
    assert await silent.handle(heard(QUESTION, OWNED)) == [offer]
    assert "S0PLAT" not in offer.markdown
    assert offer.effects == (Reply(HELP.id, ASKED_TS, CALL, Footer("hand_over"), ping="S0PLAT"),)
    assert await unasked(runner=ScriptedRunner()).handle(heard(QUESTION, OWNED)) != [offer]
    late = unasked(person(at(1), "look at the bucket", "Bo", parent=ASKED_TS), runner=None)
    assert await late.handle(heard(QUESTION, OWNED)) == []


def wants(asked: Message = QUESTION, channel: Channel = AUTO, **changes: Any) -> bool:
    return unasked().wants(heard(asked, channel, **changes))


async def test_a_question_is_answered_with_its_source_and_what_it_cost() -> None:
    assert await answered() == [
        Reply(
            HELP.id,
            ASKED_TS,
            GOOD,
            Footer("unasked", "scripted", 1, 10, 0.0, 0.1, prompt_hash=_hash(await answered())),
            feedback=True,
        )
    ]


def _hash(effects: Sequence[Effect]) -> Any:
    [reply] = effects
    assert isinstance(reply, Reply)
    assert reply.footer is not None
    return reply.footer.prompt_hash


def test_it_is_wanted_in_mode_auto_and_draft_alone() -> None:
    assert wants()
    assert wants(channel=channel_in("draft", review_channel="C0REVIEW"))
    assert not wants(channel=HELP)
    assert not wants(channel=channel_in("off"))


@pytest.mark.parametrize("kind", ["bot", "self", "system"])
def test_bots_are_never_answered(kind: SenderKind) -> None:
    assert not wants(replace(QUESTION, sender=Sender(kind, "U1")))


@pytest.mark.parametrize("kind", ["im", "mpim"])
def test_direct_messages_are_asked_not_unasked(kind: ChannelKind) -> None:
    assert not wants(channel=replace(AUTO, kind=kind))


@pytest.mark.parametrize(
    "asked",
    [
        replace(QUESTION, parent_ts="1700000000.000000"),
        replace(QUESTION, subtype="thread_broadcast"),
        replace(QUESTION, text="why does it?"),
        replace(QUESTION, text="the upload fails every night"),
        replace(QUESTION, text=f"<@{ME}> {QUESTION.text}"),
        replace(QUESTION, text=f"<@U0BO> {QUESTION.text}"),
    ],
    ids=["a reply", "a broadcast reply", "short", "no question", "a mention", "to another"],
)
def test_what_is_not_a_question_to_everybody_is_left_alone(asked: Message) -> None:
    assert not wants(asked)


def test_an_edit_and_a_quiet_or_closed_channel_are_left_alone() -> None:
    assert not wants(edited=True, previous_text="")
    assert not wants(channel=channel_in("auto", quiet_until=datetime(2030, 1, 1, tzinfo=UTC)))
    assert not wants(channel=replace(AUTO, external=True))
    assert not wants(channel=replace(AUTO, archived=True))


@pytest.mark.parametrize(
    "said",
    [
        "The bucket is full: run `bucketctl repair`.",
        "NO_ANSWER",
        f"I do not know that, but [this]({FIX_LINK}) is near it.",
        f"There is no record of it; see [Bo]({FIX_LINK}).",
        "See [the wiki](https://wiki.example/upload).",
        "",
    ],
)
async def test_without_evidence_and_a_source_it_is_silent(said: str) -> None:
    assert await answered(runner=ScriptedRunner(said)) == []


async def test_what_the_evidence_says_is_said_with_the_evidence() -> None:
    [reply] = await answered(runner=ScriptedRunner("The bucket is full: run `bucketctl prune --older 30d`"))
    assert isinstance(reply, Reply)
    assert FIX_LINK in reply.markdown


@pytest.mark.parametrize("error", [Transient("down"), Refused("budget")], ids=repr)
async def test_without_a_model_it_is_silent(error: RatchetError) -> None:
    assert await answered(runner=None) == []
    assert await answered(runner=ScriptedRunner(error)) == []


async def test_a_busy_model_is_asked_again() -> None:
    with pytest.raises(Transient):
        await answered(runner=ScriptedRunner(Transient("busy", retry_after=5)))


async def test_the_model_is_told_that_nobody_asked_and_waits_for_nobody() -> None:
    runner = ScriptedRunner()
    await answered(runner=runner)
    [turn] = runner.turns
    assert "Nobody asked you." in turn.instructions
    assert turn.purpose == "unasked"
    assert not turn.may_wait


@pytest.mark.parametrize("kind", ["person", "bot", "self"])
async def test_where_somebody_has_said_something_it_is_silent_and_asks_no_model(kind: SenderKind) -> None:
    runner = ScriptedRunner()
    reply = person(at(5), "on it", "Bo", parent=ASKED_TS, kind=kind)
    assert await answered(reply, runner=runner) == []
    assert runner.turns == []


async def test_who_answers_while_it_thinks_is_not_interrupted() -> None:
    reader = record(QUESTION)

    @dataclass
    class Slow(ScriptedRunner):
        async def during(self) -> None:
            reader.messages.append(person(at(5), "prune the bucket", "Bo", parent=ASKED_TS))

    handler = Unasked(assistant(reader, Slow()), Review(People(), LINKS), Past())
    assert await handler.handle(heard(QUESTION, AUTO)) == []


async def test_it_says_no_more_than_so_much_an_hour() -> None:
    runner = ScriptedRunner()
    assert len(await answered(past=Past(spoken=5))) == 1
    assert await answered(past=Past(spoken=6), runner=runner) == []
    assert runner.turns == []


async def test_an_old_question_is_not_answered() -> None:
    assert len(await answered(late=599)) == 1
    assert await answered(late=601) == []


async def test_the_question_itself_proves_nothing() -> None:
    own = "https://team.slack.com/archives/C0HELP/p1800000000000000"
    found = ToolResult("search_messages", {}, {"messages": [{"permalink": own, "text": QUESTION.text}]})
    runner = ScriptedRunner(f"The upload fails every night ([Ana]({own})).", (found,))
    assert await answered(runner=runner) == []


async def test_a_source_in_code_is_none() -> None:
    assert await answered(runner=ScriptedRunner(f"It is the bucketctl-repair: `{FIX_LINK}`", (FOUND,))) == []


async def test_what_another_system_knows_is_not_said_without_a_source() -> None:
    result = ToolResult("clock_now", {}, {"time": "14:05"})
    assert await answered(runner=ScriptedRunner("It is 14:05 now.", (result,))) == []

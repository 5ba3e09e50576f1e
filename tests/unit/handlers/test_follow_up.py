"""Who was just answered goes on without a mention; nobody else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ratchet.domain.channels import Manners
from ratchet.domain.conversations import LastAnswer
from ratchet.domain.effects import Reply
from ratchet.domain.messages import Channel, Message, SenderKind
from ratchet.handlers.answers import Answers
from ratchet.handlers.drafts import Review
from ratchet.handlers.follow_up import FollowUp
from tests.unit.handlers.talking import (
    ASKED_TS,
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

OPEN = channel_in("mention", follow_ups=True)
ASKED = replace(QUESTION, text=f"<@{ME}> {QUESTION.text}")
ANSWER = person(at(60), "The bucket is full.", kind="self", parent=ASKED_TS)
REPLY = person(at(120), "and how do I prune only the old ones", parent=ASKED_TS)
LAST = LastAnswer(ANSWER.ts, "U0ANA")


async def goes_on(*between: Message, reply: Message = REPLY, last: LastAnswer | None = LAST) -> bool:
    runner = ScriptedRunner()
    reader = record(ASKED, ANSWER, *between, reply)
    answers = Answers(assistant(reader, runner, asked=reply), Review(People(), LINKS))
    effects = await FollowUp(answers, Past(last)).handle(heard(reply, OPEN))
    assert len(runner.turns) == len(effects)
    assert all(isinstance(effect, Reply) and effect.thread_ts == ASKED_TS for effect in effects)
    return bool(effects)


def wants(reply: Message = REPLY, channel: Channel = OPEN, *, edited: bool = False) -> bool:
    answers = Answers(assistant(record(), None), Review(People(), LINKS))
    return FollowUp(answers, Past()).wants(heard(reply, channel, edited=edited))


def test_it_is_for_channels_that_want_it() -> None:
    assert wants()
    assert not wants(channel=HELP)
    assert not wants(channel=replace(OPEN, mode="off"))
    assert not wants(channel=replace(OPEN, external=True))
    assert not wants(channel=replace(OPEN, archived=True))
    assert not wants(channel=replace(OPEN, kind="im"))
    assert not wants(
        channel=channel_in("mention", follow_ups=True, quiet_until=datetime(2030, 1, 1, tzinfo=UTC))
    )
    assert wants(
        channel=replace(OPEN, external=True, manners=Manners(external_allowed=True, follow_ups=True))
    )


@pytest.mark.parametrize(
    "text",
    [
        "<@U0BO> what do you think of that?",
        "and you, <@U0BO|bo>?",
        "<!here> has anybody else seen it",
        "<!subteam^S012|@platform> is it so?",
        f"<@{ME}> and now?",
        "thanks!",
        "ok, that worked :tada:",
        ":+1:",
        "",
    ],
)
def test_what_is_for_others_or_needs_no_answer_is_left_alone(text: str) -> None:
    assert not wants(replace(REPLY, text=text))


@pytest.mark.parametrize("kind", ["bot", "self", "system"])
def test_bots_have_no_conversations(kind: SenderKind) -> None:
    assert not wants(person(at(120), REPLY.text, parent=ASKED_TS, kind=kind))


def test_a_message_of_its_own_and_an_edit_are_no_follow_up() -> None:
    assert not wants(replace(REPLY, parent_ts=None))
    assert not wants(edited=True)


async def test_the_reply_of_whom_it_answered_is_answered() -> None:
    assert await goes_on()


async def test_two_messages_in_a_row_are_one_conversation() -> None:
    assert await goes_on(person(at(90), "hm, it says access denied", parent=ASKED_TS))


async def test_another_persons_reply_is_not() -> None:
    assert not await goes_on(reply=person(at(120), REPLY.text, "Bo", parent=ASKED_TS))


@pytest.mark.parametrize("kind", ["person", "bot"])
async def test_once_others_talk_it_keeps_out(kind: SenderKind) -> None:
    assert not await goes_on(person(at(90), "I think it is the network", "Bo", parent=ASKED_TS, kind=kind))


async def test_where_it_answered_nobody_it_keeps_out() -> None:
    assert not await goes_on(last=None)
    assert not await goes_on(last=LastAnswer(ANSWER.ts, ""))


async def test_after_half_an_hour_of_silence_it_takes_a_mention_again() -> None:
    assert await goes_on(reply=replace(REPLY, ts=at(60 + 1800)))
    assert not await goes_on(reply=replace(REPLY, ts=at(60 + 1801)))
    later = person(at(60 + 1700), "let me look", parent=ASKED_TS)
    assert await goes_on(later, reply=replace(REPLY, ts=at(60 + 3000)))

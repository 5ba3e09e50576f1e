"""What people see while an answer is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from ratchet.domain.effects import Effect, Reply
from ratchet.domain.errors import Transient
from ratchet.domain.messages import Channel, Message
from ratchet.handlers.answers import TITLE_LOOKS_BACK, Answers, title
from ratchet.handlers.drafts import Review
from ratchet.handlers.progress import WORKING
from ratchet.tools.testing import MemoryRecord
from tests.unit.handlers.talking import (
    ASKED_TS,
    FIX,
    HELP,
    LINKS,
    ME,
    QUESTION,
    People,
    ScriptedRunner,
    assistant,
    at,
    channel_in,
    heard,
    person,
    record,
)

ASKED = replace(QUESTION, text=f"<@{ME}> {QUESTION.text}")
DIRECT = Channel("D0ANA", "", kind="im")


@dataclass
class Seen:
    """What Slack is told, in order; `shown` once there was a status."""

    told: list[tuple[str, str, str, str]] = field(default_factory=list)
    shown: asyncio.Event = field(default_factory=asyncio.Event)

    async def status(self, channel_id: str, thread_ts: str, text: str) -> None:
        self.told.append(("status", channel_id, thread_ts, text))
        self.shown.set()

    async def title(self, channel_id: str, thread_ts: str, text: str) -> None:
        self.told.append(("title", channel_id, thread_ts, text))

    async def working(self, channel_id: str, thread_ts: str, *, on: bool) -> None:
        self.told.append(("working", channel_id, thread_ts, "on" if on else "off"))


@dataclass
class Patient(ScriptedRunner):
    """Thinks until people saw that it does."""

    seen: Seen = field(default_factory=Seen)

    async def during(self) -> None:
        await self.seen.shown.wait()


async def handled(
    seen: Seen,
    runner: ScriptedRunner,
    asked: Message = ASKED,
    channel: Channel = HELP,
    *earlier: Message,
    **how: bool,
) -> Sequence[Effect]:
    answers = Answers(assistant(record(*earlier, asked), runner), Review(People(), LINKS), seen, after_s=0.01)
    return await answers.handle(heard(asked, channel, **how))


async def test_that_it_works_is_shown_and_the_answer_takes_it_away() -> None:
    seen = Seen()
    [reply] = await handled(seen, Patient(seen=seen))
    assert isinstance(reply, Reply)
    assert seen.told == [
        ("status", HELP.id, ASKED_TS, WORKING),
        ("working", HELP.id, ASKED_TS, "on"),
        ("working", HELP.id, ASKED_TS, "off"),
    ]


async def test_a_quick_answer_shows_nothing() -> None:
    seen = Seen()
    answers = Answers(assistant(record(ASKED), ScriptedRunner()), Review(People(), LINKS), seen, after_s=60)
    assert len(await answers.handle(heard(ASKED))) == 1
    assert seen.told == []


async def test_without_an_answer_it_is_taken_away() -> None:
    seen = Seen()
    with pytest.raises(Transient):
        await handled(seen, Patient(Transient("busy", retry_after=5), seen=seen))
    assert seen.told == [
        ("status", HELP.id, ASKED_TS, WORKING),
        ("working", HELP.id, ASKED_TS, "on"),
        ("working", HELP.id, ASKED_TS, "off"),
        ("status", HELP.id, ASKED_TS, ""),
    ]


async def test_an_error_that_nobody_expected_is_not_swallowed() -> None:
    @dataclass
    class Broken(ScriptedRunner):
        async def during(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await handled(Seen(), Broken())
    assert caught.group_contains(ZeroDivisionError)


async def test_neither_a_preview_nor_a_draft_shows_anything() -> None:
    for channel, watched in ((HELP, False), (channel_in("draft", review_channel="C0REVIEW"), True)):
        seen = Seen()
        assert len(await handled(seen, ScriptedRunner(), ASKED, channel, watched=watched)) == 1
        assert seen.told == []


async def test_a_conversation_is_called_what_was_asked_first() -> None:
    seen = Seen()
    first = replace(QUESTION, channel_id=DIRECT.id, text="why does the upload fail?\nit says 403")
    await handled(seen, ScriptedRunner(), first, DIRECT)
    assert seen.told == [("title", DIRECT.id, ASKED_TS, "why does the upload fail?")]


async def test_what_is_asked_later_does_not_rename_it() -> None:
    seen = Seen()
    first = replace(QUESTION, channel_id=DIRECT.id)
    later = person(at(60), "and how do I fix it?", parent=ASKED_TS, channel=DIRECT.id)
    await handled(seen, ScriptedRunner(), later, DIRECT, first)
    assert seen.told == []


async def test_no_answer_fails_for_want_of_a_title() -> None:
    @dataclass
    class Away(MemoryRecord):
        """Cannot be read for a title."""

        async def read_thread(
            self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
        ) -> Sequence[Message]:
            if limit == TITLE_LOOKS_BACK:
                raise Transient("the database is away")
            return await MemoryRecord.read_thread(
                self, channel_id, ts, visible_from=visible_from, limit=limit
            )

    first = replace(QUESTION, channel_id=DIRECT.id)
    reader = Away([HELP, DIRECT], [FIX, first])
    answers = Answers(assistant(reader, ScriptedRunner()), Review(People(), LINKS), Seen())
    assert len(await answers.handle(heard(first, DIRECT))) == 1


def test_a_title_is_one_short_line_without_mentions() -> None:
    assert title("\n\n  why?  \nx") == "why?"
    assert title("<@U0BO> and <#C1|ops>?") == "@someone and #ops?"
    assert len(title("x" * 200)) == 60
    assert title(" \n ") == ""

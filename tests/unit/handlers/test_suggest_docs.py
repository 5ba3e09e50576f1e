"""A quiet thread: whether its answer belongs into the documents, and what is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ratchet.domain.channels import Manners
from ratchet.domain.effects import Annotate, AskApproval, Effect, Footer, LookLater, Reply
from ratchet.domain.gaps import Compared, HelpThread, Near, Page
from ratchet.domain.messages import Channel, MessageRef
from ratchet.handlers.base import Trigger
from ratchet.handlers.suggest_docs import SuggestDocs, WatchThreads
from tests.unit.handlers.talking import HELP, LINKS, at, channel_in, heard, person
from tests.unit.reports.gap_support import KAFKA, LINK, said, thread, ts

WATCHED = channel_in("mention", suggest_docs=True, quiet_minutes=30)
REPLY = person(at(5), "`make kafka-up`", "Bo", parent=at(0))
QUESTION = said(0, "UANA", "How do I run Kafka locally?", channel=HELP.id)
TOLD = said(5, "UBO", "`make kafka-up` in `devstack`", channel=HELP.id)
ASKED = thread(QUESTION, TOLD)
ROOT = MessageRef(HELP.id, ts(0))


@dataclass
class Threads:
    found: HelpThread | None = ASKED
    nearby: Compared = field(default_factory=Compared)

    async def help_thread(self, root: MessageRef) -> HelpThread | None:
        return self.found if root == ROOT else None

    async def compared(self, refs: Sequence[MessageRef], addresses: Sequence[str]) -> Compared:
        return self.nearby


async def considered(channel: Channel = WATCHED, **how: Any) -> Sequence[Effect]:
    return await SuggestDocs(Threads(**how), LINKS).consider(ROOT, channel)


async def test_a_reply_of_a_person_has_the_thread_looked_at_when_it_is_quiet() -> None:
    trigger = heard(REPLY, WATCHED)
    assert WatchThreads().wants(trigger)
    assert await WatchThreads().handle(trigger) == [LookLater(HELP.id, at(0), 1800.0)]


@pytest.mark.parametrize(
    "trigger",
    [
        heard(REPLY, HELP),
        heard(REPLY, WATCHED, edited=True),
        heard(person(at(5), "done", parent=at(0), kind="bot"), WATCHED),
        heard(person(at(5), "done", parent=at(0), kind="self"), WATCHED),
        heard(person(at(5), "How do I run Kafka?"), WATCHED),
        heard(REPLY, replace(WATCHED, kind="im")),
        heard(REPLY, replace(WATCHED, mode="off")),
        heard(REPLY, replace(WATCHED, archived=True)),
    ],
    ids=["not-wanted", "edit", "bot", "itself", "no-reply", "direct", "off", "archived"],
)
def test_nothing_else_is_watched(trigger: Trigger) -> None:
    assert not WatchThreads().wants(trigger)


async def test_an_answer_that_no_document_has_is_asked_about_once_with_its_page() -> None:
    mark, ask = await considered()
    assert mark == Annotate(HELP.id, ts(0), {"suggest_docs": "asked"})
    assert isinstance(ask, AskApproval)
    assert (ask.channel_id, ask.thread_ts, ask.form, ask.source) == (
        HELP.id,
        ts(0),
        "suggest_docs",
        (HELP.id, ts(0)),
    )
    assert "No document answers “How do I run Kafka locally?”" in ask.markdown
    assert "a new page, `how-to/run-kafka-locally.md`" in ask.markdown
    assert LINKS(HELP.id, ts(5), ts(0)) in ask.markdown
    [what] = ask.effects
    assert isinstance(what, Reply)
    assert "`make kafka-up` in `devstack`" in what.markdown


@pytest.mark.parametrize(
    "found",
    [
        None,
        thread(QUESTION),
        thread(QUESTION, said(5, "UBO", "no idea", channel=HELP.id)),
        thread(QUESTION, said(5, "UBO", "Perhaps somebody of the platform team knows, but they left for the day", channel=HELP.id)),
        thread(QUESTION, said(5, "UANA", "found it: `make kafka-up`", channel=HELP.id)),
        thread(said(0, "UANA", "lunch", channel=HELP.id), TOLD),
    ],
    ids=["gone", "no-answer", "a-word", "unconfirmed-talk", "answered-by-itself", "no-question"],
)  # fmt: skip
async def test_without_an_answer_worth_keeping_nothing_is_decided(found: HelpThread | None) -> None:
    assert await considered(found=found) == []


def near(similarity: float, page: Page = KAFKA) -> Compared:
    return Compared(near={TOLD.ref: [Near(page, "Start", similarity)]})


async def test_what_is_documented_is_said_in_one_line_in_mode_auto_alone() -> None:
    mark = Annotate(HELP.id, ts(0), {"suggest_docs": "documented"})
    auto = replace(WATCHED, mode="auto")
    line = f"This is documented: [Kafka on a laptop › Start]({LINK})."
    assert await considered(auto, nearby=near(0.4)) == [
        mark,
        Reply(HELP.id, ts(0), line, Footer("suggest_docs")),
    ]
    assert await considered(nearby=near(0.4)) == [mark]
    assert await considered(auto, nearby=near(0.4, replace(KAFKA, url=""))) == [mark]
    linked = thread(QUESTION, said(5, "UBO", f"See <{LINK}>", channel=HELP.id))
    assert await considered(auto, found=linked, nearby=Compared(linked={LINK: KAFKA})) == [mark]


async def test_it_is_asked_in_the_review_channel_where_that_is_wanted_and_public() -> None:
    manners = Manners(suggest_docs=True, suggest_in_review=True, review_channel="C0REVIEW")
    _, ask = await considered(replace(HELP, manners=manners))
    assert isinstance(ask, AskApproval)
    assert (ask.channel_id, ask.thread_ts) == ("C0REVIEW", "")
    assert f"About [a thread]({LINKS(HELP.id, ts(0), ts(0))}) in #help:" in ask.markdown
    _, inside = await considered(replace(HELP, kind="private", manners=manners))
    assert isinstance(inside, AskApproval)
    assert inside.channel_id == HELP.id


async def test_a_page_that_somebody_contradicts_is_asked_about() -> None:
    wrong = said(9, "UANA", "That page is outdated.", channel=HELP.id)
    found = thread(QUESTION, said(5, "UBO", f"See <{LINK}>", channel=HELP.id), wrong)
    _, ask = await considered(found=found, nearby=Compared(linked={LINK: KAFKA}))
    assert isinstance(ask, AskApproval)
    assert f"that [Kafka on a laptop]({LINK}) should be changed" in ask.markdown
    assert "> That page is outdated." in ask.markdown


async def test_what_people_wrote_calls_nobody_and_links_nothing() -> None:
    loud = said(5, "UBO", "<!channel> `make x` [here](https://evil.example) <@U1>", channel=HELP.id)
    _, ask = await considered(found=thread(QUESTION, loud))
    assert isinstance(ask, AskApproval)
    assert "<!" not in ask.markdown
    assert "<@" not in ask.markdown
    assert "evil" not in str(ask)

"""Help channels, from what people say to what is visible in Slack: hand-over and quiet threads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.domain.documents import DocumentHit, Passage
from ratchet.handlers.suggest_docs import SuggestDocs
from ratchet.jobs.base import Cancel, Done, Outcome, Snooze
from ratchet.llm.turn import Turn, TurnResult
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.quiet_threads import QuietThread
from ratchet.slack.web import SlackWeb
from ratchet.store.help_threads import HelpThreads
from tests.integration.pipeline.house import CONTEXT, House, deleted
from tests.integration.pipeline.test_modes import LINKS, Model, Team, labels, text_of

ASK = "where does the mailer keep its templates?"
ANSWER = "in `mailer/templates`, reload them with `mailctl templates reload`"


@dataclass
class Unsure(Model):
    async def run_turn(self, turn: Turn) -> TurnResult:
        return replace(await Model.run_turn(self, turn), text="NO_ANSWER")


@pytest.fixture
async def team(house: House, slack: LocalSlack, web: SlackWeb) -> Team:
    team = Team(house, slack, web)
    await team.prepare()
    team.model = Unsure("", "")
    return team


async def test_a_question_without_an_answer_is_handed_over_by_a_click_and_pings_once(team: Team) -> None:
    await team.slack.control.do("groups", {"members": [team.other], "handle": "platform"})
    await team.set("auto", owner_group="@platform")
    asked = await team.asks(ASK)
    [offer] = await team.posts(team.help)
    assert labels(offer) == ["Ask the owners"]
    assert "subteam" not in str(offer)
    for _ in range(2):
        await team.click(team.help, offer, "Ask the owners", team.other)
    [after, call] = await team.posts(team.help)
    assert labels(after) == []
    assert "called the owners" in text_of(after)
    assert call["thread_ts"] == asked
    assert str(call["blocks"]).count("<!subteam^S0L") == 1


async def test_the_button_is_gone_when_somebody_else_answered(team: Team) -> None:
    await team.set("auto", owner_group="S0PLAT")
    asked = await team.asks(ASK)
    await team.asks("still looking for it", thread_ts=asked)
    assert len(await team.posts(team.help)) == 1
    await team.asks(ANSWER, user=team.other, thread_ts=asked)
    assert await team.posts(team.help) == []
    await team.asks(f"{ANSWER}, too", user=team.other, thread_ts=asked)
    assert [row for (row,) in await team.house.rows("select state from approvals")] == ["withdrawn"]


async def test_without_owners_and_without_evidence_it_is_silent(team: Team) -> None:
    await team.set("auto")
    await team.asks(ASK)
    assert await team.posts(team.help) == []


async def test_in_mode_draft_the_offer_waits_in_the_review_channel(team: Team) -> None:
    await team.set("draft", review_channel=team.review, owner_group="S0PLAT")
    asked = await team.asks(ASK)
    assert await team.posts(team.help) == []
    [offer] = await team.posts(team.review)
    await team.click(team.review, offer, "Ask the owners")
    [call] = await team.posts(team.help)
    assert call["thread_ts"] == asked
    assert "<!subteam^S0PLAT>" in str(call["blocks"])


@dataclass
class Page:
    async def nearest(self, text: str) -> DocumentHit | None:
        passage = Passage("", "The mailer keeps its templates in mailer/templates.", 0.7)
        return DocumentHit(
            "docs/mailer.md", "docs", "mailer.md", "Mailer", "", "https://d.example/m", (passage,), 0.7
        )


async def test_a_page_answers_without_a_model(team: Team) -> None:
    team.evidence = Page()
    await team.set("auto", owner_group="S0PLAT")
    team.model = None  # type: ignore[assignment]  # none is configured
    await team.asks(ASK)
    [answer] = await team.posts(team.help)
    assert "[Mailer](https://d.example/m)" in text_of(answer)


async def look(team: Team, minutes: float) -> list[Outcome]:
    """What the waiting looks at quiet threads come to, so long from now."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    commit = Commit(team.house.db, team.house.queue)
    quiet = QuietThread(commit, SuggestDocs(HelpThreads(team.house.db), LINKS), lambda: now)
    jobs: list[work.QuietThreadJob] = await team.house.take("quiet_thread")
    outcomes = [await quiet.run(job, CONTEXT) for job in jobs]
    await team.settle()
    return outcomes


async def answered(team: Team) -> str:
    asked = await team.asks(ASK)
    await team.asks(ANSWER, user=team.other, thread_ts=asked)
    await team.asks("works, thanks", thread_ts=asked)
    return asked


async def test_a_quiet_thread_is_asked_about_once_and_a_no_is_for_good(team: Team) -> None:
    await team.set(suggest_docs=True)
    asked = await answered(team)
    [job] = await team.house.jobs("quiet_thread")
    assert job.thread_ts == asked
    [early] = await look(team, 5)
    assert isinstance(early, Snooze)
    assert await team.posts(team.help) == []
    await team.asks("one more thing: it is fast", thread_ts=asked)
    assert await look(team, 241) == [Done()]
    [question] = await team.posts(team.help)
    assert question["thread_ts"] == asked
    assert labels(question) == ["Yes", "No"]
    assert "mailctl templates reload" in text_of(question)
    await team.click(team.help, question, "No")
    [after] = await team.posts(team.help)
    assert "I do not ask again" in text_of(after)
    await team.asks("and another word", user=team.other, thread_ts=asked)
    [late] = await look(team, 600)
    assert isinstance(late, Cancel)
    assert len(await team.posts(team.help)) == 1


async def test_a_yes_says_what_would_be_written_where(team: Team) -> None:
    await team.set(suggest_docs=True)
    await answered(team)
    await look(team, 300)
    [question] = await team.posts(team.help)
    await team.click(team.help, question, "Yes", team.other)
    [_, told] = await team.posts(team.help)
    assert "how-to/mailer-keep-its-templates.md" in text_of(told)
    assert "`mailctl templates reload`" in text_of(told)


async def test_a_yes_has_the_change_proposed_where_that_can_be(team: Team) -> None:
    await team.set(suggest_docs=True)
    asked = await answered(team)
    commit = Commit(team.house.db, team.house.queue)
    now = datetime.now(UTC) + timedelta(hours=5)
    suggest = SuggestDocs(HelpThreads(team.house.db), LINKS, proposes=True)
    for job in await team.house.take("quiet_thread"):
        await QuietThread(commit, suggest, lambda: now).run(job, CONTEXT)
    await team.settle()
    [question] = await team.posts(team.help)
    for _ in range(2):
        await team.click(team.help, question, "Yes", team.other)
    [shortcut] = await team.house.jobs("shortcut")
    assert (shortcut.channel_id, shortcut.ts, shortcut.user_id) == (team.help, asked, team.other)


@pytest.mark.parametrize("what", ["the question", "the answer"])
async def test_what_was_deleted_is_asked_about_no_more(team: Team, what: str) -> None:
    await team.set(suggest_docs=True)
    asked = await team.asks(ASK)
    told = await team.asks(ANSWER, user=team.other, thread_ts=asked)
    gone = asked if what == "the question" else told
    raw: dict[str, Any] = deleted(gone, f"{float(told) + 1:.6f}", channel=team.help)
    await team.house.hear(raw)
    await look(team, 300)
    assert await team.posts(team.help) == []


async def test_a_suggestion_that_waits_forgets_an_answer_that_is_deleted(team: Team) -> None:
    await team.set(suggest_docs=True)
    asked = await team.asks(ASK)
    told = await team.asks(ANSWER, user=team.other, thread_ts=asked)
    await look(team, 300)
    await team.house.hear(deleted(told, f"{float(told) + 1:.6f}", channel=team.help))
    [(state, markdown, effects)] = await team.house.rows("select state, markdown, effects from approvals")
    assert (state, markdown, effects) == ("withdrawn", "", [])


async def test_a_channel_that_was_switched_off_meanwhile_hears_nothing(team: Team) -> None:
    await team.set(suggest_docs=True)
    await answered(team)
    await team.set(suggest_docs=False)
    [outcome] = await look(team, 300)
    assert isinstance(outcome, Cancel)
    assert await team.posts(team.help) == []

"""Votes on answers, by button and by reaction, on a real database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from ratchet.domain.effects import Footer, Post, Reply
from ratchet.domain.events import Interaction, SlackEvent
from ratchet.pipeline import work
from ratchet.pipeline.approvers import Approvers
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.interact import Interact
from ratchet.pipeline.pages import events_of
from ratchet.pipeline.prune import Prune
from ratchet.pipeline.votes import click_ts
from ratchet.slack.parse import parse_envelope
from ratchet.slack.web import SlackWeb
from ratchet.store import answers
from ratchet.store.answers import Answers
from ratchet.store.outbox import Outbox
from tests.integration.pipeline.house import CONTEXT, ME, House, Raw, at, deleted, reacted, said

ASKED: Final = at(0)
POSTS: Final = (at(10), at(11))
RUN: Final = f"assistant:C1:{ASKED}"
KEY: Final = f"{RUN}:0"
ANSWER: Final = Reply(
    "C1", ASKED, "Run `x` again.", Footer("assistant", "small", prompt_hash="abc"), feedback=True
)
UP: Final = {"U1": 1}
DOWN: Final = {"U1": -1}


async def answered(house: House, posts: Sequence[str] = POSTS) -> None:
    """A question, and its answer in two messages."""
    await house.hear(said(ASKED, "<@U0ME> why?"))
    await Commit(house.db, house.queue).run(RUN, "assistant", [ANSWER])
    if posts:
        await Outbox(house.db).sent(KEY, posts)


def reaction(name: str, when: float, *, post: str = POSTS[0], user: str = "U1", added: bool = True) -> Raw:
    return reacted(post, name, at(when), added=added) | {"user": user}


def click(vote: str, when: float, *, user: str = "U1") -> Raw:
    """The payload of a click on a feedback button."""
    action = {"action_id": "feedback", "value": f"{vote}:{KEY}", "action_ts": at(when)}
    return {"type": "block_actions", "user": {"id": user}, "actions": [action]} | {
        "channel": {"id": "C1"},
        "message": {"ts": POSTS[-1], "thread_ts": ASKED},
    }


async def votes(house: House) -> dict[str, int]:
    found = await house.rows("select user_id, value from votes where key = %s", KEY)
    return dict(found)


class Clicks:
    """Hears events and clicks, one at a time, and runs the jobs of the clicks."""

    def __init__(self, house: House, slack: SlackWeb) -> None:
        self.house = house
        commit = Commit(house.db, house.queue)
        self.interact = Interact(Outbox(house.db), commit, slack, Approvers(slack))

    async def hear(self, *raws: Raw) -> None:
        for raw in raws:
            if raw["type"] == "block_actions":
                await self.house.intake.record([clicked(raw)])
                await self.house.work_off(self.interact.run, "interaction")
            else:
                await self.house.hear(raw)


def clicked(raw: Raw) -> SlackEvent:
    return parse_envelope({"type": "interactive", "envelope_id": "1", "payload": raw}, ME).event


@pytest.fixture
def clicks(house: House, web: SlackWeb) -> Clicks:
    return Clicks(house, web)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("+1", 1), ("+1::skin-tone-2", 1), ("thumbsup", 1), ("white_check_mark", 1),
        ("-1", -1), ("-1::skin-tone-6", -1), ("thumbsdown", -1), ("x", -1),
    ],
)  # fmt: skip
async def test_a_reaction_under_an_answer_is_a_vote(house: House, name: str, value: int) -> None:
    await answered(house)
    await house.hear(reaction(name, 20))
    assert await votes(house) == {"U1": value}


@pytest.mark.parametrize("name", ["eyes", "heavy_plus_sign", "x_ray", "skin-tone-2", "11"])
async def test_any_other_reaction_is_none(house: House, name: str) -> None:
    await answered(house)
    await house.hear(reaction(name, 20))
    assert await votes(house) == {}


async def test_a_reaction_that_is_taken_back_leaves_no_vote(house: House) -> None:
    await answered(house)
    await house.hear(reaction("+1", 20))
    await house.hear(reaction("+1", 30, added=False))
    assert await votes(house) == {}


async def test_a_reaction_under_either_message_of_an_answer_counts_once(house: House) -> None:
    await answered(house)
    await house.hear(reaction("+1", 20), reaction("+1", 21, post=POSTS[1]))
    assert await votes(house) == UP
    await house.hear(reaction("+1", 30, added=False))
    assert await votes(house) == UP
    await house.hear(reaction("+1", 31, post=POSTS[1], added=False))
    assert await votes(house) == {}


async def test_reactions_under_anything_else_are_no_votes(house: House) -> None:
    await answered(house)
    commit = Commit(house.db, house.queue)
    await commit.run(f"storm:C1:{ASKED}", "storm", [Post("C1", "20 alerts")])
    line = Reply("C1", ASKED, "Fires again.", Footer("runbook"))
    await commit.run(f"runbook:C1:{ASKED}", "runbook", [line])
    await Outbox(house.db).sent(f"storm:C1:{ASKED}:0", [at(12)])
    await Outbox(house.db).sent(f"runbook:C1:{ASKED}:0", [at(13)])
    await house.hear(*(reaction("+1", 20, post=post) for post in (ASKED, at(12), at(13), at(99))))
    assert await house.rows("select * from votes") == []


async def test_the_same_ts_in_another_channel_is_another_message(house: House) -> None:
    await answered(house)
    await house.hear(reacted(POSTS[0], "+1", at(20), channel="C2"))
    assert await votes(house) == {}


async def test_a_bot_has_no_vote(house: House) -> None:
    await answered(house)
    await house.rows("insert into people (id, name, bot) values ('U1', 'helper', true)")
    await house.hear(reaction("+1", 20), reaction("-1", 21, user="U2"))
    assert await votes(house) == {"U2": -1}


async def test_a_reaction_that_came_before_the_posts_ts_was_known_counts(house: House) -> None:
    await answered(house, posts=())
    await house.hear(reaction("-1", 20))
    assert await votes(house) == {}
    await Outbox(house.db).sent(KEY, POSTS)
    assert await votes(house) == DOWN


async def test_reactions_found_in_history_are_votes(house: House) -> None:
    await answered(house)
    own = said(POSTS[0], "Run `x` again.", thread_ts=ASKED, user="U0ME")
    page = [own | {"reactions": [{"name": "+1", "users": ["U1", "U2"]}]}]
    await house.intake.record_history(events_of(("C1", "public"), page, ME, at(60)))
    assert await votes(house) == {"U1": 1, "U2": 1}


async def test_the_latest_word_counts_whichever_way_it_was_said(house: House, clicks: Clicks) -> None:
    await answered(house)
    await clicks.hear(click("up", 20))
    assert await votes(house) == UP
    await clicks.hear(reaction("-1", 30))
    assert await votes(house) == DOWN
    await clicks.hear(click("up", 40))
    assert await votes(house) == UP
    await clicks.hear(click("down", 50), reaction("+1", 60))
    assert await votes(house) == UP
    await clicks.hear(reaction("+1", 70, added=False))
    assert await votes(house) == DOWN  # the click still stands, and so does the first reaction


async def test_order_and_number_of_deliveries_change_nothing(house: House, clicks: Clicks) -> None:
    """The vote follows from what stands: U1 took 👍 back after clicking up; U2's last word is 👎."""
    events = [
        click("up", 20),
        reaction("x", 15),
        reaction("+1", 30),
        reaction("+1", 31, added=False),
        reaction("+1", 22, user="U2"),
        reaction("-1::skin-tone-3", 25, user="U2"),
    ]
    await answered(house)
    for number, order in enumerate(itertools.islice(itertools.permutations(events), 0, 720, 29)):
        await house.rows("delete from votes")
        await house.rows("delete from reactions")
        await clicks.hear(*order, *order[: number % 3])
        assert await votes(house) == {"U1": 1, "U2": -1}, [json.dumps(raw) for raw in order]


async def test_an_earlier_click_that_is_run_later_changes_nothing(house: House, clicks: Clicks) -> None:
    await answered(house)
    await clicks.hear(click("down", 30), click("up", 20))
    assert await votes(house) == DOWN


async def test_a_click_of_a_job_that_says_no_time_counts_as_now(house: House, clicks: Clicks) -> None:
    await answered(house)
    await clicks.hear(click("down", 30))
    fields = {"interaction": "block_actions", "user_id": "U1", "action_id": "feedback", "value": f"up:{KEY}"}
    places = {"channel_id": None, "message_ts": None, "thread_ts": None}
    await clicks.interact.run(work.InteractionJob.model_validate(fields | places), CONTEXT)
    assert await votes(house) == UP


async def test_a_vote_of_the_version_before_is_a_click(house: House) -> None:
    """It wrote no more than key, person and value."""
    await answered(house)
    insert = "insert into votes (key, user_id, value, voted_at) values (%s, 'U1', 1, to_timestamp(%s))"
    await house.rows(insert, KEY, float(at(20)))
    await house.hear(reaction("-1", 30))
    assert await votes(house) == DOWN
    await house.hear(reaction("-1", 40, added=False))
    assert await votes(house) == UP


async def test_a_vote_on_an_answer_that_is_long_pruned_is_kept(house: House, clicks: Clicks) -> None:
    await answered(house)
    await house.hear(reaction("+1", 20))
    await house.rows("update outbox set created_at = now() - interval '91 days'")
    await house.rows("update answers set created_at = now() - interval '91 days'")
    await Prune(house.db).run()
    assert await house.rows("select key from answers") == []
    await clicks.hear(click("down", 30, user="U2"))
    assert await votes(house) == {"U1": 1, "U2": -1}


async def test_a_vote_says_when_it_was_given(house: House) -> None:
    await answered(house)
    await house.hear(reaction("+1", 20))
    [[voted_at]] = await house.rows("select voted_at from votes")
    assert abs(voted_at - datetime.fromtimestamp(float(at(20)), UTC)) < timedelta(milliseconds=1)


async def test_an_answer_is_remembered_with_what_it_was_made_from_and_no_text(house: House) -> None:
    await answered(house)
    columns = "key, handler, channel_id, thread_ts, asked_ts, model, prompt_hash"
    expected = (KEY, "assistant", "C1", ASKED, ASKED, "small", "abc")
    assert await house.rows(f"select {columns} from answers") == [expected]
    [[row]] = await house.rows("select answers::text from answers")
    assert "why" not in row
    assert "again" not in row


async def test_running_again_remembers_an_answer_once(house: House) -> None:
    await answered(house)
    await Commit(house.db, house.queue).run(RUN, "assistant", [ANSWER])
    assert await house.rows("select count(*) from answers") == [(1,)]


async def test_an_answer_whose_question_is_deleted_is_forgotten(house: House) -> None:
    await answered(house)
    await house.hear(deleted(ASKED, at(50)))
    assert await house.rows("select * from answers") == []
    await Commit(house.db, house.queue).run(f"{RUN}:again", "assistant", [ANSWER])
    assert await house.rows("select * from answers") == []


async def test_answers_are_found_by_what_people_thought_of_them(house: House) -> None:
    await answered(house)
    stored = Answers(house.db)
    assert await stored.rated("assistant") == []
    await house.hear(reaction("+1", 20), reaction("-1", 20, user="U2"))
    assert await stored.rated("assistant", "up") == await stored.rated("assistant", "down") == []
    await house.hear(reaction("+1", 20, user="U3"))
    [up] = await stored.rated("assistant", "up")
    assert (up.key, up.up, up.down, up.slack_ts) == (KEY, 2, 1, list(POSTS))
    assert await stored.rated("assistant") == [up]
    assert await stored.rated("assistant", "down") == await stored.rated("runbook") == []
    assert await stored.rated("assistant", since=datetime.now(UTC) + timedelta(hours=1)) == []


async def test_every_query_has_its_index(house: House) -> None:
    values: dict[str, Any] = {"keys": [KEY], "up": ["+1"], "down": ["-1"], "channels": ["C1"], "ts": [ASKED]}
    values |= {"handler": "assistant", "since": datetime.now(UTC), "rating": "all"}
    async with house.db.transaction() as conn:
        await conn.execute("set local enable_seqscan = off")
        for statement in (answers.KEYS_OF, answers.RECOUNT, answers.RATED):
            plan = await (await conn.execute(f"explain {statement}".encode(), values)).fetchall()
            assert not [line for (line,) in plan if "Seq Scan" in line], plan


def test_a_click_without_slacks_time_has_none() -> None:
    for actions in ([], None, "x", [1], [{"action_ts": "soon"}], [{"action_ts": 5}]):
        heard = Interaction("block_actions", "U1", "feedback", "up:k", None, None, None, {"actions": actions})
        assert click_ts(heard) is None

"""Drafts, configuration in words, follow-ups and greetings, from the event to what is visible in Slack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.domain.channels import Manners
from ratchet.domain.messages import Channel, ChannelMode
from ratchet.handlers import default_handlers
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler, Handlers
from ratchet.handlers.channel_monitor import ChannelMonitors
from ratchet.handlers.evidence import Gather
from ratchet.handlers.runbook import LearnRunbook, RunbookHandler, RunbookRequest, RunbookTeller
from ratchet.handlers.runbook_change import ChangeRunbook
from ratchet.handlers.runbook_writer import RunbookWriter
from ratchet.handlers.talk import Talk
from ratchet.handlers.unasked import Evidence
from ratchet.llm.budget import Usage
from ratchet.llm.turn import ToolResult, Turn, TurnResult
from ratchet.pipeline import work
from ratchet.pipeline.approvers import Approvers
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.deliver import Deliver
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.executable import CleanRoom
from ratchet.pipeline.greet import Greet
from ratchet.pipeline.intake import Intake
from ratchet.pipeline.interact import Interact
from ratchet.pipeline.monitors import MonitorFile
from ratchet.pipeline.progress import SlackProgress
from ratchet.slack.web import SlackWeb
from ratchet.store.approvals import OpenQuestions
from ratchet.store.channels import Channels
from ratchet.store.conversations import Conversations
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages
from ratchet.store.outbox import Outbox
from ratchet.store.reader import Reader
from ratchet.store.runbooks import Runbooks
from ratchet.tools.base import WorkspaceLinks
from tests.integration.pipeline.house import CONTEXT, ME, House, at, deleted, event, said

LINKS = WorkspaceLinks("https://team.slack.com/")


@dataclass
class Model:
    """Always finds the fix, and says so with its link; keeps the turns."""

    fix: str
    link: str
    more: str = ""
    turns: list[Turn] = field(default_factory=list)
    model: str = "scripted"

    async def run_turn(self, turn: Turn) -> TurnResult:
        self.turns.append(turn)
        found = ToolResult("search_messages", {}, {"messages": [{"permalink": self.link, "text": self.fix}]})
        text = f"Prune it with `bucketctl prune` ([Bo]({self.link})). {self.more}"
        return TurnResult(text, self.model, Usage(), (found,))


@dataclass
class Team:
    """A help channel with an answer in its past, and a channel for reviews."""

    house: House
    slack: LocalSlack
    web: SlackWeb
    help: str = ""
    review: str = ""
    person: str = ""
    other: str = ""
    evidence: Evidence | None = None

    async def prepare(self) -> None:
        control = self.slack.control
        self.person = await control.add_user("ana", real_name="Ana")
        self.other = await control.add_user("bo", real_name="Bo")
        self.help = await control.add_channel("help", members=[self.person])
        self.review = await control.add_channel("answers", members=[self.person])
        for channel, name in ((self.help, "help"), (self.review, "answers")):
            await Channels(self.house.db).upsert(Channel(channel, name))
        fix = "the bucket is full: run `bucketctl prune`"
        self.fixed = await self.hear(fix, user=self.other)
        self.model = Model(fix, LINKS(self.help, self.fixed))

    async def hear(self, text: str, *, user: str = "", thread_ts: str | None = None) -> str:
        """Somebody says something in the help channel. Its ts."""
        user = user or self.person
        ts = await self.slack.control.post(self.help, user, text, thread_ts=thread_ts)
        raw = said(ts, text, channel=self.help, user=user, thread_ts=thread_ts)
        await self.house.hear(raw | {"channel_type": "channel"})
        return ts

    @property
    def dispatch(self) -> Dispatch:
        db = self.house.db
        writer = RunbookWriter(Gather(Incidents(db), Messages(db)), Runbooks(db), Messages(db), None)
        teller = RunbookTeller(Channels(db), LINKS)
        handlers: Sequence[Handler | Handlers] = default_handlers(
            RunbookHandler(writer, teller, Incidents(db)),
            LearnRunbook(writer),
            RunbookRequest(writer, teller),
            ChangeRunbook(writer, Incidents(db), LINKS, Channels(db)),
            ChannelMonitors(MonitorFile(None), None, CleanRoom()),
            Assistant(Reader(db), LINKS, self.model),
            Talk(
                Channels(db),
                Conversations(db),
                LINKS,
                SlackProgress(self.web),
                OpenQuestions(db),
                self.evidence,
            ),
        )
        return Dispatch(db, self.house.queue, self.house.classifier, handlers, ME.user_id)

    async def settle(self) -> None:
        """All jobs are done."""
        dispatch, deliver = self.dispatch, Deliver(Outbox(self.house.db), self.web)
        await self.house.work_off(dispatch.run_message, "message")
        await self.house.work_off(dispatch.run_handler, "handler")
        await self.house.work_off(deliver.run, "deliver")

    async def asks(self, text: str, *, user: str = "", thread_ts: str | None = None) -> str:
        """The same, and all that follows from it is done."""
        ts = await self.hear(text, user=user, thread_ts=thread_ts)
        await self.settle()
        return ts

    async def click(self, channel: str, message: dict[str, Any], label: str, user: str = "") -> None:
        """Somebody clicks the button of that label; what follows is done."""
        buttons = [e for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]
        [button] = [button for button in buttons if button["text"]["text"] == label]
        commit = Commit(self.house.db, self.house.queue)
        job = work.InteractionJob(
            interaction="block_actions",
            user_id=user or self.person,
            action_id=button["action_id"],
            value=button["value"],
            channel_id=channel,
            message_ts=message["ts"],
            thread_ts=None,
        )
        interact = Interact(Outbox(self.house.db), commit, self.web, Approvers(self.web))
        await interact.run(job, CONTEXT)
        await self.settle()

    async def posts(self, channel: str) -> list[dict[str, Any]]:
        """What Ratchet said there, as it stands."""
        bot = self.slack.workspace.bot.bot_id
        return [m for m in await self.slack.control.messages(channel) if m.get("bot_id") == bot]

    async def set(self, mode: ChannelMode | None = None, **changes: Any) -> None:
        assert await Channels(self.house.db).configure(self.help, mode, changes) is not None

    async def channel(self) -> Channel:
        channel = await Channels(self.house.db).get(self.help)
        assert channel is not None
        return channel


def text_of(message: dict[str, Any]) -> str:
    """What people read."""
    return "\n".join(b.get("text", "") for b in message["blocks"] if isinstance(b.get("text"), str))


def labels(message: dict[str, Any]) -> list[str]:
    return [e["text"]["text"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]


@pytest.fixture
async def team(house: House, slack: LocalSlack, web: SlackWeb) -> Team:
    team = Team(house, slack, web)
    await team.prepare()
    return team


MENTION = f"<@{ME.user_id}>"
ASK = "why does the upload fail every night?"


async def drafted(team: Team, text: str = f"{MENTION} {ASK}") -> tuple[str, dict[str, Any]]:
    """The question's ts, and the draft of its answer."""
    await team.set("draft", review_channel=team.review)
    asked = await team.asks(text)
    [draft] = await team.posts(team.review)
    assert await team.posts(team.help) == []
    return asked, draft


@pytest.mark.parametrize("text", [f"{MENTION} {ASK}", ASK], ids=["asked", "unasked"])
async def test_a_draft_is_posted_in_the_thread_by_a_click_and_only_then(team: Team, text: str) -> None:
    asked, draft = await drafted(team, text)
    assert labels(draft) == ["Post", "Discard"]
    assert "Prune it with `bucketctl prune`" in text_of(draft)
    assert LINKS(team.help, asked) in text_of(draft)
    await team.click(team.review, draft, "Post")
    [answer] = await team.posts(team.help)
    assert answer["thread_ts"] == asked
    assert text_of(answer).startswith("Prune it with `bucketctl prune`")
    [after] = await team.posts(team.review)
    assert labels(after) == []
    assert "✅ Posted by" in text_of(after)
    assert "bucketctl" not in text_of(after)


async def test_a_discarded_draft_leaves_nothing(team: Team) -> None:
    asked, draft = await drafted(team)
    await team.click(team.review, draft, "Discard")
    assert await team.posts(team.help) == []
    [after] = await team.posts(team.review)
    assert "❌ Discarded by" in text_of(after)
    assert "bucketctl" not in str(after)
    assert "bucketctl" not in str(await team.house.rows("select markdown, effects, turn from approvals"))
    assert await team.house.rows("select effect from outbox where effect is not null") == []
    await team.click(team.review, draft, "Post")
    assert await team.posts(team.help) == []
    assert asked


async def test_two_clicks_post_once(team: Team) -> None:
    _, draft = await drafted(team)
    await team.click(team.review, draft, "Post")
    await team.click(team.review, draft, "Post", team.other)
    await team.click(team.review, draft, "Discard", team.other)
    assert len(await team.posts(team.help)) == 1
    [after] = await team.posts(team.review)
    assert f"✅ Posted by <@{team.person}>" in text_of(after)


async def test_of_a_long_draft_nothing_is_left_behind(team: Team) -> None:
    team.model.more = "\n\n".join(f"step {n}: {'word ' * 80}" for n in range(60))
    await team.set("draft", review_channel=team.review)
    await team.asks(f"{MENTION} {ASK}")
    parts = await team.posts(team.review)
    assert len(parts) > 1
    await team.click(team.review, parts[-1], "Discard")
    [after] = await team.posts(team.review)
    assert "step" not in str(after)


@pytest.mark.parametrize("gone", ["question", "source"])
async def test_a_draft_goes_with_the_question_and_with_what_it_quotes(team: Team, gone: str) -> None:
    asked, draft = await drafted(team)
    ts = asked if gone == "question" else team.fixed
    await team.house.hear(deleted(ts, f"{float(asked) + 60:.6f}", channel=team.help))
    assert "bucketctl" not in str(await team.house.rows("select markdown, effects from approvals"))
    await team.click(team.review, draft, "Post")
    assert await team.posts(team.help) == []
    [after] = await team.posts(team.review)
    assert "It was not posted." in text_of(after)


async def test_a_draft_for_a_channel_that_was_switched_off_is_not_posted(team: Team) -> None:
    _, draft = await drafted(team)
    await team.set("off")
    await team.click(team.review, draft, "Post")
    assert await team.posts(team.help) == []


async def test_where_no_one_can_review_them_there_are_no_drafts(team: Team) -> None:
    await team.set("draft", review_channel=team.review)
    await Channels(team.house.db).configure(team.review, "off", {})
    await team.asks(f"{MENTION} {ASK}")
    await team.asks(ASK)
    assert [await team.posts(one) for one in (team.help, team.review)] == [[], []]
    assert team.model.turns == []


async def test_in_mode_auto_a_question_is_answered_and_chat_is_not(team: Team) -> None:
    await team.set("auto")
    asked = await team.asks(ASK)
    await team.asks("the upload fails every night")
    await team.asks(f"<@{team.other}> {ASK}")
    [answer] = await team.posts(team.help)
    assert answer["thread_ts"] == asked
    assert "[module:unasked]" in str(answer["blocks"])


async def test_in_mode_mention_nobody_is_answered_unasked(team: Team) -> None:
    await team.asks(ASK)
    assert await team.house.rows("select key from handler_runs") == []
    assert team.model.turns == []


async def test_it_says_only_so_much_unasked_in_an_hour(team: Team) -> None:
    await team.set("auto")
    for n in range(8):
        await team.asks(f"why does the upload of disk {n} fail every night?")
    assert len(await team.posts(team.help)) == 6
    assert len(team.model.turns) == 6


async def test_questions_are_answered_one_after_the_other_in_a_channel(team: Team) -> None:
    await team.set("auto")
    for n in range(3):
        await team.hear(f"why does the upload of disk {n} fail every night?")
    await team.house.work_off(team.dispatch.run_message, "message")
    jobs = await team.house.jobs("handler")
    assert len({job.serial_key() for job in jobs}) == 1
    assert len(jobs) == 3


async def test_a_follow_up_needs_no_mention_where_the_channel_wants_it_so(team: Team) -> None:
    asked = await team.asks(f"{MENTION} {ASK}")
    await team.asks("and what if that fails too", thread_ts=asked)
    assert len(team.model.turns) == 1
    await team.set(follow_ups=True)
    await team.asks("and what if that fails twice", thread_ts=asked)
    assert len(team.model.turns) == 2
    assert [answer["thread_ts"] for answer in await team.posts(team.help)] == [asked, asked]
    await team.asks("thanks!", thread_ts=asked)
    await team.asks("I would ask the storage people", user=team.other, thread_ts=asked)
    await team.asks("ok then what about backups", thread_ts=asked)
    assert len(team.model.turns) == 2


async def test_people_talking_in_threads_put_no_jobs_where_nobody_wants_follow_ups(team: Team) -> None:
    intake = Intake(team.house.db, team.house.queue, team.house.classifier, team.dispatch.interest)
    reply = said(at(60), "and then we restart it", thread_ts=at(0), channel=team.help)
    await team.house.take("message")
    await intake.record([event(reply), event(said(at(61), ASK, channel=team.help))])
    assert await team.house.jobs("message") == []
    await team.set("auto", follow_ups=True)
    again = [
        said(at(62), "and then?", thread_ts=at(0), channel=team.help),
        said(at(63), ASK, channel=team.help),
    ]
    await intake.record([event(raw) for raw in again])
    assert [job.ts for job in await team.house.jobs("message")] == [at(62), at(63)]


async def test_a_channel_is_set_in_words_by_a_click_and_only_then(team: Team) -> None:
    asked = await team.asks(f"{MENTION} answer questions here on your own")
    [question] = await team.posts(team.help)
    assert "- `mode`: mention → **auto**" in text_of(question)
    assert labels(question) == ["Approve", "Reject"]
    assert (await team.channel()).mode == "mention"
    await team.click(team.help, question, "Approve", team.other)
    channel = await team.channel()
    assert (channel.mode, channel.manners) == ("auto", Manners())
    [audit] = await team.house.rows("select who, action, attrs->>'handler' from audit")
    assert audit == (team.other, "approval_approved", "configure")
    assert question["thread_ts"] == asked
    assert team.model.turns == []


async def test_a_rejected_change_changes_nothing(team: Team) -> None:
    await team.asks(f"{MENTION} stop posting runbooks here")
    [question] = await team.posts(team.help)
    await team.click(team.help, question, "Reject")
    assert (await team.channel()).manners == Manners()
    assert "❌ Rejected by" in text_of((await team.posts(team.help))[0])


async def test_two_settings_one_after_the_other_do_not_undo_each_other(team: Team) -> None:
    await team.asks(f"{MENTION} stop posting runbooks here")
    await team.asks(f"{MENTION} answer questions here on your own")
    first, second = await team.posts(team.help)
    await team.click(team.help, second, "Approve")
    await team.click(team.help, first, "Approve")
    channel = await team.channel()
    assert (channel.mode, channel.manners) == ("auto", Manners(runbooks=False))


async def test_who_opens_a_conversation_is_greeted_once_and_offered_questions(team: Team) -> None:
    channel, thread_ts = await team.slack.control.open_conversation("ana")
    thread = {"user_id": team.person, "channel_id": channel, "thread_ts": thread_ts, "context": {}}
    started = {"type": "assistant_thread_started", "assistant_thread": thread, "event_ts": at(1)}
    greet = Greet(Commit(team.house.db, team.house.queue), SlackProgress(team.web))
    for _ in range(2):
        await team.house.hear(started)
        await team.house.work_off(greet.run, "greet")
        await team.settle()
    greeting = [m for m in await team.posts(channel) if "blocks" in m]
    assert [m["thread_ts"] for m in greeting] == [thread_ts]
    assert "Hello. Ask me about" in text_of(greeting[0])
    state = await team.slack.control.read("state")
    [offered] = state["prompts"]
    assert offered["thread_ts"] == thread_ts
    assert "What is open right now?" in [prompt["title"] for prompt in offered["prompts"]]


async def test_the_tab_with_the_messages_offers_questions_and_says_nothing(team: Team) -> None:
    channel = await team.slack.control.direct_channel("ana")
    opened = {"type": "app_home_opened", "user": team.person, "channel": channel, "tab": "messages"}
    await team.house.hear(opened | {"event_ts": at(1)})
    greet = Greet(Commit(team.house.db, team.house.queue), SlackProgress(team.web))
    await team.house.work_off(greet.run, "greet")
    await team.settle()
    assert await team.posts(channel) == []
    [offered] = (await team.slack.control.read("state"))["prompts"]
    assert (offered["channel"], offered["thread_ts"]) == (channel, "")


async def test_what_slack_does_not_take_is_not_missed(team: Team) -> None:
    progress = SlackProgress(team.web)
    await progress.status("C0NONE", at(0), "is thinking…")
    await progress.title("C0NONE", at(0), "why?")
    await progress.prompts("C0NONE", None, {"a": "b"})
    await progress.working("C0NONE", at(0), on=True)
    muted = SlackProgress(team.web, muted=True)
    await muted.status(team.help, team.fixed, "is thinking…")
    await muted.working(team.help, team.fixed, on=True)
    state = await team.slack.control.read("state")
    assert (state["statuses"], state["sessions"]) == ([], [])

"""From the outbox to a Slack on localhost, with every way a post can go wrong in between."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.domain.effects import DirectMessage, Footer, Post, React, Reply, Upload
from ratchet.domain.errors import Transient
from ratchet.jobs.base import Done, Snooze
from ratchet.pipeline import work
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.deliver import Deliver
from ratchet.slack.render import render
from ratchet.slack.web import SlackWeb
from ratchet.store import outbox
from ratchet.store.outbox import NewRow, Outbox
from tests.integration.pipeline.house import CONTEXT, House

KEY = "echo:C1:1760000000.000100:0"
LONG = "\n\n".join(f"paragraph {n} " + "word " * 60 for n in range(120))
JOB = work.DeliverJob(key=KEY, channel_id="C1")


class Scene:
    """A thread in a channel, and an effect in the outbox that answers in it."""

    def __init__(self, house: House, slack: LocalSlack, web: SlackWeb) -> None:
        self.house, self.slack, self.web = house, slack, web
        self.outbox = Outbox(house.db)
        self.channel = self.root = self.person = ""

    async def prepare(self) -> None:
        control = self.slack.control
        self.channel = await control.add_channel("ops")
        self.person = await control.add_user("ada", email="ada@example.com")
        self.root = await control.post(self.channel, self.person, "it burns")

    def reply(self, markdown: str = "try this") -> Reply:
        return Reply(self.channel, self.root, markdown, Footer("echo"))

    async def put(self, effect: Reply | Post | React | DirectMessage) -> None:
        async with self.house.db.transaction() as conn:
            await outbox.add(conn, [NewRow(KEY, "echo", self.channel, self.root, asdict(effect))])

    async def deliver(self, dev_channel: str | None = None) -> None:
        assert await Deliver(self.outbox, self.web, dev_channel).run(JOB, CONTEXT) == Done()

    async def fails(self, **fault: Any) -> None:
        """A delivery that ends in `Transient`."""
        await self.slack.control.fail("chat.postMessage", **fault)
        with pytest.raises(Transient):
            await Deliver(self.outbox, self.web).run(JOB, CONTEXT)
        await self.slack.control.heal()

    async def visible(self, channel: str = "") -> list[tuple[Any, Any]]:
        """Our posts: part and thread."""
        return [
            (m["metadata"]["event_payload"]["part"], m.get("thread_ts"))
            for m in await self.slack.control.messages(channel or self.channel)
            if "metadata" in m
        ]

    async def row(self) -> tuple[Any, ...]:
        found = await self.house.rows("select state, effect is null, cardinality(slack_ts) from outbox")
        return tuple(found[0])


@pytest.fixture
async def scene(house: House, slack: LocalSlack, web: SlackWeb) -> Scene:
    scene = Scene(house, slack, web)
    await scene.prepare()
    return scene


async def test_a_reply_becomes_visible_in_its_thread_and_its_text_is_dropped_here(scene: Scene) -> None:
    await scene.put(scene.reply())
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]
    assert await scene.row() == ("sent", True, 1)


async def test_a_delivery_that_is_repeated_posts_no_more(scene: Scene) -> None:
    await scene.put(scene.reply())
    for _ in range(3):
        await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]


async def test_a_post_whose_answer_was_lost_is_found_by_its_key_and_not_made_again(scene: Scene) -> None:
    await scene.put(scene.reply())
    await scene.fails(status=503, when="after", times=1)
    assert await scene.row() == ("sending", False, 0)
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]
    assert await scene.row() == ("sent", True, 1)


async def test_a_post_in_the_channel_whose_answer_was_lost_is_found_too(scene: Scene) -> None:
    await scene.put(Post(scene.channel, "weekly report"))
    await scene.fails(when="after", hang_up=True, times=1)
    await scene.slack.control.post(scene.channel, scene.person, "somebody talks in between")
    await scene.deliver()
    assert await scene.visible() == [(0, None)]


async def test_a_post_that_never_arrived_is_made_by_the_next_attempt(scene: Scene) -> None:
    await scene.put(scene.reply())
    await scene.fails(status=500, times=1)
    assert await scene.visible() == []
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]


async def test_a_long_answer_goes_on_after_the_parts_that_are_visible(scene: Scene) -> None:
    effect = scene.reply(LONG)
    parts = render(effect, KEY)
    assert len(parts) > 2
    await scene.put(effect)
    await scene.outbox.begin(KEY)  # as the process does that is killed after two parts
    for number in (0, 1):
        await scene.web.post(scene.channel, parts[number], key=KEY, part=number, thread_ts=scene.root)
    await scene.deliver()
    assert [part for part, _ in await scene.visible()] == list(range(len(parts)))
    assert await scene.row() == ("sent", True, len(parts))


async def test_a_long_answer_whose_posts_fail_now_and_then_is_visible_once_and_in_order(scene: Scene) -> None:
    effect = scene.reply(LONG)
    await scene.put(effect)
    for when in ("after", "before", "after"):
        await scene.fails(status=503, when=when, probability=0.7, seed=3)
    await scene.deliver()
    assert [part for part, _ in await scene.visible()] == list(range(len(render(effect, KEY))))


async def test_a_post_that_slack_put_off_was_not_begun(scene: Scene) -> None:
    await scene.put(scene.reply())
    await scene.fails(status=429, retry_after=7, times=1)
    assert await scene.row() == ("pending", False, 0)
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]
    calls = (await scene.slack.control.counters()).api_calls
    assert calls.get("conversations.replies", 0) == 0, "there was nothing to look for"


async def test_a_post_put_off_after_its_answer_was_lost_is_still_looked_for(scene: Scene) -> None:
    await scene.put(scene.reply())
    await scene.fails(status=503, when="after", times=1)
    await scene.slack.control.fail("conversations.replies", status=429, times=1)
    with pytest.raises(Transient):
        await Deliver(scene.outbox, scene.web).run(JOB, CONTEXT)
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]


async def test_a_post_never_made_and_then_put_off_is_looked_for_again(scene: Scene) -> None:
    """The first attempt's fate is unknown for as long as Slack is slow to show it."""
    await scene.put(scene.reply())
    await scene.fails(status=503, times=1)
    await scene.fails(status=429, times=1)
    await scene.deliver()
    assert await scene.visible() == [(0, scene.root)]
    assert (await scene.slack.control.counters()).api_calls.get("conversations.replies", 0) == 2


async def test_what_slack_refuses_is_given_up_and_its_text_dropped(scene: Scene) -> None:
    await scene.put(scene.reply("a secret"))
    await scene.slack.control.archive(scene.channel)
    await scene.deliver()
    assert await scene.row() == ("refused", True, 0)
    assert "secret" not in str(await scene.house.rows("select error, effect from outbox"))
    await scene.slack.control.archive(scene.channel, archived=False)
    await scene.deliver()
    assert await scene.visible() == []


async def test_everything_goes_to_the_dev_channel_when_there_is_one(scene: Scene) -> None:
    dev = await scene.slack.control.add_channel("dev")
    await scene.put(scene.reply())
    await scene.deliver(dev)
    assert await scene.visible() == []
    assert await scene.visible(dev) == [(0, None)]


async def test_a_reaction_that_was_given_already_is_as_good(scene: Scene) -> None:
    await scene.web.react(scene.channel, scene.root, "eyes")
    await scene.put(React(scene.channel, scene.root, "eyes"))
    await scene.deliver()
    (message,) = await scene.slack.control.messages(scene.channel)
    assert [reaction["count"] for reaction in message["reactions"]] == [1]
    assert await scene.row() == ("sent", True, 0)


async def test_a_person_is_written_to_by_address(scene: Scene) -> None:
    await scene.put(DirectMessage("hello", email="ada@example.com"))
    await scene.deliver()
    direct = await scene.slack.control.direct_channel(scene.person)
    assert await scene.visible(direct) == [(0, None)]


async def test_a_row_that_is_gone_is_done(scene: Scene) -> None:
    await scene.deliver()
    assert await scene.visible() == []


PICTURE = Upload("C1", "report-1.png", "Alerts per day", "iVBORw0KGgo=", under=0)


async def put_report(scene: Scene) -> tuple[work.DeliverJob, work.DeliverJob]:
    """A message and the file under it; the jobs of both."""
    effects = (Post(scene.channel, "the report"), replace(PICTURE, channel_id=scene.channel))
    await Commit(scene.house.db, scene.house.queue).run("weekly:1", "weekly", effects)
    first, second = sorted(await scene.house.take("deliver"), key=lambda job: str(job.key))
    return first, second


async def shared(scene: Scene) -> list[tuple[str, str]]:
    """Files in the channel: name, and the text of the message whose thread they are in."""
    messages = scene.slack.workspace.channels[scene.channel].messages
    texts = {str(message["ts"]): str(message.get("text", "")) for message in messages.values()}
    return [
        (str(one["name"]), texts[str(message["thread_ts"])])
        for message in messages.values()
        for one in message.get("files", [])
    ]


async def test_a_file_goes_under_its_message_once_that_is_visible(scene: Scene) -> None:
    message, file = await put_report(scene)
    deliver = Deliver(scene.outbox, scene.web)
    assert isinstance(await deliver.run(file, CONTEXT), Snooze)
    assert await deliver.run(message, CONTEXT) == Done()
    assert await deliver.run(file, CONTEXT) == Done()
    assert await deliver.run(file, CONTEXT) == Done()
    assert await shared(scene) == [("report-1.png", "the report")]


async def test_a_file_that_was_shared_before_a_crash_is_not_shared_again(scene: Scene) -> None:
    message, file = await put_report(scene)
    deliver = Deliver(scene.outbox, scene.web)
    await deliver.run(message, CONTEXT)
    row = await scene.outbox.get(message.key)
    assert row is not None
    await scene.outbox.begin(file.key)
    await scene.web.upload(scene.channel, "report-1.png", b"x", title="t", thread_ts=row.slack_ts[0])
    assert await deliver.run(file, CONTEXT) == Done()
    assert await shared(scene) == [("report-1.png", "the report")]


async def test_a_file_whose_message_was_refused_is_given_up(scene: Scene) -> None:
    message, file = await put_report(scene)
    await scene.outbox.refused(message.key, "channel_not_found")
    assert await Deliver(scene.outbox, scene.web).run(file, CONTEXT) == Done()
    row = await scene.outbox.get(file.key)
    assert row is not None
    assert row.state == "refused"
    assert await shared(scene) == []

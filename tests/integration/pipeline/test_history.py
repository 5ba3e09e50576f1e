"""Onboarding, threads and gaps, read from a Slack on localhost that fails now and then."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from localslack import LocalSlack, webhooks
from ratchet.domain.errors import Transient
from ratchet.jobs.base import Cancel, Done, Snooze
from ratchet.pipeline import work
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.history import History
from ratchet.pipeline.pages import Pages
from ratchet.pipeline.recover import Recover
from ratchet.slack.web import SlackWeb
from ratchet.store.channels import Channels
from tests.integration.pipeline.house import CONTEXT, ME, House, alert_said, edited, said

TEXTS = "select attrs->'payload'->>'text' from messages order by ts"


class Scene:
    def __init__(self, house: House, slack: LocalSlack, web: SlackWeb) -> None:
        self.house, self.slack, self.web = house, slack, web
        self.channel = self.person = ""
        self.late = 0.0

    async def prepare(self) -> None:
        self.channel = await self.slack.control.add_channel("ops")
        self.person = await self.slack.control.add_user("ada")
        self.me = (await self.web.auth_test()).identity

    @property
    def pages(self) -> Pages:
        house = self.house
        return Pages(house.db, house.queue, house.intake, self.web, self.me, self.now)

    def history(self, limit: int = 1000) -> History:
        return History(self.pages, limit)

    @property
    def recovery(self) -> Recover:
        return Recover(self.pages)

    def now(self) -> float:
        return time.time() + self.late

    async def write(self, text: str, **more: Any) -> str:
        return await self.slack.control.post(self.channel, self.person, text, **more)

    async def fire(self, *, firing: bool = True) -> str:
        hook = await self.slack.control.webhook(self.channel, "Alertmanager")
        raw = alert_said("1760000000.000100", firing=firing)
        payload = {key: raw[key] for key in ("attachments", "username")}
        path = urlsplit(hook).path.removeprefix("/services/")
        return str(webhooks.receive(self.slack.workspace, path, payload)["ts"])

    async def onboard(self, limit: int = 1000) -> None:
        assert await self.history(limit).onboard(work.OnboardJob(channel_id=self.channel), CONTEXT) == Done()
        await self.house.work_off(self.history().thread, "thread")

    async def recover(self) -> None:
        """A connection is made anew."""
        await self.recovery.mark_gaps()
        await self.house.work_off(self.recovery.run, "recover")
        await self.house.work_off(self.history().thread, "thread")

    async def texts(self) -> list[str]:
        return [row[0] for row in await self.house.rows(TEXTS)]

    async def live(self) -> list[str]:
        """Texts of the messages that handlers will be asked about."""
        found = []
        for job in await self.house.take("message"):
            if job.live:
                query = "select text from messages where ts = %s"
                found += [row[0] for row in await self.house.rows(query, job.ts)]
        return found


@pytest.fixture
async def scene(house: House, slack: LocalSlack, web: SlackWeb) -> Scene:
    scene = Scene(house, slack, web)
    await scene.prepare()
    return scene


async def test_onboarding_reads_the_newest_messages_with_their_threads_and_reactions(scene: Scene) -> None:
    posted = [await scene.write(f"m{n}") for n in range(12)]
    await scene.write("reply", thread_ts=posted[-1])
    await scene.slack.control.react(scene.channel, posted[-1], scene.person, "eyes")
    await scene.onboard(limit=10)
    assert await scene.texts() == [f"m{n}" for n in range(2, 12)] + ["reply"]
    assert await scene.house.rows("select reaction, present from reactions") == [("eyes", True)]
    assert await scene.live() == []
    channel = await Channels(scene.house.db).get(scene.channel)
    assert channel is not None
    assert (channel.name, channel.kind, channel.member) == ("ops", "public", True)


async def test_onboarding_that_was_cut_short_goes_on_where_it_was(scene: Scene) -> None:
    for n in range(520):
        await scene.write(f"m{n}")
    job = work.OnboardJob(channel_id=scene.channel)
    await scene.slack.control.fail("conversations.history", status=503, probability=0.5, seed=2)
    failures = 0
    for _ in range(40):
        try:
            await scene.history().onboard(job, CONTEXT)
        except Transient:
            failures += 1
            continue
        break
    assert failures
    assert await scene.texts() == [f"m{n}" for n in range(520)]
    calls = (await scene.slack.control.counters()).api_calls["conversations.history"]
    assert calls - failures <= 4, "no page is read twice"
    progress = await Channels(scene.house.db).onboarding(scene.channel)
    assert progress is not None
    assert progress.onboarding == "done"


async def test_onboarding_a_channel_we_may_not_read_is_given_up(scene: Scene) -> None:
    outcome = await scene.history().onboard(work.OnboardJob(channel_id="C0NOWHERE"), CONTEXT)
    assert isinstance(outcome, Cancel)


async def test_a_long_thread_is_read_to_its_end(scene: Scene) -> None:
    root = await scene.write("root")
    for n in range(450):
        await scene.write(f"r{n}", thread_ts=root)
    await scene.onboard()
    assert await scene.texts() == ["root", *(f"r{n}" for n in range(450))]


async def test_a_gap_is_filled_with_what_was_written_edited_and_deleted_in_it(scene: Scene) -> None:
    stays, changes, goes = [await scene.write(text) for text in ("stays", "changes", "goes")]
    old_reply = await scene.write("reply that goes", thread_ts=stays)
    await scene.onboard()
    control = scene.slack.control
    await scene.write("missed")
    await scene.write("missed reply", thread_ts=stays)
    await scene.write("first reply", thread_ts=changes)
    await control.edit(scene.channel, changes, text="changed")
    await control.delete(scene.channel, goes)
    await control.delete(scene.channel, old_reply)
    scene.late = 10  # what was stored a moment ago counts as newer than Slack's answer
    await scene.recover()
    assert sorted(await scene.texts()) == ["changed", "first reply", "missed", "missed reply", "stays"]
    assert await scene.house.rows("select recover_from from channels where recover_from is not null") == []


async def test_an_open_alert_that_was_resolved_by_edit_in_the_gap_is_closed(scene: Scene) -> None:
    fired = await scene.fire()
    await scene.onboard()
    assert await scene.house.rows("select closed_at from incidents") == [(None,)]
    resolved = alert_said(fired, firing=False)["attachments"]
    await scene.slack.control.edit(scene.channel, fired, attachments=resolved)
    # Long ago, so that only the open incident leads back to it.
    await scene.house.rows("update channels set last_seen_ts = %s", f"{float(fired) + 90_000:.6f}")
    await scene.recover()
    dispatch = Dispatch(scene.house.db, scene.house.queue, scene.house.classifier, [], ME.user_id)
    await scene.house.work_off(dispatch.run_message, "message")
    assert await scene.house.rows("select firings, closed_at is not null from incidents") == [(1, True)]


async def test_a_mention_missed_a_moment_ago_is_answered(scene: Scene) -> None:
    root = await scene.write("before")
    await scene.onboard()
    await scene.write("<@U0ME> help")
    await scene.write("<@U0ME> help here too", thread_ts=root)
    await scene.recover()
    assert sorted(await scene.live()) == ["<@U0ME> help", "<@U0ME> help here too"]


async def edit_heard(scene: Scene, ts: str, text: str) -> None:
    """Somebody corrects a message that we never got, and that is the first thing we hear again."""
    await scene.slack.control.edit(scene.channel, ts, text=text)
    raw = said(ts, text, channel=scene.channel, user=scene.person)
    await scene.recovery.mark_gaps()
    await scene.house.hear(edited(raw, f"{scene.now():.6f}"))


async def test_a_missed_mention_is_answered_though_its_edit_leads_to_it_first(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    asked = await scene.write("<@U0ME> hlep")
    await edit_heard(scene, asked, "<@U0ME> help")
    await scene.house.work_off(scene.history().thread, "thread")
    await scene.recover()
    assert await scene.live() == ["<@U0ME> help"]


async def test_a_missed_mention_under_a_message_that_was_edited_is_answered(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    root = await scene.write("it brkoe")
    await scene.write("<@U0ME> help", thread_ts=root)
    await edit_heard(scene, root, "it broke")
    await scene.recover()
    assert sorted(await scene.live()) == ["<@U0ME> help", "it broke"]


async def test_an_edit_of_a_message_from_before_our_time_makes_no_news_of_it(scene: Scene) -> None:
    old = await scene.write("<@U0ME> hlep")
    await scene.onboard(limit=0)
    await scene.slack.control.edit(scene.channel, old, text="<@U0ME> help")
    raw = said(old, "<@U0ME> help", channel=scene.channel, user=scene.person)
    await scene.house.hear(edited(raw, f"{scene.now():.6f}"))
    await scene.house.work_off(scene.history().thread, "thread")
    assert await scene.live() == []


async def test_a_mention_missed_long_ago_is_recorded_and_not_answered(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    await scene.write("<@U0ME> help")
    scene.late = 3600
    await scene.recover()
    assert await scene.live() == []
    assert await scene.texts() == ["before", "<@U0ME> help"]


async def test_recovering_again_changes_nothing_and_answers_nothing_twice(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    await scene.write("missed")
    await scene.recover()
    assert await scene.live() == ["missed"]
    await scene.recover()
    assert await scene.live() == []


async def test_a_recovery_cut_short_starts_again(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    for n in range(250):
        await scene.write(f"m{n}")
    await scene.recovery.mark_gaps()
    await scene.slack.control.fail("conversations.history", status=503, probability=0.6, seed=4)
    waiting = await scene.house.take("recover")
    for _ in range(40):
        for job in waiting:
            with suppress(Transient):
                await scene.recovery.run(job, CONTEXT)
                waiting = await scene.house.take("recover")  # where it goes on, if it was interrupted
    assert await scene.texts() == ["before", *(f"m{n}" for n in range(250))]
    assert await Channels(scene.house.db).gap(scene.channel) is None


async def test_a_gap_of_several_pages_is_filled_without_a_hole_and_its_deletions_found(scene: Scene) -> None:
    old = [await scene.write(f"old{n}") for n in range(230)]
    await scene.onboard()
    for n in range(230):
        await scene.write(f"new{n}")
    for n in (0, 100, 229):
        await scene.slack.control.delete(scene.channel, old[n])
    scene.late = 10
    await scene.recover()
    left = [f"old{n}" for n in range(230) if n not in (0, 100, 229)]
    assert await scene.texts() == left + [f"new{n}" for n in range(230)]


async def test_live_events_that_arrive_first_do_not_hide_the_gap(scene: Scene) -> None:
    await scene.write("before")
    await scene.onboard()
    await scene.write("missed")
    await scene.recovery.mark_gaps()
    after = await scene.write("after")
    raw = {"type": "message", "channel": scene.channel, "user": scene.person, "text": "after"}
    await scene.house.hear(raw | {"ts": after, "event_ts": after})
    await scene.recover()
    assert await scene.texts() == ["before", "missed", "after"]


async def test_what_was_stored_after_the_gap_began_and_deleted_before_it_was_filled_is_gone(
    scene: Scene,
) -> None:
    await scene.write("before")
    await scene.onboard()
    await scene.recovery.mark_gaps()
    goes = await scene.write("goes")
    raw = {"type": "message", "channel": scene.channel, "user": scene.person, "text": "goes"}
    await scene.house.hear(raw | {"ts": goes, "event_ts": goes})
    await scene.slack.control.delete(scene.channel, goes)
    scene.late = 10
    await scene.recover()
    assert await scene.texts() == ["before"]


async def test_what_is_missing_in_slack_but_was_said_a_moment_ago_is_looked_for_again(scene: Scene) -> None:
    root = await scene.write("root")
    reply = await scene.write("reply", thread_ts=root)
    goes = await scene.write("goes")
    await scene.onboard()
    await scene.slack.control.delete(scene.channel, reply)
    await scene.slack.control.delete(scene.channel, goes)
    await scene.recovery.mark_gaps()
    thread = work.ThreadJob(channel_id=scene.channel, ts=root)
    assert isinstance(await scene.recovery.run(work.RecoverJob(channel_id=scene.channel), CONTEXT), Snooze)
    assert isinstance(await scene.history().thread(thread, CONTEXT), Snooze)
    assert await scene.texts() == ["root", "reply", "goes"]
    assert await Channels(scene.house.db).gap(scene.channel) is not None
    scene.late = 10
    assert await scene.recovery.run(work.RecoverJob(channel_id=scene.channel), CONTEXT) == Done()
    assert await scene.history().thread(thread, CONTEXT) == Done()
    assert await scene.texts() == ["root"]


async def test_a_thread_whose_replies_were_all_deleted_in_the_gap_is_empty(scene: Scene) -> None:
    root = await scene.write("root")
    replies = [await scene.write(text, thread_ts=root) for text in ("one", "two")]
    await scene.onboard()
    for ts in replies:
        await scene.slack.control.delete(scene.channel, ts)
    scene.late = 10
    await scene.recover()
    assert await scene.texts() == ["root"]


async def test_a_recovered_reaction_is_there(scene: Scene) -> None:
    ts = await scene.write("before")
    await scene.onboard()
    await scene.slack.control.react(scene.channel, ts, scene.person, "eyes")
    await scene.recover()
    assert await scene.house.rows("select reaction, present from reactions") == [("eyes", True)]


async def test_channels_the_bot_is_in_are_found_and_people_named(scene: Scene) -> None:
    await scene.history().people(work.PeopleJob(), CONTEXT)
    await scene.history().channels(work.ChannelsJob(), CONTEXT)
    assert [job.channel_id for job in await scene.house.jobs("onboard")] == [scene.channel]
    assert (await Channels(scene.house.db).names([scene.person]))[scene.person] == "ada"

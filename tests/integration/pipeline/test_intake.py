"""Live events into the store: with their jobs or not at all."""

from __future__ import annotations

import asyncio
import os
import time

import psycopg
import pytest

from localslack import LocalSlack
from ratchet.alerts import flatten
from ratchet.domain.messages import Channel
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.fold import Version
from ratchet.pipeline.history import History
from ratchet.pipeline.intake import Intake
from ratchet.pipeline.pages import Pages
from ratchet.pipeline.receive import Receive, on_connect
from ratchet.pipeline.recover import Recover
from ratchet.slack.socket import SocketListener
from ratchet.slack.web import SlackConfig, SlackWeb
from tests.acceptance.harness import eventually
from tests.integration.pipeline.house import (
    START,
    House,
    alert_said,
    at,
    deleted,
    edited,
    event,
    reacted,
    said,
)

EVERYWHERE = """
select (select count(*) from messages), (select count(*) from reactions),
       (select count(*) from incident_events), (select count(*) from parked_edits),
       (select count(*) from messages where fts @@ to_tsquery('english', 'secret'))
"""
TEXTS = "select attrs->'payload'->>'text' from messages order by ts"
UNFURL = {
    "title": "A page",
    "from_url": "https://example.com/page",
    "original_url": "https://example.com/page",
    "id": 1,
}


async def test_a_message_and_its_job_are_there_together(house: House) -> None:
    await house.hear(said(at(0), "hello"))
    (job,) = await house.jobs("message")
    assert (job.channel_id, job.ts, job.live, job.edit) == ("C1", at(0), True, False)
    assert await house.rows(TEXTS) == [("hello",)]


async def test_a_message_whose_job_cannot_be_put_is_not_stored(house: House) -> None:
    await house.rows("alter table jobs rename to jobs_elsewhere")
    with pytest.raises(psycopg.Error):
        await house.hear(said(at(0), "hello"))
    await house.rows("alter table jobs_elsewhere rename to jobs")
    assert await house.rows(TEXTS) == []
    await house.hear(said(at(0), "hello"))
    assert await house.rows(TEXTS) == [("hello",)]


async def test_the_same_event_again_changes_nothing_and_puts_no_job(house: House) -> None:
    await house.hear(said(at(0), "hello"), said(at(0), "hello"))
    await house.hear(said(at(0), "hello"))
    assert len(await house.jobs("message")) == 1


async def test_a_deleted_message_leaves_nothing_of_what_it_said(house: House) -> None:
    fired = alert_said(at(0), "SecretLeak")
    await house.hear(fired, said(at(1), "the secret is out"), reacted(at(1), "eyes", at(2)))
    await house.recall(alert_said(at(3), "SecretLeak"))
    await house.hear(reacted(at(3), "eyes", at(4)))
    assert (await house.rows(EVERYWHERE))[0] == (3, 2, 1, 0, 3)
    await house.hear(*(deleted(at(n), at(9)) for n in (0, 1, 3)))
    assert (await house.rows(EVERYWHERE))[0] == (0, 0, 0, 0, 0)
    assert "secret" not in str(await house.rows("select t::text from tombstones t")).lower()


async def test_nothing_brings_a_deleted_message_back(house: House) -> None:
    message = said(at(0), "secret")
    await house.hear(message, deleted(at(0), at(5)))
    await house.hear(message, edited(message, at(3), text="secret 2"), reacted(at(0), "eyes", at(4)))
    await house.recall(message)
    assert (await house.rows(EVERYWHERE))[0] == (0, 0, 0, 0, 0)


async def test_an_edit_that_waits_for_its_message_goes_with_its_deletion(house: House) -> None:
    message = said(at(0), "secret")
    await house.hear(edited(message, at(3), text="secret 2"))
    assert (await house.rows(EVERYWHERE))[0] == (0, 0, 0, 1, 0)
    await house.hear(deleted(at(0), at(5)))
    assert (await house.rows(EVERYWHERE))[0] == (0, 0, 0, 0, 0)


async def test_slack_adding_a_preview_of_a_link_is_no_new_version(house: House) -> None:
    message = said(at(0), "see https://example.com/page")
    await house.hear(message)
    await house.take("message")
    change = edited(message, at(1), attachments=[UNFURL])
    del change["message"]["edited"]
    await house.hear(change)
    assert await house.jobs("message") == []
    (payload,) = (await house.rows("select attrs->'payload' from messages"))[0]
    assert payload["attachments"] == [UNFURL]
    await house.hear(edited(message, at(2), text="see https://example.com/other", attachments=[UNFURL]))
    assert [job.edit for job in await house.jobs("message")] == [True]


async def test_the_preview_of_a_link_is_found_by_its_words(house: House) -> None:
    assert "A page" in flatten({"text": "see", "attachments": [UNFURL]})


async def test_an_event_that_cannot_be_stored_fails_alone(
    house: House, slack: LocalSlack, web: SlackWeb
) -> None:
    channel = await slack.control.add_channel("ops")
    person = await slack.control.add_user("ada")
    me = (await web.auth_test()).identity
    pages = Pages(house.db, house.queue, house.intake, web, me, time.time)
    recover = Recover(pages)
    config = SlackConfig(slack.bot_token, slack.app_token, slack.api_url)
    listener = SocketListener(config, me)
    # Too long for an index, and nothing that compression could make shorter.
    poison = reacted(at(0), "eyes", at(1), channel=channel) | {"user": "U" + os.urandom(6000).hex()}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listener.run(lambda: on_connect(recover, History(pages))))]
        tasks.append(group.create_task(Receive(listener, house.intake, recover).run()))
        assert await slack.control.wait_for("connected")
        messages = [said(f"{START + n}.000100", f"m{n}", channel=channel, user=person) for n in range(4)]
        await slack.control.inject([*messages[:2], poison, *messages[2:]])

        async def stored() -> bool:
            return len(await house.rows(TEXTS)) == 4

        await eventually(stored, within=15, what="the others are stored")
        for task in tasks:
            task.cancel()


async def test_people_talking_to_each_other_put_no_job(house: House) -> None:
    def interest(version: Version, channel: Channel) -> bool:
        return "<@UME>" in version.message.text

    intake = Intake(house.db, house.queue, BuiltIn(), interest)
    await intake.record([event(said(at(0), "hello all")), event(said(at(1), "<@UME> hello"))])
    assert [job.ts for job in await house.jobs("message")] == [at(1)]
    assert len(await house.rows(TEXTS)) == 2


async def test_what_ratchet_quoted_of_a_message_goes_with_it(house: House) -> None:
    await house.hear(said(at(0), "the secret trick"), said(at(1), "unrelated"))
    link = f"https://team.slack.com/archives/C1/p{at(0).replace('.', '')}?thread_ts=1"
    own = {
        **said(at(2), f"> the secret trick\n[ana]({link})", user="U0ME"),
        "bot_id": "B0ME",
        "app_id": "A0ME",
    }
    await house.hear(own)
    await house.hear(deleted(at(0), at(3)))
    assert await house.rows("select ts, text from messages order by ts") == [
        (at(1), "unrelated"),
        (at(2), ""),
    ]
    assert "secret" not in str(await house.rows("select attrs from messages"))


async def test_a_reaction_that_comes_after_its_message_was_emptied_is_not_kept(house: House) -> None:
    root = said(at(0), "secret plan")
    await house.hear(root, said(at(1), "reply", thread_ts=at(0)))
    await house.hear(edited(root, at(5), text="This message was deleted.", subtype="tombstone"))
    await house.hear(reacted(at(0), "eyes", at(3)))
    assert await house.rows("select count(*) from reactions") == [(0,)]

"""Slack is heard beside everything else that the process does."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future

from localslack import LocalSlack
from ratchet.app.hearing import Hearing
from ratchet.app.own_loop import in_own_loop
from ratchet.pipeline.pages import Pages
from ratchet.slack.socket import SocketListener
from ratchet.slack.web import SlackConfig, open_web
from tests.acceptance.harness import eventually
from tests.integration.pipeline.house import House, at, said

TEXTS = "select attrs->'payload'->>'text' from messages"


async def test_an_event_is_stored_and_acknowledged_while_our_loop_is_busy(house: House) -> None:
    served: Future[SlackConfig] = Future()
    connected, acknowledged = threading.Event(), threading.Event()
    busy = threading.Event()

    async def slack_apart() -> None:
        async with LocalSlack.serve() as slack:
            served.set_result(SlackConfig(slack.bot_token, slack.app_token, slack.api_url))
            if await slack.control.wait_for("connected"):
                connected.set()
            await asyncio.to_thread(busy.wait, 10)
            channel = await slack.control.add_channel("ops")
            await slack.control.inject([said(at(0), "hello", channel=channel)])
            if await slack.control.wait_for("acked"):
                acknowledged.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        slack = group.create_task(in_own_loop("slack", slack_apart))
        config = await asyncio.wrap_future(served)
        hearing = await _hearing(house, config)
        assert not hearing.health().connected
        heard = group.create_task(hearing.run())
        assert await asyncio.to_thread(connected.wait, 10)

        async def healthy() -> bool:
            return hearing.health().healthy

        await eventually(healthy, what="Slack's greeting is heard")
        busy.set()
        assert acknowledged.wait(10)  # nothing of this loop runs meanwhile
        heard.cancel()
        slack.cancel()
    assert await house.rows(TEXTS) == [("hello",)]
    assert not hearing.health().connected


async def _hearing(house: House, config: SlackConfig) -> Hearing:
    async with open_web(config) as web:
        me = (await web.auth_test()).identity
        pages = Pages(house.db, house.queue, house.intake, web, me, time.time)
    return Hearing(SocketListener(config, me), pages)

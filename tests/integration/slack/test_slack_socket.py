"""SocketListener against a Slack workspace on localhost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from localslack.delivery import DeliveryRules
from localslack.server import LocalSlack
from ratchet.domain.errors import Misconfigured
from ratchet.domain.events import Ignored, MessagePosted
from ratchet.slack.identity import Identity
from ratchet.slack.socket import Delivery, SocketLimits, SocketListener
from ratchet.slack.web import SlackConfig

LIMITS = SocketLimits(
    connect_s=3.0, ping_s=0.5, close_s=1.0, first_wait_s=0.01, longest_wait_s=0.05, brief_s=0.0
)


@dataclass
class Room:
    slack: LocalSlack
    listener: SocketListener
    connects: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    async def connected(self) -> None:
        """Until the next connection has been announced."""
        async with asyncio.timeout(15):
            await self.connects.get()

    async def next(self, count: int) -> list[Delivery]:
        got: list[Delivery] = []
        async with asyncio.timeout(20):
            while len(got) < count:
                got += await self.listener.receive()
        return got


@asynccontextmanager
async def room(limits: SocketLimits = LIMITS, rules: DeliveryRules | None = None) -> AsyncIterator[Room]:
    async with LocalSlack.serve(rules=rules) as slack:
        connects: asyncio.Queue[None] = asyncio.Queue()

        async def connected() -> None:
            connects.put_nowait(None)

        config = SlackConfig(slack.bot_token, slack.app_token, slack.api_url)
        me = Identity(slack.workspace.bot.id, slack.workspace.bot.bot_id or "")
        listener = SocketListener(config, me, limits=limits)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(listener.run(connected))
            here = Room(slack, listener, connects)
            await here.connected()
            yield here
            running.cancel()


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    events = [delivery.envelope.event for delivery in deliveries]
    return [str(event.payload["text"]) for event in events if isinstance(event, MessagePosted)]


async def test_messages_arrive_in_order_and_only_what_is_acknowledged_counts_as_done() -> None:
    async with room() as here:
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        for number in range(5):
            await here.slack.control.post(channel, user, f"m{number}")
        got = await here.next(5)
        assert texts(got) == [f"m{number}" for number in range(5)]
        assert (await here.slack.control.counters()).acked == 0
        assert await here.listener.acknowledge(got) == 5
        assert await here.slack.control.wait_for("acked")
        assert (await here.slack.control.counters()).acked == 5


async def test_what_is_not_acknowledged_comes_again() -> None:
    async with room(rules=DeliveryRules(ack_timeout=0.1, retry_delays=(0.0, 0.1, 0.1))) as here:
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        await here.slack.control.post(channel, user, "once")
        first, again = (await here.next(2))[:2]
        assert first.envelope.event_id == again.envelope.event_id
        assert again.envelope.retry_attempt == 1
        await here.listener.acknowledge([again])
        assert await here.slack.control.wait_for("acked")


async def test_a_burst_is_taken_in_batches() -> None:
    async with room() as here:
        channel = await here.slack.control.add_channel("ops")
        event = {"type": "message", "channel": channel, "user": "U1", "text": "x"}
        await here.slack.control.inject(
            [{**event, "ts": f"1700000000.{number:06}"} for number in range(1200)]
        )
        sizes: list[int] = []
        async with asyncio.timeout(20):
            while sum(sizes) < 1200:
                batch = await here.listener.receive()
                sizes.append(len(batch))
                await here.listener.acknowledge(batch)
        assert max(sizes) <= LIMITS.batch
        assert await here.slack.control.wait_for("acked")
        assert (await here.slack.control.counters()).redelivered == 0


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_a_connection_that_slack_replaces_is_followed_by_another(reason: str) -> None:
    async with room() as here:
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        await here.slack.control.post(channel, user, "before")
        before = await here.next(1)
        await here.slack.control.disconnect(reason)
        await here.connected()
        assert await here.listener.acknowledge(before) == 1
        await here.slack.control.post(channel, user, "after")
        assert "after" in texts(await here.next(1))
        assert here.listener.health().healthy


async def test_a_connection_that_is_cut_is_replaced() -> None:
    async with room() as here:
        await here.slack.control.disconnect(abrupt=True)
        await here.connected()
        assert await here.slack.control.wait_for("connected", count=1)


async def test_a_connection_gone_deaf_is_noticed_and_replaced() -> None:
    async with room() as here:
        await here.slack.control.socket_faults(blackhole=True)
        await here.connected()
        await here.slack.control.heal()
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        await here.slack.control.post(channel, user, "heard")
        assert texts(await here.next(1)) == ["heard"]


async def test_a_revoked_app_token_ends_the_run_with_its_remedy() -> None:
    async with LocalSlack.serve() as slack:
        await slack.control.revoke("app")

        async def connected() -> None:
            raise AssertionError

        config = SlackConfig(slack.bot_token, slack.app_token, slack.api_url)
        listener = SocketListener(config, Identity("U1"), limits=LIMITS)
        async with asyncio.timeout(5):
            with pytest.raises(Misconfigured, match="RATCHET_SLACK_APP_TOKEN") as caught:
                await listener.run(connected)
        assert slack.app_token not in str(caught.value)
        assert not listener.health().healthy


async def test_a_token_revoked_while_connected_ends_the_run_at_the_next_connection() -> None:
    async def revoke_and_wait() -> None:
        async with room() as here:
            await here.slack.control.revoke("app")
            await here.slack.control.disconnect("warning")
            await asyncio.wait_for(here.connected(), 10)

    with pytest.raises(ExceptionGroup) as caught:
        await revoke_and_wait()
    assert caught.group_contains(Misconfigured)


async def test_slack_failing_to_open_a_socket_is_tried_again() -> None:
    async with LocalSlack.serve() as slack:
        await slack.control.fail("apps.connections.open", status=503, times=2)
        await slack.control.fail("apps.connections.open", status=429, retry_after=3, times=1)
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        ready = asyncio.Event()

        async def connected() -> None:
            ready.set()

        config = SlackConfig(slack.bot_token, slack.app_token, slack.api_url)
        listener = SocketListener(config, Identity("U1"), limits=LIMITS, sleep=sleep)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(listener.run(connected))
            await ready.wait()
            running.cancel()
        assert waits == [0.01, 0.02, 3.0]
        assert not listener.health().connected


async def test_frames_that_are_no_envelopes_do_no_harm() -> None:
    deep = '{"type": "events_api", "envelope_id": "deep-1", "payload": ' + "[" * 100_000 + "]" * 100_000 + "}"
    async with room() as here:
        frames = ["", "not json", "[1]", '{"type": "events_api"}', deep, json.dumps({"envelope_id": "odd-1"})]
        await here.slack.control.inject([{"frame": frame} for frame in frames])
        got = await here.next(2)
        assert [delivery.envelope.id for delivery in got] == ["deep-1", "odd-1"]
        assert {type(delivery.envelope.event) for delivery in got} == {Ignored}
        assert here.listener.health().connected


async def test_a_full_queue_holds_the_socket_back_and_loses_nothing() -> None:
    limits = SocketLimits(queue=2, batch=1, connect_s=3.0, ping_s=5.0, close_s=1.0)
    async with room(limits) as here:
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        for number in range(8):
            await here.slack.control.post(channel, user, f"m{number}")
        got = await here.next(8)
        assert texts(got) == [f"m{number}" for number in range(8)]


async def test_a_stop_is_bounded_while_intake_stands_still() -> None:
    limits = SocketLimits(queue=1, connect_s=3.0, ping_s=5.0, close_s=0.5)
    loop = asyncio.get_running_loop()
    async with room(limits) as here:
        channel = await here.slack.control.add_channel("ops")
        event = {"type": "message", "channel": channel, "user": "U1", "text": "x"}
        await here.slack.control.inject([{**event, "ts": f"1700000000.{number:06}"} for number in range(50)])
        await here.next(1)
        stopping = loop.time()
    assert loop.time() - stopping < 5
    assert not here.listener.health().connected


async def test_an_acknowledgement_without_a_connection_is_dropped_not_raised() -> None:
    async with room() as here:
        channel = await here.slack.control.add_channel("ops")
        user = await here.slack.control.add_user("ada")
        await here.slack.control.post(channel, user, "late")
        got = await here.next(1)
    assert await here.listener.acknowledge(got) == 0


@asynccontextmanager
async def slack_with_a_dead_address() -> AsyncIterator[str]:
    """The first socket address that it gives is dead, the second works."""
    asked = 0

    async def open_connection(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        path = "/dead" if asked == 1 else "/link"
        return web.json_response({"ok": True, "url": f"ws://{request.host}{path}"})

    async def link(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello"})
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.add_routes([web.post("/api/apps.connections.open", open_connection), web.get("/link", link)])
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


async def test_a_dead_socket_address_is_given_up_for_a_new_one() -> None:
    ready = asyncio.Event()

    async def connected() -> None:
        ready.set()

    limits = SocketLimits(connect_s=0.5, ping_s=0.1, close_s=0.5, first_wait_s=0.01)
    async with slack_with_a_dead_address() as url:
        listener = SocketListener(SlackConfig("xoxb-1", "xapp-1", url), Identity("U1"), limits=limits)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(listener.run(connected))
            await ready.wait()
            assert listener.health().connected
            running.cancel()

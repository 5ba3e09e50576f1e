"""The real slack_sdk's Socket Mode client against localslack."""

from __future__ import annotations

import time
from typing import Any

import aiohttp

from tests.integration.localslack.conftest import Listen, Team


async def test_an_event_is_received_and_acknowledged(team: Team, listen: Listen) -> None:
    listener = await listen()
    ts = await team.server.control.post(team.ops, "ana", "hello", typed=True)
    (request,) = await listener.until(1)
    assert request.type == "events_api"
    event = request.payload["event"]
    assert (event["type"], event["text"], event["ts"]) == ("message", "hello", ts)
    assert event["channel_type"] == "channel"
    assert await team.server.control.wait_for("acked")
    counters = await team.server.control.counters()
    assert (counters.sent, counters.acked, counters.pending) == (1, 1, 0)
    assert len(counters.latencies_ms) == 1


async def test_an_unacknowledged_event_comes_again_with_its_attempt(team: Team, listen: Listen) -> None:
    listener = await listen()
    listener.refuse = 2
    await team.server.control.post(team.ops, "ana", "hello")
    requests = await listener.until(3)
    assert [(r.retry_attempt, r.retry_reason) for r in requests] == [(0, ""), (1, "timeout"), (2, "timeout")]
    assert len({r.payload["event_id"] for r in requests}) == 1
    assert await team.server.control.wait_for("acked")
    assert (await team.server.control.counters()).redelivered == 2


async def test_an_event_is_dropped_after_its_last_retry_and_counted(team: Team, listen: Listen) -> None:
    listener = await listen()
    listener.refuse = 99
    await team.server.control.post(team.ops, "ana", "hello")
    assert await team.server.control.wait_for("acked")
    assert len(listener.got) == 4
    assert (await team.server.control.counters()).dropped == 1


async def test_events_wait_a_while_for_a_client_to_connect(team: Team, listen: Listen) -> None:
    await team.server.control.post(team.ops, "ana", "early")
    listener = await listen()
    (request,) = await listener.until(1)
    assert request.retry_attempt
    assert request.payload["event"]["text"] == "early"


async def test_each_envelope_goes_to_one_of_two_connections(team: Team, listen: Listen) -> None:
    first, second = await listen(), await listen()
    await team.server.control.inject({"type": "x", "n": n} for n in range(20))
    assert await team.server.control.wait_for("acks", count=20)
    numbers = [r.payload["event"]["n"] for client in (first, second) for r in client.got]
    assert sorted(numbers) == list(range(20))
    assert len(first.got) == len(second.got) == 10


async def test_a_client_told_to_refresh_comes_back_and_loses_nothing(team: Team, listen: Listen) -> None:
    listener = await listen()
    for number, reason in enumerate(("warning", "refresh_requested"), start=2):
        assert await team.server.control.disconnect(reason, close=reason != "warning")
        assert await team.server.control.wait_for("connects", count=number)
    await team.server.control.post(team.ops, "ana", "after")
    assert (await listener.until(1))[-1].payload["event"]["text"] == "after"


async def test_a_client_whose_connection_was_cut_comes_back(team: Team, listen: Listen) -> None:
    listener = await listen()
    await team.server.control.disconnect(abrupt=True)
    assert await team.server.control.wait_for("disconnected")
    await team.server.control.post(team.ops, "ana", "meanwhile")
    assert await team.server.control.wait_for("connected")
    await team.server.control.post(team.ops, "ana", "after")
    texts = {request.payload["event"]["text"] for request in await listener.until(1)}
    assert texts <= {"meanwhile", "after"}


async def test_a_url_works_once_and_ten_connections_are_the_most(team: Team) -> None:
    async with aiohttp.ClientSession() as session:

        async def url() -> str:
            answer = await team.client.apps_connections_open(app_token=team.server.app_token)
            return str(answer["url"])

        used = await url()
        sockets = [await session.ws_connect(used)]
        hello = await sockets[0].receive_json(timeout=5)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        async with session.get(used) as response:
            assert response.status == 403
        sockets += [await session.ws_connect(await url()) for _ in range(9)]
        assert await team.server.control.wait_for("connected", count=10)
        refused = await session.ws_connect(await url())
        assert (await refused.receive_json(timeout=5))["reason"] == "too_many_websockets"
        for socket in [*sockets, refused]:
            await socket.close()


async def test_a_click_arrives_as_an_interactive_envelope(team: Team, listen: Listen) -> None:
    listener = await listen()
    button = {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}}
    blocks: list[dict[str, Any]] = [{"type": "actions", "elements": [button]}]
    ts = (await team.client.chat_postMessage(channel=team.ops, text="x", blocks=blocks))["ts"]
    await team.server.control.click(team.ops, ts, "ana", "go")
    request = (await listener.until(2))[-1]
    assert request.type == "interactive"
    assert request.accepts_response_payload
    assert request.payload["actions"][0]["value"] == "7"
    body = {"replace_original": True, "text": "clicked"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(request.payload["response_url"], json=body) as r,
    ):
        assert r.status == 200
    assert (await team.server.control.messages(team.ops))[-1]["text"] == "clicked"


async def test_duplicates_drops_and_malformed_frames_can_be_ordered(team: Team, listen: Listen) -> None:
    listener = await listen()
    await team.server.control.socket_faults(duplicate=1.0)
    await team.server.control.post(team.ops, "ana", "twice")
    first, second = await listener.until(2)
    assert first.payload["event_id"] == second.payload["event_id"]
    assert first.envelope_id != second.envelope_id
    await team.server.control.socket_faults(duplicate=0.0, drop=1.0)
    await team.server.control.post(team.ops, "ana", "late")
    assert len(listener.got) == 2
    await team.server.control.heal()
    assert (await listener.until(3))[-1].retry_attempt
    await team.server.control.inject([{"frame": '{"type": "events_api", "envelope_id": "odd"}'}])
    await team.server.control.inject([{"type": "unheard_of"}])
    assert (await listener.until(4))[-1].payload["event"]["type"] == "unheard_of"


async def test_a_blackholed_client_gets_its_events_when_the_hole_closes(team: Team, listen: Listen) -> None:
    listener = await listen()
    await team.server.control.socket_faults(blackhole=True)
    await team.server.control.post(team.ops, "ana", "into the hole")
    assert not listener.got
    await team.server.control.heal()
    assert (await listener.until(1))[0].payload["event"]["text"] == "into the hole"


async def test_two_thousand_events_pass_one_socket_in_order_and_fast(team: Team, listen: Listen) -> None:
    listener = await listen()
    channel = team.ops
    events = [
        {"type": "message", "channel": channel, "user": "U1", "text": f"m{n}", "ts": f"1600000000.{n:06d}"}
        for n in range(2000)
    ]
    began = time.monotonic()
    assert await team.server.control.inject(events, apply=True) == 2000
    assert await team.server.control.wait_for("acks", count=2000)
    assert time.monotonic() - began < 5
    first_time = [request.payload["event"]["text"] for request in listener.got if not request.retry_attempt]
    assert first_time == [f"m{n}" for n in range(2000)]
    page = await team.client.conversations_history(channel=channel, limit=1)
    assert page["messages"][0]["text"] == "m1999"

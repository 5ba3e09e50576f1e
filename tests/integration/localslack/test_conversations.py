"""A person begins a conversation with the app; what the app may set in it."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

from tests.integration.localslack.conftest import Team


async def test_a_conversation_begins_with_a_message_and_an_event(team: Team) -> None:
    channel, thread_ts = await team.server.control.open_conversation("ana", context=team.ops)
    [root] = await team.server.control.messages(channel)
    assert (root["ts"], root["subtype"]) == (thread_ts, "assistant_app_thread")
    prompts = [{"title": "Open?", "message": "What is open?"}]
    await team.client.assistant_threads_setSuggestedPrompts(
        channel_id=channel, thread_ts=thread_ts, prompts=prompts
    )
    await team.client.assistant_threads_setTitle(channel_id=channel, thread_ts=thread_ts, title="Open alerts")
    state = await team.server.control.read("state")
    assert state["prompts"] == [{"channel": channel, "thread_ts": thread_ts, "prompts": prompts}]
    assert state["titles"] == [{"channel": channel, "thread_ts": thread_ts, "title": "Open alerts"}]


async def test_more_than_four_prompts_are_refused(team: Team) -> None:
    channel, _ = await team.server.control.open_conversation("ana")
    many = [{"title": str(n), "message": str(n)} for n in range(5)]
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await team.client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=many)

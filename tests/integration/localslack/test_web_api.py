"""The real slack_sdk's web client against localslack."""

from __future__ import annotations

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, MarkdownTextObject, SectionBlock
from slack_sdk.web.async_client import AsyncWebClient

from tests.integration.localslack.conftest import Team


async def test_the_bot_knows_itself(team: Team) -> None:
    answer = await team.client.auth_test()
    assert answer["user_id"] == team.workspace.bot.id
    assert answer["bot_id"] == team.workspace.bot.bot_id
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_a_message_is_posted_updated_read_and_deleted(team: Team) -> None:
    blocks = [
        SectionBlock(text=MarkdownTextObject(text="*hi*")),
        ActionsBlock(elements=[ButtonElement(text="Go", action_id="go", value="1")]),
    ]
    metadata = {"event_type": "ratchet", "event_payload": {"key": "a:1"}}
    posted = await team.client.chat_postMessage(channel=team.ops, text="hi", blocks=blocks, metadata=metadata)
    ts = posted["ts"]
    await team.client.chat_postMessage(channel=team.ops, text="reply", thread_ts=ts)
    await team.client.chat_update(channel=team.ops, ts=ts, text="changed")
    replies = await team.client.conversations_replies(channel=team.ops, ts=ts, include_all_metadata=True)
    root, reply = replies["messages"]
    assert (root["text"], root["reply_count"], root["metadata"]) == ("changed", 1, metadata)
    assert reply["thread_ts"] == ts
    link = await team.client.chat_getPermalink(channel=team.ops, message_ts=reply["ts"])
    part = reply["ts"].replace(".", "")
    assert link["permalink"].startswith(f"{team.server.url}/archives/{team.ops}/p{part}")
    assert f"thread_ts={ts}" in link["permalink"]
    await team.client.chat_delete(channel=team.ops, ts=reply["ts"])
    assert len((await team.client.conversations_replies(channel=team.ops, ts=ts))["messages"]) == 1


async def test_the_sdk_pages_through_history_on_its_own(team: Team) -> None:
    for number in range(25):
        await team.server.control.post(team.ops, "ana", str(number))
    seen: list[str] = []
    async for page in await team.client.conversations_history(channel=team.ops, limit=10):
        seen += [message["text"] for message in page["messages"]]
    assert seen == [str(number) for number in reversed(range(25))]


async def test_people_and_channels_are_listed(team: Team) -> None:
    ana = (await team.client.users_lookupByEmail(email="ana@example.com"))["user"]
    assert (await team.client.users_info(user=ana["id"]))["user"]["name"] == "ana"
    assert {user["name"] for user in (await team.client.users_list())["members"]} == {"ana", "ratchet"}
    listed = await team.client.conversations_list(types=["public_channel", "private_channel"])
    assert [channel["name"] for channel in listed["channels"]] == ["ops"]
    assert (await team.client.conversations_info(channel=team.ops))["channel"]["is_member"]
    members = (await team.client.conversations_members(channel=team.ops))["members"]
    assert members == [ana["id"], team.workspace.bot.id]
    assert (await team.client.bots_info(bot=team.workspace.bot.bot_id))["bot"]["name"] == "ratchet"
    direct = (await team.client.conversations_open(users=[ana["id"]]))["channel"]["id"]
    assert direct.startswith("D")
    assert len((await team.client.users_conversations(types="im,public_channel"))["channels"]) == 2


async def test_reactions_are_added_once(team: Team) -> None:
    ts = await team.server.control.post(team.ops, "ana", "x")
    await team.client.reactions_add(channel=team.ops, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        await team.client.reactions_add(channel=team.ops, timestamp=ts, name="eyes")
    found = await team.client.reactions_get(channel=team.ops, timestamp=ts)
    assert found["message"]["reactions"][0]["users"] == [team.workspace.bot.id]
    await team.client.reactions_remove(channel=team.ops, timestamp=ts, name="eyes")


async def test_a_file_is_uploaded_shared_and_downloaded(team: Team) -> None:
    root = await team.server.control.post(team.ops, "ana", "chart?")
    uploaded = await team.client.files_upload_v2(
        channel=team.ops,
        thread_ts=root,
        content="a,b\n1,2",
        filename="toil.csv",
        title="Toil",
        initial_comment="here",
    )
    info = (await team.client.files_info(file=uploaded["file"]["id"]))["file"]
    assert (info["title"], info["size"], info["filetype"]) == ("Toil", 7, "csv")
    share = (await team.server.control.messages(team.ops, root))[-1]
    assert (share["text"], share["files"][0]["id"], share["thread_ts"]) == ("here", info["id"], root)
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {team.server.bot_token}"}
        async with session.get(info["url_private_download"], headers=headers) as response:
            assert await response.text() == "a,b\n1,2"
        async with session.get(info["url_private_download"]) as response:
            assert response.content_type == "text/html"


async def test_views_and_assistant_status_are_kept(team: Team) -> None:
    ana = team.workspace.user("ana").id
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "home"}}
    await team.client.views_publish(user_id=ana, view={"type": "home", "blocks": [section]})
    ts = await team.server.control.post(team.ops, "ana", "hm")
    await team.client.assistant_threads_setStatus(channel_id=team.ops, thread_ts=ts, status="is thinking…")
    state = await team.server.control.read("state")
    assert state["views"][0]["view"]["type"] == "home"
    assert state["statuses"][0]["status"] == "is thinking…"
    await team.client.chat_postMessage(channel=team.ops, thread_ts=ts, text="done")
    assert not (await team.server.control.read("state"))["statuses"]
    await team.client.chat_postEphemeral(channel=team.ops, user=ana, text="only you")
    assert (await team.server.control.read("state"))["ephemerals"][0]["to"] == ana


async def test_a_wrong_block_is_refused_with_its_place(team: Team) -> None:
    block = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackApiError) as error:
        await team.client.chat_postMessage(channel=team.ops, text="x", blocks=[block])
    assert error.value.response["error"] == "invalid_blocks"
    assert "/blocks/0/text/text" in error.value.response["errors"][0]


async def test_a_429_has_retry_after_and_the_sdks_handler_gets_through(team: Team) -> None:
    await team.server.control.fail("chat.postMessage", status=429, retry_after=0, times=2)
    with pytest.raises(SlackApiError) as error:
        await team.client.chat_postMessage(channel=team.ops, text="x")
    assert error.value.response.status_code == 429
    assert error.value.response.headers["Retry-After"] == "0"
    retrying = AsyncWebClient(
        team.server.bot_token,
        base_url=team.server.api_url,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
    )
    assert (await retrying.chat_postMessage(channel=team.ops, text="through"))["ok"]
    assert (await team.server.control.counters()).api_errors == {"chat.postMessage:fault_429": 2}


async def test_a_post_of_unknown_fate_has_happened_or_not(team: Team) -> None:
    for when in ("before", "after"):
        await team.server.control.fail("chat.postMessage", status=500, when=when, times=1)
        with pytest.raises(SlackApiError):
            await team.client.chat_postMessage(channel=team.ops, text=when)
    texts = [message["text"] for message in await team.server.control.messages(team.ops)]
    assert texts == ["after"]


async def test_a_connection_that_ends_after_the_effect_makes_the_sdk_post_twice(team: Team) -> None:
    """slack_sdk retries lost connections by default: whoever must not repeat himself switches that off."""
    await team.server.control.fail("chat.postMessage", hang_up=True, when="after", times=1)
    await team.client.chat_postMessage(channel=team.ops, text="said")
    assert [m["text"] for m in await team.server.control.messages(team.ops)] == ["said", "said"]


async def test_a_5xx_is_retried_by_the_sdks_handler(team: Team) -> None:
    await team.server.control.fail("*", status=503, times=1)
    retrying = AsyncWebClient(
        team.server.bot_token, base_url=team.server.api_url, retry_handlers=[AsyncServerErrorRetryHandler()]
    )
    assert (await retrying.auth_test())["ok"]


async def test_revoked_and_wrong_tokens_are_told_apart(team: Team) -> None:
    await team.server.control.revoke("bot")
    with pytest.raises(SlackApiError, match="token_revoked"):
        await team.client.auth_test()
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await team.client.auth_test(token="xoxb-other")
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await team.client.conversations_list(token=team.server.app_token)


async def test_calls_come_as_form_json_query_and_multipart(team: Team) -> None:
    url = f"{team.server.api_url}chat.postMessage"
    headers = {"Authorization": f"Bearer {team.server.bot_token}"}
    body = {"channel": team.ops, "text": "x"}
    multipart = aiohttp.FormData(body, default_to_multipart=True)
    async with aiohttp.ClientSession(headers=headers) as session:
        for how in ({"json": body}, {"data": body}, {"params": body}, {"data": multipart}):
            async with session.post(url, **how) as response:
                assert (await response.json())["ok"], how
        async with session.get(url, params=body) as response:
            assert (await response.json())["ok"]
        token_in_body = {**body, "token": team.server.bot_token}
        async with aiohttp.ClientSession() as bare, bare.post(url, data=token_in_body) as response:
            assert (await response.json())["ok"]


async def test_webhooks_take_json_and_forms(team: Team) -> None:
    url = await team.server.control.webhook(team.ops, "Alertmanager")
    payload = {"channel": "#ops", "attachments": [{"title": "[FIRING:1] X"}]}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=payload) as response:
            assert await response.text() == "ok"
        async with session.post(url, data={"payload": json.dumps(payload)}) as response:
            assert await response.text() == "ok"
        async with session.post(url, json={"channel": "#nowhere", "text": "x"}) as response:
            assert (response.status, await response.text()) == (404, "channel_not_found")
        async with session.post(url, data="rubbish") as response:
            assert (response.status, await response.text()) == (400, "invalid_payload")
    subtypes = [message["subtype"] for message in await team.server.control.messages("ops")]
    assert subtypes == ["bot_message"] * 2


async def test_other_sites_cannot_drive_the_workspace(team: Team) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{team.server.url}/control/users"
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            async with session.post(url, json={"name": "eve"}, headers=headers) as response:
                assert response.status == 403

"""SlackWeb against a Slack workspace on localhost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from localslack.server import LocalSlack
from ratchet.domain.effects import Footer, Reply
from ratchet.domain.errors import Misconfigured, Transient
from ratchet.slack.errors import SlackRefused
from ratchet.slack.render import OutgoingMessage, parse_feedback, render
from ratchet.slack.web import SlackConfig, SlackWeb, open_web

KEY = "runbook:C1:1700000000.000100:0"


@asynccontextmanager
async def workspace(*, token: str = "", timeout_s: float = 5.0) -> AsyncIterator[tuple[LocalSlack, SlackWeb]]:
    async with LocalSlack.serve() as slack:
        config = SlackConfig(token or slack.bot_token, slack.app_token, slack.api_url, timeout_s)
        async with open_web(config) as web:
            yield slack, web


def say(markdown: str) -> OutgoingMessage:
    return render(Reply("C1", "1700000000.000100", markdown, Footer("runbook"), feedback=True), KEY)[0]


async def test_auth_test_says_who_we_are_where_and_with_which_scopes() -> None:
    async with workspace() as (slack, web):
        account = await web.auth_test()
        assert account.identity.user_id == slack.workspace.bot.id
        assert account.identity.bot_id == slack.workspace.bot.bot_id
        assert account.identity.app_id == slack.workspace.app_id
        assert account.team_url.startswith("http")
        assert "chat:write" in account.scopes


async def test_a_rejected_token_is_remembered_until_slack_takes_it_again() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        await web.post(channel, say("x"), key=KEY)
        assert web.rejected == ""
        await slack.control.revoke()
        with pytest.raises(Misconfigured):
            await web.post(channel, say("y"), key="other")
        assert "token_revoked" in web.rejected
        assert "reinstall" in web.rejected
        await slack.control.revoke(revoked=False)
        await web.auth_test()
        assert web.rejected == ""


async def test_another_refusal_is_not_the_tokens() -> None:
    async with workspace() as (slack, web):
        await slack.control.do("token", {"kind": "bot", "scopes": []})
        channel = await slack.control.add_channel("ops")
        with pytest.raises(Misconfigured, match="scope"):
            await web.post(channel, say("x"), key=KEY)
        assert web.rejected == ""


async def test_a_rendered_answer_is_posted_into_the_thread_and_found_again_by_its_key() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        user = await slack.control.add_user("ada")
        root = await slack.control.post(channel, user, "it broke")
        posted = await web.post(channel, say("**Restart** it"), key=KEY, part=1, thread_ts=root)
        in_channel = await web.post(channel, say("done"), key="other", part=0)
        assert await web.find_posted(channel, KEY, thread_ts=root, since=root) == {1: posted}
        assert await web.find_posted(channel, "other", since=root) == {0: in_channel}
        assert await web.find_posted(channel, "third", thread_ts=root, since=root) == {}


async def test_a_click_on_feedback_brings_the_key_back() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        ts = await web.post(channel, say("x"), key=KEY)
        (message,) = await slack.control.messages(channel)
        buttons = message["blocks"][-1]["elements"][0]
        assert parse_feedback(buttons["positive_button"]["value"]) == ("up", KEY)
        assert message["ts"] == ts


async def test_a_workspace_without_markdown_blocks_gets_mrkdwn_instead() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        await slack.control.fail("chat.postMessage", status=200, error="invalid_blocks", times=1)
        await web.post(channel, say("**bold**"), key=KEY)
        (message,) = await slack.control.messages(channel)
        assert message["blocks"][0]["type"] == "section"
        assert message["blocks"][0]["text"]["text"] == "*bold*"


async def test_messages_are_updated_deleted_and_reacted_to() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        ts = await web.post(channel, say("first"), key=KEY)
        await web.update(channel, ts, say("second"))
        await web.react(channel, ts, "eyes")
        await web.react(channel, ts, "eyes")
        (message,) = (await web.history(channel)).items
        assert message["blocks"][0]["text"] == "second"
        assert [reaction["name"] for reaction in message["reactions"]] == ["eyes"]
        assert (await web.permalink(channel, ts)).endswith(ts.replace(".", ""))
        await web.delete(channel, ts)
        assert (await web.history(channel)).items == ()


async def test_history_and_replies_come_in_pages() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        user = await slack.control.add_user("ada")
        root = await slack.control.post(channel, user, "root")
        for number in range(4):
            await slack.control.post(channel, user, f"reply {number}", thread_ts=root)
            await slack.control.post(channel, user, f"message {number}")
        first = await web.history(channel, limit=3)
        rest = await web.history(channel, limit=3, cursor=first.next_cursor)
        assert [item["text"] for item in first.items + rest.items] == [
            "message 3", "message 2", "message 1", "message 0", "root",
        ]  # fmt: skip
        assert rest.next_cursor is None
        replies = await web.replies(channel, root)
        assert [item["text"] for item in replies.items][1:] == [f"reply {number}" for number in range(4)]


async def test_people_channels_and_direct_messages() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        ada = await slack.control.add_user("ada", email="ada@example.org")
        assert [item["id"] for item in (await web.channels()).items] == [channel]
        assert (await web.channel_info(channel))["name"] == "ops"
        assert (await web.user(ada)).email == "ada@example.org"
        assert (await web.user_by_email("ada@example.org")).id == ada
        assert ada in [item["id"] for item in (await web.users()).items]
        direct = await web.open_dm(ada)
        await web.post(direct, say("psst"), key=KEY)
        assert len(await slack.control.messages(direct)) == 1


async def test_a_status_is_set_and_a_file_shared() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        user = await slack.control.add_user("ada")
        root = await slack.control.post(channel, user, "root")
        await web.set_status(channel, root, "is searching")
        assert await web.upload(channel, "chart.png", b"\x89PNG", title="Alerts", thread_ts=root)


async def test_a_rate_limit_is_transient_and_names_the_time() -> None:
    async with workspace() as (slack, web):
        await slack.control.fail("auth.test", status=429, retry_after=17)
        with pytest.raises(Transient) as caught:
            await web.auth_test()
        assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 500},
        {"status": 200, "error": "internal_error"},
        {"status": 200, "error": "fatal_error"},
        {"status": 200, "error": "service_unavailable"},
        {"hang_up": True},
    ],
)
async def test_slacks_own_trouble_is_transient_and_tried_once(fault: dict[str, object]) -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        await slack.control.fail("chat.postMessage", **fault)
        with pytest.raises(Transient):
            await web.post(channel, say("x"), key=KEY)
        assert (await slack.control.counters()).api_calls["chat.postMessage"] == 1


async def test_a_post_whose_answer_is_lost_is_found_by_its_key() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops")
        user = await slack.control.add_user("ada")
        root = await slack.control.post(channel, user, "root")
        await slack.control.fail("chat.postMessage", when="after", status=503, times=1)
        with pytest.raises(Transient):
            await web.post(channel, say("x"), key=KEY, part=0, thread_ts=root)
        assert list(await web.find_posted(channel, KEY, thread_ts=root, since=root)) == [0]


async def test_a_slow_answer_times_out() -> None:
    async with workspace(timeout_s=0.2) as (slack, web):
        await slack.control.fail("auth.test", status=0, delay=5.0)
        with pytest.raises(Transient):
            await web.auth_test()


async def test_nobody_at_the_address_is_transient() -> None:
    async with open_web(SlackConfig("xoxb-secret", "", "http://127.0.0.1:9/api/", 2.0)) as web:
        with pytest.raises(Transient):
            await web.auth_test()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("token_revoked", "reinstall"),
        ("invalid_auth", "RATCHET_SLACK_BOT_TOKEN"),
        ("account_inactive", "reinstall"),
    ],
)
async def test_a_refused_token_is_misconfigured_with_a_remedy(code: str, remedy: str) -> None:
    async with workspace() as (slack, web):
        await slack.control.fail("auth.test", status=200, error=code)
        with pytest.raises(Misconfigured, match=remedy):
            await web.auth_test()


async def test_a_wrong_token_is_misconfigured_and_in_no_message() -> None:
    async with workspace(token="xoxb-wrong-secret") as (_, web):
        with pytest.raises(Misconfigured) as caught:
            await web.auth_test()
        assert (
            "secret"
            not in f"{caught.value!r}{caught.value}{web!r}{SlackConfig('xoxb-secret', 'xapp-secret')!r}"
        )


async def test_a_missing_scope_is_named() -> None:
    async with workspace() as (slack, web):
        token = slack.workspace.tokens[slack.bot_token]
        slack.workspace.tokens[slack.bot_token] = replace(token, scopes=token.scopes - {"users:read"})
        with pytest.raises(Misconfigured, match="users:read"):
            await web.users()


async def test_a_refusal_has_slacks_code() -> None:
    async with workspace() as (slack, web):
        channel = await slack.control.add_channel("ops", bot=False)
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: web.history("C0NOWHERE"),
            lambda: web.post(channel, say("x"), key=KEY),
            lambda: web.user_by_email("nobody@example.org"),
        ]
        codes = []
        for call in calls:
            with pytest.raises(SlackRefused) as caught:
                await call()
            codes.append(caught.value.code)
        assert codes == ["channel_not_found", "not_in_channel", "users_not_found"]

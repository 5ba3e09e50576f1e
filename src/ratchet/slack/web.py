"""The Web API calls that Ratchet makes, typed. One call, one attempt: the queue decides about another.

Every method raises `Transient` (429, 5xx, no answer), `Misconfigured` (token, scope) or `SlackRefused`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
from opentelemetry.trace import SpanKind
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from ratchet.domain.errors import Misconfigured
from ratchet.slack.errors import SlackRefused, TokenRejected, translate
from ratchet.slack.identity import Account, Identity
from ratchet.slack.render import Block, OutgoingMessage
from ratchet.telemetry.tracing import span

DEFAULT_BASE_URL: Final = "https://slack.com/api/"
APP_SETTING: Final = "RATCHET_SLACK_APP_TOKEN"
BOT_SETTING: Final = "RATCHET_SLACK_BOT_TOKEN"  # the setting's name, for remedies
METADATA_TYPE: Final = "ratchet"
PAGE_SIZE: Final = 200
LARGEST_PAGE: Final = 999
_INVALID_BLOCKS: Final = frozenset({"invalid_blocks", "invalid_blocks_format"})

Json = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """`base_url` ends in `/api/`; `timeout_s` is for one call, the answer included."""

    bot_token: str = field(repr=False)
    app_token: str = field(default="", repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Page:
    """Objects as Slack gives them, in Slack's order; `next_cursor` is None on the last page."""

    items: tuple[Json, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class SlackUser:
    id: str
    name: str
    email: str | None
    is_bot: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class SlackBot:
    id: str
    name: str
    app_id: str
    user_id: str | None


def sdk_logger() -> logging.Logger:
    """The SDK logs whole requests and single-use socket addresses below this level."""
    logger = logging.getLogger("ratchet.slack.sdk")
    logger.setLevel(logging.CRITICAL)
    return logger


def is_local(base_url: str) -> bool:
    """A workspace on this machine is never reached by way of a proxy."""
    return urlsplit(base_url).hostname in {"127.0.0.1", "localhost", "::1"}


@asynccontextmanager
async def open_web(config: SlackConfig) -> AsyncIterator[SlackWeb]:
    """A client with one connection pool, closed at the end."""
    timeout = aiohttp.ClientTimeout(total=config.timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = AsyncWebClient(
            config.bot_token,
            config.base_url,
            session=session,
            timeout=max(1, round(config.timeout_s)),
            logger=sdk_logger(),
            retry_handlers=[],  # the SDK's default would repeat a post whose answer was lost
        )
        if is_local(config.base_url):
            client.proxy = None
        yield SlackWeb(client, config.timeout_s)


class SlackWeb:
    """`rejected`: why Slack does not take the token, as of the last call; "" when it does."""

    def __init__(self, client: AsyncWebClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self.rejected = ""

    def __repr__(self) -> str:
        return f"SlackWeb({self._client.base_url})"

    # -- who we are

    async def auth_test(self) -> Account:
        """Checks the token; also the cheapest call there is."""
        answer = await self._call("auth.test", self._client.auth_test)
        data = _data(answer)
        identity = Identity(
            user_id=_text(data, "user_id"),
            bot_id=_text(data, "bot_id"),
            app_id=_text(data, "app_id") or await self._app_of(_text(data, "bot_id")),
            team_id=_text(data, "team_id"),
        )
        scopes = str(answer.headers.get("x-oauth-scopes", ""))
        return Account(
            identity,
            team_name=_text(data, "team"),
            team_url=_text(data, "url"),
            scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )

    async def clock(self) -> datetime | None:
        """What time it is at Slack, to the second; None when it does not say."""
        answer = await self._call("api.test", self._client.api_test)
        said = str(answer.headers.get("Date") or answer.headers.get("date") or "")
        try:
            return parsedate_to_datetime(said)
        except ValueError:
            return None

    async def check_app_token(self, app_token: str) -> None:
        """Raises Misconfigured when Slack would open no connection for it. What it opens is not used."""
        method = "apps.connections.open"
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.apps_connections_open(app_token=app_token)
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise translate(error, method, APP_SETTING) from None

    async def _app_of(self, bot_id: str) -> str:
        try:
            return (await self.bot(bot_id)).app_id if bot_id else ""
        except (SlackRefused, Misconfigured):
            return ""  # without users:read; our user and bot id are enough to know ourselves

    # -- speaking

    async def post(
        self, channel: str, message: OutgoingMessage, *, key: str, part: int = 0, thread_ts: str | None = None
    ) -> str:
        """Posts and returns the ts. In mrkdwn when the workspace does not take Markdown blocks.

        The effect's `key` and `part` travel as metadata, so that `find_posted` finds the message.
        """
        metadata = {"event_type": METADATA_TYPE, "event_payload": {"key": key, "part": part}}

        async def send(blocks: Sequence[Block]) -> str:
            answer = await self._call(
                "chat.postMessage",
                lambda: self._client.chat_postMessage(
                    channel=channel,
                    text=message.text,
                    blocks=list(blocks),
                    thread_ts=thread_ts,
                    metadata=metadata,
                    unfurl_links=False,
                    unfurl_media=False,
                ),
            )
            return _text(_data(answer), "ts")

        return await _in_either_form(message, send)

    async def update(self, channel: str, ts: str, message: OutgoingMessage) -> None:
        async def send(blocks: Sequence[Block]) -> None:
            await self._call(
                "chat.update",
                lambda: self._client.chat_update(
                    channel=channel, ts=ts, text=message.text, blocks=list(blocks)
                ),
            )

        await _in_either_form(message, send)

    async def delete(self, channel: str, ts: str) -> None:
        await self._call("chat.delete", lambda: self._client.chat_delete(channel=channel, ts=ts))

    async def react(self, channel: str, ts: str, reaction: str) -> None:
        """Adds a reaction by name, without colons. One that is there already is as good."""
        try:
            await self._call(
                "reactions.add",
                lambda: self._client.reactions_add(channel=channel, timestamp=ts, name=reaction),
            )
        except SlackRefused as refusal:
            if refusal.code != "already_reacted":
                raise

    async def find_posted(
        self, channel: str, key: str, *, thread_ts: str | None = None, since: str
    ) -> dict[int, str]:
        """`part -> ts` of our posts with that key from `since` (a ts) on, in the thread or the channel."""
        found: dict[int, str] = {}
        cursor: str | None = None
        while True:
            if thread_ts:
                page = await self.replies(channel, thread_ts, oldest=since, cursor=cursor, limit=LARGEST_PAGE)
            else:
                page = await self.history(channel, oldest=since, cursor=cursor, limit=LARGEST_PAGE)
            found |= _parts_of(page.items, key)
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def set_status(self, channel: str, thread_ts: str, status: str) -> None:
        """The thread's status line; "" clears it. Slack clears it itself after two minutes."""
        await self._call(
            "assistant.threads.setStatus",
            lambda: self._client.assistant_threads_setStatus(
                channel_id=channel, thread_ts=thread_ts, status=status
            ),
        )

    async def set_session(self, channel: str, thread_ts: str, *, on: bool) -> None:
        """While it is on, Slack shows a stop button: https://docs.slack.dev/ai/agent-sessions"""
        await self._call(
            "agents.sessions.setStatus",
            lambda: self._client.agents_sessions_setStatus(
                channel_id=channel, thread_ts=thread_ts, status="processing" if on else "active"
            ),
        )

    async def set_title(self, channel: str, thread_ts: str, title: str) -> None:
        """What a conversation in direct messages is called."""
        await self._call(
            "assistant.threads.setTitle",
            lambda: self._client.assistant_threads_setTitle(
                channel_id=channel, thread_ts=thread_ts, title=title
            ),
        )

    async def set_prompts(self, channel: str, thread_ts: str | None, prompts: Mapping[str, str]) -> None:
        """At most four, message by title. With `thread_ts` only for a conversation that began with
        `assistant_thread_started`: elsewhere Slack then does nothing, and does not say so.
        """
        offered = [{"title": title, "message": message} for title, message in prompts.items()]
        await self._call(
            "assistant.threads.setSuggestedPrompts",
            lambda: self._client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=thread_ts, prompts=offered
            ),
        )

    async def upload(
        self, channel: str, filename: str, content: bytes, *, title: str, thread_ts: str | None = None
    ) -> str:
        """Uploads and shares a file; returns its id. `title` is also the text for those who cannot see it."""
        answer = await self._call(
            "files.completeUploadExternal",
            lambda: self._client.files_upload_v2(
                channel=channel,
                filename=filename,
                content=content,
                title=title,
                alt_txt=title,
                thread_ts=thread_ts,
            ),
            calls=3,
        )
        files = _data(answer).get("files")
        return _text(files[0], "id") if isinstance(files, list) and files else ""

    async def find_file(self, channel: str, thread_ts: str, filename: str) -> str | None:
        """The ts of the message in the thread that shares a file of that name; None when there is none."""
        cursor: str | None = None
        while True:
            page = await self.replies(channel, thread_ts, cursor=cursor, limit=LARGEST_PAGE)
            for message in page.items:
                files = message.get("files")
                names = [_text(one, "name") for one in files if isinstance(one, dict)] if files else []
                if filename in names:
                    return _text(message, "ts")
            cursor = page.next_cursor
            if cursor is None:
                return None

    # -- reading

    async def permalink(self, channel: str, ts: str) -> str:
        answer = await self._call(
            "chat.getPermalink", lambda: self._client.chat_getPermalink(channel=channel, message_ts=ts)
        )
        return _text(_data(answer), "permalink")

    async def history(
        self,
        channel: str,
        *,
        oldest: str | None = None,
        latest: str | None = None,
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> Page:
        """Messages of a channel, newest first, both ends included; never thread replies."""
        answer = await self._call(
            "conversations.history",
            lambda: self._client.conversations_history(
                channel=channel,
                oldest=oldest,
                latest=latest,
                cursor=cursor,
                limit=min(limit, LARGEST_PAGE),
                inclusive=True,
                include_all_metadata=True,
            ),
        )
        return _page(answer, "messages")

    async def replies(
        self,
        channel: str,
        thread_ts: str,
        *,
        oldest: str | None = None,
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> Page:
        """A thread, oldest first, its root included on every page that Slack puts it on."""
        answer = await self._call(
            "conversations.replies",
            lambda: self._client.conversations_replies(
                channel=channel,
                ts=thread_ts,
                oldest=oldest,
                cursor=cursor,
                limit=min(limit, LARGEST_PAGE),
                inclusive=True,
                include_all_metadata=True,
            ),
        )
        return _page(answer, "messages")

    async def channels(self, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page:
        """The channels that Ratchet is a member of, direct messages included; `parse_channel` reads one."""
        answer = await self._call(
            "users.conversations",
            lambda: self._client.users_conversations(
                types=["public_channel", "private_channel", "im"],
                exclude_archived=True,
                cursor=cursor,
                limit=limit,
            ),
        )
        return _page(answer, "channels")

    async def channel_info(self, channel: str) -> Json:
        answer = await self._call(
            "conversations.info", lambda: self._client.conversations_info(channel=channel)
        )
        return _json(_data(answer), "channel")

    async def users(self, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page:
        """Everyone; `slack_user` reads one."""
        answer = await self._call("users.list", lambda: self._client.users_list(cursor=cursor, limit=limit))
        return _page(answer, "members")

    async def user(self, user_id: str) -> SlackUser:
        answer = await self._call("users.info", lambda: self._client.users_info(user=user_id))
        return slack_user(_json(_data(answer), "user"))

    async def user_by_email(self, email: str) -> SlackUser:
        answer = await self._call(
            "users.lookupByEmail", lambda: self._client.users_lookupByEmail(email=email)
        )
        return slack_user(_json(_data(answer), "user"))

    async def group_members(self, group_id: str) -> Sequence[str]:
        """User ids. Needs the scope usergroups:read."""
        answer = await self._call(
            "usergroups.users.list", lambda: self._client.usergroups_users_list(usergroup=group_id)
        )
        users = _data(answer).get("users")
        return [str(user) for user in users] if isinstance(users, list) else []

    async def group_of(self, handle: str) -> str | None:
        """The id of the user group with that @handle; None for none. Needs the scope usergroups:read."""
        answer = await self._call("usergroups.list", self._client.usergroups_list)
        groups = _data(answer).get("usergroups")
        wanted = handle.removeprefix("@").lower()
        for group in groups if isinstance(groups, list) else ():
            if isinstance(group, dict) and _text(group, "handle").lower() == wanted:
                return _text(group, "id") or None
        return None

    async def bot(self, bot_id: str) -> SlackBot:
        answer = await self._call("bots.info", lambda: self._client.bots_info(bot=bot_id))
        bot = _json(_data(answer), "bot")
        return SlackBot(
            _text(bot, "id"), _text(bot, "name"), _text(bot, "app_id"), _text(bot, "user_id") or None
        )

    async def open_dm(self, user_id: str) -> str:
        """The id of the direct-message channel with one person."""
        answer = await self._call(
            "conversations.open", lambda: self._client.conversations_open(users=[user_id])
        )
        return _text(_json(_data(answer), "channel"), "id")

    async def _call(
        self, method: str, request: Callable[[], Awaitable[AsyncSlackResponse]], *, calls: int = 1
    ) -> AsyncSlackResponse:
        try:
            with span(
                f"slack {method}", kind=SpanKind.CLIENT, messaging__system="slack", slack__method=method
            ):
                async with asyncio.timeout(self._timeout_s * calls):
                    answer = await request()
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
            failure = translate(error, method, BOT_SETTING)
            if isinstance(failure, TokenRejected):
                self.rejected = str(failure)
            raise failure from None  # the SDK's text quotes the answer
        except (AttributeError, ValueError) as error:
            # what the SDK trips over when something that is not Slack answers 200
            raise translate(error, method, BOT_SETTING) from error
        self.rejected = ""
        return answer


def slack_user(raw: Json) -> SlackUser:
    """A user object; `name` is what people see."""
    profile = _json(raw, "profile")
    names = (
        _text(profile, "display_name"),
        _text(profile, "real_name"),
        _text(raw, "real_name"),
        _text(raw, "name"),
    )
    return SlackUser(
        id=_text(raw, "id"),
        name=next((name for name in names if name), ""),
        email=_text(profile, "email") or None,
        is_bot=raw.get("is_bot") is True or _text(raw, "id") == "USLACKBOT",
        deleted=raw.get("deleted") is True,
    )


async def _in_either_form(message: OutgoingMessage, send: Callable[[Sequence[Block]], Awaitable[T]]) -> T:
    """Slack posts nothing when it answers invalid_blocks, so that the second form is no repetition."""
    try:
        return await send(message.blocks)
    except SlackRefused as refusal:
        if refusal.code not in _INVALID_BLOCKS:
            raise
        return await send(message.fallback_blocks)


def _parts_of(messages: Sequence[Json], key: str) -> dict[int, str]:
    found = {}
    for message in messages:
        metadata = _json(message, "metadata")
        payload = _json(metadata, "event_payload")
        part = payload.get("part")
        ours = metadata.get("event_type") == METADATA_TYPE and payload.get("key") == key
        if ours and isinstance(part, int):
            found[part] = _text(message, "ts")
    return found


def _data(answer: AsyncSlackResponse) -> Json:
    data: Any = answer.data
    return data if isinstance(data, dict) else {}


def _page(answer: AsyncSlackResponse, key: str) -> Page:
    data = _data(answer)
    items = data.get(key)
    cursor = _text(_json(data, "response_metadata"), "next_cursor")
    listed = items if isinstance(items, list) else []
    return Page(tuple(item for item in listed if isinstance(item, dict)), cursor or None)


def _json(values: Json, key: str) -> Json:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _text(values: Json, key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""

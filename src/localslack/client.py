"""The control API as a typed client, for tests and for whoever starts localslack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from localslack.errors import SlackError
from localslack.model import Json


@dataclass(frozen=True, slots=True)
class Counters:
    """`sent` counts envelopes, `redelivered` further attempts; `ack_latency_ms` has p50, p95, p99, max."""

    queued: int
    sent: int
    acked: int
    redelivered: int
    dropped: int
    pending: int
    connections: int
    connects: int
    ack_latency_ms: dict[str, float | None]
    latencies_ms: list[float]
    api_calls: dict[str, int]
    api_errors: dict[str, int]


class Control:
    """Raises SlackError with the server's code. `channel` and `user` are ids or names everywhere."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=150))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def do(self, action: str, body: Any = None) -> Json:
        """POST /control/ACTION."""
        return await self._request("POST", action, body={} if body is None else body)

    async def read(self, what: str, **query: str) -> Json:
        """GET /control/WHAT."""
        return await self._request("GET", what, query=query)

    async def _request(
        self, verb: str, path: str, *, body: Any = None, query: dict[str, str] | None = None
    ) -> Json:
        if self._session is None:
            raise RuntimeError("use `async with Control(url)`")
        url = f"{self._url}/control/{path}"
        async with self._session.request(verb, url, json=body, params=query) as response:
            answer: Json = await response.json()
        if not answer.pop("ok"):
            raise SlackError(str(answer.pop("error")), **answer)
        return answer

    # People and channels

    async def add_user(self, name: str, **details: Any) -> str:
        """The new user's id; `real_name`, `email`, `is_bot`."""
        return str((await self.do("users", {"name": name, **details}))["user"])

    async def add_group(self, members: Sequence[str]) -> str:
        """The id of a new user group."""
        return str((await self.do("groups", {"members": list(members)}))["group"])

    async def add_channel(self, name: str, **details: Any) -> str:
        """The new channel's id; `kind`, `members`, `ext_shared`, `bot` (default true: the app is in it)."""
        return str((await self.do("channels", {"name": name, **details}))["channel"])

    async def direct_channel(self, user: str) -> str:
        return str((await self.do("channels", {"kind": "im", "user": user}))["channel"])

    async def open_conversation(self, user: str, context: str = "") -> tuple[str, str]:
        """Channel and thread of a new conversation with the app, begun beside the channel `context`."""
        answer = await self.do("conversation", {"user": user, "context": context})
        return str(answer["channel"]), str(answer["thread_ts"])

    async def stop_session(self, channel: str, user: str, thread_ts: str) -> None:
        """Press the stop button that Slack shows while the app works in a thread."""
        await self.do("stop", {"channel": channel, "user": user, "thread_ts": thread_ts})

    async def open_home(self, user: str, tab: str = "messages") -> None:
        await self.do("home", {"user": user, "tab": tab})

    async def invite(self, channel: str, user: str | None = None, *, inviter: str | None = None) -> None:
        """Without `user`: the app."""
        await self.do("channels/join", {"channel": channel, "user": user, "inviter": inviter})

    async def kick(self, channel: str, user: str | None = None) -> None:
        await self.do("channels/leave", {"channel": channel, "user": user})

    async def rename(self, channel: str, name: str) -> None:
        await self.do("channels/rename", {"channel": channel, "name": name})

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        await self.do("channels/archive", {"channel": channel, "archived": archived})

    # Messages

    async def post(self, channel: str, user: str, text: str = "", **more: Any) -> str:
        """The new message's ts; `thread_ts`, `broadcast`, `typed`, `attachments`, `blocks`, `files`, `ts`."""
        body = {"channel": channel, "user": user, "text": text, **more}
        return str((await self.do("messages", body))["ts"])

    async def edit(self, channel: str, ts: str, **changes: Any) -> None:
        """`text`, `blocks`, `attachments`."""
        await self.do("messages/edit", {"channel": channel, "ts": ts, **changes})

    async def delete(self, channel: str, ts: str) -> None:
        await self.do("messages/delete", {"channel": channel, "ts": ts})

    async def react(self, channel: str, ts: str, user: str, name: str, *, remove: bool = False) -> None:
        body = {"channel": channel, "ts": ts, "user": user, "name": name, "remove": remove}
        await self.do("reactions", body)

    async def click(self, channel: str, ts: str, user: str, action_id: str, value: str | None = None) -> None:
        body = {"channel": channel, "ts": ts, "user": user, "action_id": action_id, "value": value}
        await self.do("click", body)

    async def messages(self, channel: str, thread_ts: str = "") -> list[Json]:
        """Oldest first, replies included, with metadata."""
        answer = await self.read("messages", channel=channel, thread_ts=thread_ts)
        return list(answer["messages"])

    async def webhook(self, channel: str, username: str = "incoming-webhook") -> str:
        """A new incoming webhook's URL."""
        return str((await self.do("webhooks", {"channel": channel, "username": username}))["url"])

    async def fire(self, scenario: str, step: int = 0) -> Json:
        """`{"channel", "ts"}` of the alert's message."""
        return await self.do("scenarios/fire", {"scenario": scenario, "step": step})

    # Events, faults, figures

    async def inject(self, events: Iterable[Any], *, apply: bool = False) -> int:
        """Send recorded envelopes, payloads or events; how many."""
        waiting, sent = list(events), 0
        for start in range(0, len(waiting), 500):  # the server answers others in between
            body = {"events": waiting[start : start + 500], "apply": apply}
            sent += int((await self.do("events", body))["sent"])
        return sent

    async def fail(self, method: str = "*", **fault: Any) -> int:
        """A fault's id; the fields of `ApiFault`, and `seed`."""
        return int((await self.do("faults", {"method": method, **fault}))["id"])

    async def socket_faults(self, **faults: Any) -> None:
        """The fields of `SocketFaults`, and `seed`."""
        await self.do("faults/socket", faults)

    async def heal(self) -> None:
        """End all faults."""
        await self.do("faults/clear")

    async def disconnect(self, reason: str = "refresh_requested", **how: bool) -> int:
        """How many connections were told; `close` (default true), `abrupt`."""
        return int((await self.do("disconnect", {"reason": reason, **how}))["connections"])

    async def revoke(self, kind: str = "bot", *, revoked: bool = True) -> None:
        await self.do("token", {"kind": kind, "revoked": revoked})

    async def links(self, links: Iterable[tuple[str, str]]) -> None:
        """(label, url) pairs for the page's header."""
        await self.do("links", {"links": [{"label": label, "url": url} for label, url in links]})

    async def counters(self) -> Counters:
        answer = await self.read("counters", list="1")
        events = answer.pop("events")
        events.pop("unknown_acks")
        return Counters(**events, **answer)

    async def wait_for(self, what: str, *, timeout: float = 10.0, **query: Any) -> bool:
        """False when it did not come true in time.

        `acked` (nothing unacknowledged) · `acks` (`count`) · `connected` (`count` at once) ·
        `connects` (`count` ever) · `disconnected` ·
        `calls` (`method`, `count`) · `messages` (`channel`, `thread_ts`, `text`, `by="bot"`, `user`, `count`)
        """
        given = {key: str(value) for key, value in query.items()}
        answer = await self._request("GET", "wait", query={"for": what, "timeout": str(timeout), **given})
        return bool(answer["met"])

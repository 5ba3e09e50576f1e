"""A small workspace with a clock that tests move."""

from __future__ import annotations

from typing import Any

from localslack import Workspace, api, messages
from localslack.messages import Draft
from localslack.model import Channel, Json

START = 1_700_000_000.0


class Clock:
    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Bench:
    """A workspace with ana and ben in #ops, and everything it told the app."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.ws = Workspace(clock=self.clock, **options)
        self.ana = self.ws.add_user("ana", email="ana@example.com")
        self.ben = self.ws.add_user("ben")
        members = (self.ana.id, self.ben.id, self.ws.bot.id)
        self.ops = self.ws.add_channel("ops", members=members)
        self.sent: list[Json] = []
        self.ws.on_payload.append(self.sent.append)

    @property
    def events(self) -> list[Json]:
        return [item["payload"]["event"] for item in self.sent if item["type"] == "events_api"]

    def call(self, method: str, **args: Any) -> Json:
        return api.perform(self.ws, method, args, self.ws.bot_token)

    def say(
        self, text: str, *, thread_ts: str | None = None, channel: Channel | None = None, **more: Any
    ) -> str:
        draft = Draft(channel or self.ops, {"user": self.ana.id}, text=text, thread_ts=thread_ts, **more)
        return str(messages.post(self.ws, draft)["ts"])

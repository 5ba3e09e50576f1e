"""A storm of events on a local Slack: what people and alert tools do, remembered to be audited."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from bench.processes import rows
from localslack import LocalSlack, webhooks

ALERTS: Final = ("HighErrorRate", "KafkaLag", "DiskFull", "CertExpiry")
FIX: Final = (
    "Fixed it: `kubectl -n shop rollout restart deploy/{service}` did the trick, error rate back to normal"
)
RECENT: Final = 60
Key = tuple[str, str]
"""Channel id and ts of a message."""

BUSY: Final = """
select entrypoint, count(*) from jobs where status <> 'failed' group by 1
union all
select 'gaps', count(*) from channels where recover_from is not null having count(*) > 0
"""


def alert_payload(
    alert: str, service: str, instance: str, *, firing: bool, by_instance: bool = False
) -> dict[str, Any]:
    """An Alertmanager notification in its default template.

    `by_instance`: each instance is a group, and so an incident, of its own.
    """
    status = "[FIRING:1]" if firing else "[RESOLVED]"
    title = f"{status} {alert} {service} " + (
        f"{instance} (critical)" if by_instance else f"({instance} critical)"
    )
    return {
        "username": "Alertmanager",
        "attachments": [
            {
                "title": title,
                "title_link": "http://alertmanager.example.com:9093/#/alerts?receiver=ops",
                "fallback": f"{title} | http://alertmanager.example.com:9093/#/alerts?receiver=ops",
                "color": "danger" if firing else "good",
            }
        ],
    }


@dataclass
class Storm:
    """Posts events as people and alert tools would, and remembers what it did.

    texts    what every message that still exists says       kinds   what each message is or was
    gone     messages deleted again                          edited  those whose text was changed
    asked    messages that must get one answer               fired   alerts that must get one runbook each
    closed   the message that resolved an alert, by the alert; what fired and is not here is still open
    """

    slack: LocalSlack
    channels: list[str] = field(default_factory=list)
    hooks: dict[str, str] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    texts: dict[Key, str] = field(default_factory=dict)
    kinds: dict[Key, str] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)
    edited: set[Key] = field(default_factory=set)
    asked: list[Key] = field(default_factory=list)
    fired: list[Key] = field(default_factory=list)
    opened: dict[Key, tuple[str, str]] = field(default_factory=dict)
    closed: dict[Key, Key] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    instances: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(1))
    _talked_about: set[Key] = field(default_factory=set)
    _chat: deque[Key] = field(default_factory=lambda: deque(maxlen=RECENT))

    async def prepare(self, channels: int = 6) -> None:
        """Channels, people, and for each alert an earlier firing that somebody fixed."""
        control = self.slack.control
        self.people = [await control.add_user(f"person{n}", real_name=f"Person {n}") for n in range(5)]
        for number in range(channels):
            channel = await control.add_channel(f"ops-{number}", members=self.people)
            self.channels.append(channel)
            self.hooks[channel] = await control.webhook(channel, "Alertmanager")
            for alert in ALERTS:
                root = await self.alert(channel, alert, instance="before")
                await self._say("reply", channel, self.people[0], FIX.format(service="checkout"), root)
                await self.resolve((channel, root))
        self.kinds = dict.fromkeys(self.kinds, "before")
        self.fired.clear()
        self.sent.clear()

    async def alert(self, channel: str, alert: str, instance: str) -> str:
        """It fires; the ts of its message."""
        payload = alert_payload(alert, "checkout", instance, firing=True, by_instance=True)
        key = self._hook("alert", channel, payload)
        self.fired.append(key)
        self.opened[key] = (alert, instance)
        return key[1]

    async def resolve(self, firing: Key) -> None:
        alert, instance = self.opened.pop(firing)
        payload = alert_payload(alert, "checkout", instance, firing=False, by_instance=True)
        self.closed[firing] = self._hook("resolve", firing[0], payload)

    async def blow(self, seconds: float, *, per_second: float) -> None:
        """Events in random order at an even pace, a late one as soon as it can be. May be called again."""
        began, number = time.monotonic(), 0
        while (due := number / per_second) < seconds:
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            await self._one(self._dice)
            number += 1

    async def _one(self, dice: random.Random) -> None:
        channel, person, roll = dice.choice(self.channels), dice.choice(self.people), dice.random()
        mine = [key for key in self._chat if key[0] == channel and key not in self.gone]
        open_ = [key for key in list(self.opened)[:RECENT] if key[0] == channel]
        if roll < 0.10:
            self.instances += 1
            await self.alert(channel, dice.choice(ALERTS), f"host-{self.instances}:9100")
        elif roll < 0.15 and open_:
            await self.resolve(dice.choice(open_))
        elif roll < 0.22:
            text = f"<@{self.slack.workspace.bot.id}> how did we fix {dice.choice(ALERTS)} on checkout?"
            self.asked.append(await self._say("mention", channel, person, text))
        elif roll < 0.32 and (mine or self._asked_here(channel)):
            key = dice.choice([*mine, *self._asked_here(channel)])
            # A question stays one, and gets no second answer.
            words = self.texts[key].partition(", please")[0] if self.kinds[key] == "mention" else "chat"
            await self._edit(key, f"{words}, please {dice.random()}")
        elif roll < 0.37 and (alone := [key for key in mine if key not in self._talked_about]):
            # One with replies would stay as a stone with nothing on it.
            await self._delete(dice.choice(alone))
        elif roll < 0.47 and mine:
            root = dice.choice(mine)
            self._talked_about.add(root)
            await self._say("reply", channel, person, f"reply {dice.random()}", root[1])
        else:
            self._chat.append(await self._say("message", channel, person, f"chat {dice.random()}"))

    def _asked_here(self, channel: str) -> list[Key]:
        return [key for key in self.asked[-RECENT:] if key[0] == channel]

    async def _edit(self, key: Key, text: str) -> None:
        self.texts[key] = text
        self.edited.add(key)
        self.sent["edit"] += 1
        await self.slack.control.edit(*key, text=text)

    async def _delete(self, key: Key) -> None:
        del self.texts[key]
        self.gone.add(key)
        self.edited.discard(key)
        self.sent["deletion"] += 1
        await self.slack.control.delete(*key)

    async def _say(self, kind: str, channel: str, person: str, text: str, thread: str = "") -> Key:
        more = {"thread_ts": thread} if thread else {}
        return self._said(kind, (channel, await self.slack.control.post(channel, person, text, **more)), text)

    def _hook(self, kind: str, channel: str, payload: dict[str, Any]) -> Key:
        path = urlsplit(self.hooks[channel]).path.removeprefix("/services/")
        ts = str(webhooks.receive(self.slack.workspace, path, payload)["ts"])
        return self._said(kind, (channel, ts), payload["attachments"][0]["title"])

    def _said(self, kind: str, key: Key, text: str) -> Key:
        self.texts[key], self.kinds[key] = text, kind
        self.sent[kind] += 1
        return key

    async def heard(self, conninfo: str, within: float = 120.0) -> None:
        """Until all that was said so far is recorded: each later alert has an earlier one."""

        async def recorded() -> bool:
            [(count,)] = await rows(conninfo, "select count(*) from messages")
            return bool(count >= len(self.texts))

        await until(recorded, within, "what was said before is recorded")
        await self.settled(conninfo, within)

    async def settled(self, conninfo: str, within: float = 120.0) -> float:
        """Seconds until no job waits, no gap is left to fill and Slack waits for no acknowledgement."""

        left: dict[str, int] = {}

        async def quiet() -> bool:
            nonlocal left
            # What was acknowledged before the jobs are counted has its job among them.
            pending = (await self.slack.control.counters()).pending
            try:
                left = dict(await rows(conninfo, BUSY))
            except psycopg.OperationalError:
                return False  # the database was killed a moment ago
            if pending:
                left["unacknowledged"] = pending
            return not left

        try:
            return await until(quiet, within, "nothing waits")
        except RuntimeError as late:
            raise RuntimeError(f"{late}; left are {left}") from None

    async def replies(self) -> dict[Key, list[dict[str, Any]]]:
        """Ratchet's visible messages by the message they stand under."""
        found: dict[Key, list[dict[str, Any]]] = {}
        for channel in self.channels:
            for message in await self.slack.control.messages(channel):
                if message.get("metadata", {}).get("event_type") == "ratchet":
                    found.setdefault((channel, str(message.get("thread_ts"))), []).append(message)
        return found


async def until(condition: Callable[[], Awaitable[bool]], within: float, what: str) -> float:
    """Seconds until it came true. Raises RuntimeError after `within`."""
    began = time.monotonic()
    while not await condition():
        if time.monotonic() - began > within:
            raise RuntimeError(f"{what}: not within {within:g} s")
        await asyncio.sleep(0.1)
    return time.monotonic() - began

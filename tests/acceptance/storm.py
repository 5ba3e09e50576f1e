"""A storm of events on a local Slack, and the exact audit of what must have become of them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg

from localslack import LocalSlack, webhooks
from tests.acceptance.harness import eventually, rows

ALERTS = ("HighErrorRate", "KafkaLag", "DiskFull", "CertExpiry")
FIX = "Fixed it: `kubectl -n shop rollout restart deploy/{service}` did the trick, error rate back to normal"


def alert_payload(alert: str, service: str, instance: str, *, firing: bool) -> dict[str, Any]:
    """An Alertmanager notification in its default template."""
    status = "[FIRING:1]" if firing else "[RESOLVED]"
    title = f"{status} {alert} {service} ({instance} critical)"
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

    `texts`: what every message that still exists says. `asked` and `fired`: messages that must get one reply.
    """

    slack: LocalSlack
    seed: int = 0
    channels: list[str] = field(default_factory=list)
    hooks: dict[str, str] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fired: list[tuple[str, str]] = field(default_factory=list)
    instances: int = 0

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
                reply = await control.post(
                    channel, self.people[0], FIX.format(service="checkout"), thread_ts=root
                )
                self.texts[channel, reply] = FIX.format(service="checkout")
                await self.alert(channel, alert, instance="before", firing=False)
        self.fired.clear()

    async def alert(self, channel: str, alert: str, instance: str, *, firing: bool = True) -> str:
        payload = alert_payload(alert, "checkout", instance, firing=firing)
        ts = str(
            webhooks.receive(
                self.slack.workspace, urlsplit(self.hooks[channel]).path.removeprefix("/services/"), payload
            )["ts"]
        )
        self.texts[channel, ts] = payload["attachments"][0]["title"]
        if firing:
            self.fired.append((channel, ts))
        return ts

    async def blow(self, events: int, *, per_second: float) -> None:
        """About `events` events in random order at an even pace."""
        dice = random.Random(self.seed)
        for _ in range(events):
            await self._one(dice)
            await asyncio.sleep(1 / per_second)

    async def _one(self, dice: random.Random) -> None:
        control, channel, person = self.slack.control, dice.choice(self.channels), dice.choice(self.people)
        roll = dice.random()
        mine = [
            key for key in list(self.texts)[-200:] if key[0] == channel and self.texts[key].startswith("chat")
        ]
        if roll < 0.10:
            self.instances += 1
            await self.alert(channel, dice.choice(ALERTS), f"host-{self.instances}:9100")
        elif roll < 0.17:
            text = f"{self.slack.workspace.bot.id}"
            text = f"<@{text}> how did we fix {dice.choice(ALERTS)} on checkout?"
            ts = await control.post(channel, person, text)
            self.texts[channel, ts] = text
            self.asked.append((channel, ts))
        elif roll < 0.27 and mine:
            key = dice.choice(mine)
            self.texts[key] = f"chat edited {dice.random()}"
            await control.edit(*key, text=self.texts[key])
        elif roll < 0.32 and mine:
            key = dice.choice(mine)
            await control.delete(*key)
            del self.texts[key]
            self.gone.add(key)
        else:
            text = f"chat {dice.random()}"
            self.texts[channel, await control.post(channel, person, text)] = text

    async def settled(self, conninfo: str, within: float = 120.0) -> None:
        """Until every message that must have a reply has one, and nothing waits."""

        async def quiet() -> bool:
            try:
                waiting = await rows(conninfo, "select count(*) from jobs where status <> 'failed'")
                gaps = await rows(conninfo, "select count(*) from channels where recover_from is not null")
            except psycopg.OperationalError:
                return False  # the database was killed a moment ago
            counters = await self.slack.control.counters()
            return waiting[0][0] == 0 and gaps[0][0] == 0 and counters.pending == 0

        await eventually(quiet, within=within, what="the queue is empty and every event acknowledged")

    async def replies(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Ratchet's visible messages by the message they stand under."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for channel in self.channels:
            for message in await self.slack.control.messages(channel):
                if message.get("metadata", {}).get("event_type") == "ratchet":
                    found.setdefault((channel, str(message.get("thread_ts"))), []).append(message)
        return found

    async def audit(self, conninfo: str) -> None:
        """Every event stored as it ended, every reply there, none twice."""
        stored = {
            (channel, ts): (text, title)
            for channel, ts, text, title in await rows(
                conninfo,
                """select channel_id, ts, attrs->'payload'->>'text', attrs#>>'{payload,attachments,0,title}'
                   from messages where attrs->'sender'->>'kind' <> 'self'""",
            )
        }
        wrong = {
            key: (text, stored.get(key))
            for key, text in self.texts.items()
            if text not in (stored.get(key) or ())
        }
        assert wrong == {}, (
            f"{len(wrong)} messages lost or out of date, such as {dict(list(wrong.items())[:3])}"
        )
        assert self.gone & set(stored) == set(), "deleted messages are still stored"
        extra = set(stored) - set(self.texts)
        assert extra == set(), f"{len(extra)} messages stored that nobody wrote"
        await self._audit_replies()

    async def _audit_replies(self) -> None:
        replies = await self.replies()
        keys = Counter(
            (m["metadata"]["event_payload"]["key"], m["metadata"]["event_payload"].get("part"))
            for messages in replies.values()
            for m in messages
        )
        twice = {key: count for key, count in keys.items() if count > 1}
        assert twice == {}, f"said twice: {twice}"
        wanted = set(self.asked) | set(self.fired)
        missing = {key for key in wanted if key not in replies and key not in self.gone}
        assert missing == set(), (
            f"{len(missing)} of {len(wanted)} replies are missing, such as {list(missing)[:3]}"
        )
        assert {key: len(found) for key, found in replies.items() if len(found) > 1} == {}

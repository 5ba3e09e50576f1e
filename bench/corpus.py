"""An invented workspace of any size: what people and alert tools write, in Slack's own form.

Lengths, the share of replies, reactions and alerts, and the many rare words (hosts, ids, numbers) are like
those of busy operations channels. The same seed gives the same workspace.
"""

from __future__ import annotations

import json
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from localslack.model import Json

DAY_S: Final = 86_400
TEAM: Final = "T0BENCH001"
WORDS: Final = """
the a to and of in it is that we on for this with was be have not are but at as you they from so if can just
what there when all out up now one about like get see time go think know some more then no how our did other
still again after before because should would could need want try look check found seems looks same since
today yesterday tomorrow morning deploy deployed rollout rollback restart restarted pod pods node nodes
cluster namespace replica replicas service services queue consumer producer lag offset partition topic broker
database query queries index vacuum connection connections pool timeout timeouts latency error errors rate
traffic spike load cpu memory disk volume backup snapshot restore certificate expired renew secret token vault
config flag feature canary release branch merge pipeline build failed failing green flaky test tests retry
retries dashboard graph panel metric metrics alert alerts silence paged oncall handover incident postmortem
customer checkout payment invoice search cache redis kafka postgres nginx gateway proxy dns network packet
loss region zone failover primary standby upgrade migration script job cron schedule runbook docs link ticket
owner team help thanks sure done fixed works working broken weird maybe probably definitely only also already
""".split()  # noqa: SIM905  # a list of them would be a page
SERVICES: Final = tuple(
    f"{a}-{b}"
    for a in ("checkout", "payments", "search", "orders", "catalog", "billing", "auth", "mail")
    for b in ("api", "worker", "gateway", "db", "cache")
)
ALERTS: Final = (
    "HighErrorRate",
    "HighLatencyP99",
    "KubePodCrashLooping",
    "KafkaConsumerLagHigh",
    "DiskWillFillIn4Hours",
    "TargetDown",
    "CertificateExpiresSoon",
    "MemoryPressure",
    "QueueBacklog",
    "ReplicationLag",
    "CpuThrottling",
    "ProbeFailed",
)
FIXES: Final = (
    "Fixed with `kubectl -n shop rollout restart deploy/{service}`, error rate is back to normal",
    "It was the connection pool of {service}: raised `max_connections` to 200 in https://git.example.com/shop/config/pull/{n}",
    "Scaled {service} to 6 replicas, the lag goes down now: https://grafana.example.com/d/{service}",
    "```\nssh {service}-1 'journalctl --vacuum-size=1G && systemctl restart {service}'\n```\n40 GB free",
    "Rolled {service} back to v1.{n}, the new release leaks file handles",
)


@dataclass(slots=True)
class Corpus:
    """`next` makes one message after the other; a channel remembers which threads may get replies."""

    seed: int = 1
    channels: int = 20
    people: int = 60
    alert_share: float = 0.08
    # Makes the text of a message from the dice and a source of rare words; None: invented words.
    said: Callable[[random.Random, Callable[[], str]], str] | None = None
    dice: random.Random = field(init=False)
    roots: dict[str, list[str]] = field(default_factory=dict)
    firing: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)
    instances: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @property
    def channel_ids(self) -> list[str]:
        return [f"C0BENCH{number:03d}" for number in range(self.channels)]

    def user(self) -> str:
        return f"U0BENCH{self.dice.randrange(self.people):03d}"

    def next(self, channel: str, at: float) -> Json:
        """The next message of a channel, posted `at` (seconds since the UTC epoch)."""
        ts = f"{at:.6f}"
        roll = self.dice.random()
        if roll < self.alert_share:
            return self.alert(channel, ts)
        if roll < 2 * self.alert_share and self.firing.get(channel):
            return self.fix(channel, ts)
        message = self.spoken(ts, self.text())
        roots = self.roots.setdefault(channel, [])
        if roots and self.dice.random() < 0.4:
            message["thread_ts"] = self.dice.choice(roots[-8:])
        else:
            roots.append(ts)
            del roots[:-20]
        if self.dice.random() < 0.08:
            message["reactions"] = [self._reaction() for _ in range(self.dice.randint(1, 3))]
        return message

    def alert(self, channel: str, ts: str, *, resolve: bool | None = None) -> Json:
        """A notification in Alertmanager's default template; by default about half of them resolve."""
        waiting = self.firing.setdefault(channel, [])
        if resolve is None:
            resolve = bool(waiting) and self.dice.random() < 0.5
        if resolve and waiting:
            _, alert, service, instance = waiting.pop(0)
        else:
            alert, service = self.dice.choice(ALERTS), self.dice.choice(SERVICES)
            self.instances += 1
            instance = f"{service}-{self.instances}:9100"
            waiting.append((ts, alert, service, instance))
            del waiting[:-10]
        return _as_bot(ts, alertmanager(alert, service, instance, firing=not resolve))

    def fix(self, channel: str, ts: str) -> Json:
        """What somebody did about an alert that fires, in its thread."""
        root, _, service, _ = self.dice.choice(self.firing[channel])
        text = self.dice.choice(FIXES).format(service=service, n=self.dice.randrange(9000))
        return {**self.spoken(ts, text), "thread_ts": root}

    def text(self) -> str:
        """Mostly a line or two; now and then a page of log."""
        if self.said is not None:
            return self.said(self.dice, self._rare)
        if self.dice.random() < 0.02:
            return "```\n" + "\n".join(self._log_line() for _ in range(self.dice.randint(5, 40))) + "\n```"
        count = min(250, max(1, round(self.dice.lognormvariate(2.5, 0.9))))
        return " ".join(self._word() for _ in range(count))

    def _word(self) -> str:
        if self.dice.random() < 0.03:
            return self._rare()
        # Zipf's law, nearly: the n-th word is n times as rare as the first.
        return WORDS[int(len(WORDS) ** self.dice.random()) - 1]

    def _rare(self) -> str:
        number = self.dice.randrange(100_000)
        return self.dice.choice(
            (
                f"`{self.dice.choice(SERVICES)}-{number:x}`",
                f"ERR_{number % 500}",
                f"https://git.example.com/shop/deploy/pull/{number}",
                f"<@{self.user()}>",
                f"OPS-{number}",
                f"{number % 1000}ms",
            )
        )

    def _log_line(self) -> str:
        code, took = self.dice.choice((200, 499, 500, 503)), self.dice.randrange(9000)
        service = self.dice.choice(SERVICES)
        return f"level=error svc={service} code={code} took={took}ms trace={self.dice.randrange(16**8):08x}"

    def spoken(self, ts: str, text: str) -> Json:
        element = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
        block = {"type": "rich_text", "block_id": f"{self.dice.randrange(16**6):x}", "elements": [element]}
        return {
            "type": "message",
            "user": self.user(),
            "text": text,
            "ts": ts,
            "client_msg_id": f"{self.dice.randrange(16**12):012x}",
            "team": TEAM,
            "blocks": [block],
        }

    def _reaction(self) -> Json:
        users = sorted({self.user() for _ in range(self.dice.randint(1, 4))})
        name = self.dice.choice(("+1", "eyes", "white_check_mark", "pray", "fire"))
        return {"name": name, "users": users, "count": len(users)}


def alertmanager(alert: str, service: str, instance: str, *, firing: bool) -> Json:
    """What Alertmanager's default template posts."""
    status, color = ("[FIRING:1]", "danger") if firing else ("[RESOLVED]", "good")
    title = f"{status} {alert} {service} ({instance} critical)"
    link = "http://alertmanager.example.com:9093/#/alerts?receiver=ops"
    attachment = {"title": title, "title_link": link, "fallback": f"{title} | {link}", "color": color}
    return {"username": "Alertmanager", "text": "", "attachments": [{**attachment, "id": 1}]}


def _as_bot(ts: str, payload: Json) -> Json:
    return {"type": "message", "subtype": "bot_message", "bot_id": "B0BENCHAM1", "ts": ts, **payload}


def history(corpus: Corpus, count: int, *, days: float, until: float) -> Iterator[tuple[str, Json]]:
    """`count` messages with their channels, oldest first, evenly over the `days` before `until`."""
    step = days * DAY_S / count
    channels = corpus.channel_ids
    for number in range(count):
        channel = channels[int(len(channels) * corpus.dice.random() ** 2)]
        yield channel, corpus.next(channel, until - (count - number) * step)


def as_event(channel: str, message: Json) -> Json:
    """A message as Socket Mode brings it."""
    event = {key: value for key, value in message.items() if key != "reactions"}
    return {**event, "channel": channel, "channel_type": "channel", "event_ts": message["ts"]}


def write_export(path: Path, corpus: Corpus, count: int, *, days: float) -> int:
    """A standard export as a zip; returns its number of day files."""
    until = time.time() - 2 * DAY_S
    folders: dict[str, list[Json]] = {}
    for channel, message in history(corpus, count, days=days, until=until) if count else ():
        day = datetime.fromtimestamp(float(message["ts"]), UTC).date()
        folders.setdefault(f"{_name(channel)}/{day}.json", []).append(message)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("channels.json", json.dumps(_channels(corpus)))
        archive.writestr("users.json", json.dumps(_users(corpus)))
        for name, messages in folders.items():
            archive.writestr(name, json.dumps(messages, indent=4))
    return len(folders)


def _name(channel: str) -> str:
    return f"bench-{channel[-3:]}"


def _channels(corpus: Corpus) -> list[Json]:
    members = [user["id"] for user in _users(corpus)]
    return [
        {"id": channel, "name": _name(channel), "created": 1, "is_archived": False, "members": members}
        for channel in corpus.channel_ids
    ]


def _users(corpus: Corpus) -> list[Json]:
    found: list[Any] = [(f"U0BENCH{n:03d}", f"person{n}") for n in range(corpus.people)]
    return [{"id": i, "name": name, "profile": {"real_name": name.title()}} for i, name in found]

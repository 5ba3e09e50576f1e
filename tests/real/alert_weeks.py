"""Sixteen days of an operations channel, from real Alertmanager notifications at times of our own, and the figures of
its last week, worked out from the raw messages: no database, and nothing of the report's own code.

Who an alert is (its name, service, priority and pair key) is read from each message by `ratchet.alerts`, which has
tests of its own. Everything else is counted here, as docs/reports.md says it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from ratchet import alerts
from tests.integration.pipeline.house import START, Raw, at, reacted, said

SOURCE: Final = (
    Path(__file__).resolve().parents[2].parent / "shared/data/alerts/alertmanager_slack_messages.jsonl"
)
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
DAYS: Final = 16
WEEK: Final = 7 * DAY
UNTIL: Final = DAYS * DAY
FIX: Final = "restarted with `systemctl restart gerrit`, merged https://git.example.com/r/commit/1"
QUESTION: Final = "who knows where the dashboard of this alert lives now?"
CHATTER: Final = "Deployment 42 finished"
# How an alert behaves; which one, by its place in the file.
WAYS: Final = ("fixed", "heals", "flaps", "repeats", "silent", "long", "ignored", "asked")
# Notifications that are used, and how often each alert comes in the sixteen days.
EVERY: Final = 5
TIMES: Final = 9


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of the file with its two notifications, firing and resolved."""

    firing: Raw
    resolved: Raw
    way: str


@dataclass(slots=True)
class Run:
    """One incident as it goes: moments in seconds since the beginning. `threads`: of its firings, by ts.

    replies, reactions: the thread's ts and the moment. again: when its key opened anew.
    """

    key: str
    name: tuple[str | None, str]
    priority: str
    opened: float
    last: float
    threads: dict[str, float]
    closed: float | None = None
    flap: bool = False
    again: float = math.inf
    replies: list[tuple[str, float]] = field(default_factory=list)
    reactions: list[tuple[str, float]] = field(default_factory=list)

    @property
    def ts(self) -> str:
        return next(iter(self.threads))

    @property
    def state(self) -> str:
        if self.closed is not None:
            return "closed"
        return "expired" if UNTIL - self.last > DAY else "open"

    @property
    def touched(self) -> bool:
        return bool(self.replies or self.reactions)

    @property
    def lasted(self) -> float | None:
        return None if self.closed is None else self.closed - self.opened

    @property
    def noticed(self) -> float | None:
        """Seconds to the first word or reaction under its first message."""
        moments = [moment for thread, moment in (*self.replies, *self.reactions) if thread == self.ts]
        return min(moments) - self.opened if moments else None


def read() -> list[Alert]:
    found: list[Raw] = []
    for line in SOURCE.read_text("utf-8").splitlines():
        raw: Raw = json.loads(line)
        raw.pop("gold")
        found.append(
            raw | {"username": raw.pop("bot_name"), "bot_id": "B0AM", "type": "message", "channel": "C1"}
        )
    pairs = list(zip(found[::2], found[1::2], strict=True))[::EVERY]
    return [Alert(*pair, WAYS[number % len(WAYS)]) for number, pair in enumerate(pairs)]


def told(raw: Raw, moment: float) -> Raw:
    return raw | {"ts": at(moment), "event_ts": at(moment)}


def posted() -> list[Raw]:
    """Everything, oldest first; no two at one moment."""
    raws: list[Raw] = []
    for number, alert in enumerate(read()):
        for turn in range(TIMES):
            # Spread over the days and hours, each in a second of its own; never across the end.
            began = (turn * 1.77 + number * 0.617 % 1.7) * DAY + number * 1.5
            if began + 4 * HOUR < UNTIL and met(number, began):
                raws += told_as(alert, began, turn)
    raws += storm(read())
    raws += [
        told(
            {"type": "message", "channel": "C1", "bot_id": "B0CI", "text": CHATTER},
            3.3 * HOUR + DAY * n + 0.7,
        )
        for n in range(DAYS)
    ]
    return sorted(raws, key=lambda raw: float(raw["event_ts"]))


def met(number: int, began: float) -> bool:
    """Some alerts are gone in the last week, some are new."""
    return number % 11 > 1 or (began < UNTIL - WEEK) == (number % 11 == 0)


def told_as(alert: Alert, began: float, turn: int) -> Iterator[Raw]:
    match alert.way:
        case "fixed":
            yield from once(alert, began, 40 * MINUTE)
            yield said(at(began + 5 * MINUTE), FIX, thread_ts=at(began))
        case "heals":
            yield from once(alert, began, 2 * MINUTE)
        case "flaps":
            for cycle in range(3):
                yield from once(alert, began + cycle * 15 * MINUTE, 7 * MINUTE)
        case "repeats":
            for repeat in range(12):
                yield told(alert.firing, began + repeat * 10 * MINUTE)
            yield told(alert.resolved, began + 3 * HOUR)
        case "silent":
            yield told(alert.firing, began)
        case "long":
            yield from once(alert, began, 6 * HOUR)
            yield reacted(at(began), "eyes", at(began + MINUTE))
        case "ignored":
            yield from once(alert, began, 25 * MINUTE)
            if turn % 2:
                yield told(alert.resolved, began + 45 * MINUTE)
        case "asked":
            yield from once(alert, began, 30 * MINUTE)
            yield said(at(began + 3 * MINUTE), QUESTION, thread_ts=at(began))


def once(alert: Alert, began: float, lasts: float) -> Iterator[Raw]:
    yield told(alert.firing, began)
    yield told(alert.resolved, began + lasts)


def storm(found: Sequence[Alert]) -> Iterator[Raw]:
    """Fourteen alerts within five minutes, in the last week."""
    for number, alert in enumerate([one for one in found if one.way in ("fixed", "heals")][:14]):
        yield from once(alert, UNTIL - 3.21 * DAY + number * 21.25, 50 * MINUTE)


@dataclass(slots=True)
class Told:
    """What the notifications say: incidents, oldest first, and the moments of resolves that ended nothing."""

    runs: list[Run] = field(default_factory=list)
    unpaired: list[float] = field(default_factory=list)
    latest: dict[str, Run] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)

    def hear(self, raw: Raw) -> None:
        moment, action = float(raw["ts"]) - START, alerts.classify(raw, alerts.flatten(raw), channel="C1")
        key = str(action.pair_key)
        before = self.latest.get(key)
        running = before if before is not None and before.closed is None else None
        if action.action.value == "open_incident":
            if running is not None and moment - self.heard[key] <= DAY:
                running.threads[raw["ts"]] = running.last = moment
            else:
                name = (action.service, str(action.alert))
                self.begin(Run(key, name, action.priority, moment, moment, {raw["ts"]: moment}), before)
        elif running is not None:
            running.closed = running.last = moment
        else:
            self.unpaired.append(moment)
        self.heard[key] = moment

    def begin(self, run: Run, before: Run | None) -> None:
        if before is not None:
            before.again = run.opened
            run.flap = before.closed is not None and run.opened - before.opened <= HOUR
        self.latest[run.key] = run
        self.runs.append(run)


def understood(raws: Sequence[Raw]) -> Told:
    told = Told()
    for raw in raws:
        if "attachments" in raw:
            told.hear(raw)
    of = {ts: run for run in told.runs for ts in run.threads}
    for raw in raws:
        if raw["type"] == "reaction_added":
            ts, moment = raw["item"]["ts"], float(raw["event_ts"]) - START
            of[ts].reactions.append((ts, moment))
        elif "thread_ts" in raw:
            ts, moment = raw["thread_ts"], float(raw["ts"]) - START
            if moment < of[ts].again:
                of[ts].replies.append((ts, moment))
    return told


def when(moment: float) -> datetime:
    return datetime.fromtimestamp(START, UTC) + timedelta(seconds=moment)


def totals(found: Sequence[Run]) -> dict[str, Any]:
    """Every field of a report's figures."""
    lasted = [run.lasted for run in found if run.lasted is not None]
    noticed = [run.noticed for run in found if run.noticed is not None]
    closed = [run for run in found if run.closed is not None]
    alone = [run for run in closed if not run.touched]
    return {
        "opens": len(found),
        "renotifications": sum(len(run.threads) - 1 for run in found),
        "untriaged": sum(not run.replies for run in found),
        "untouched": sum(not run.touched for run in found),
        "closed": len(closed),
        "no_touch": len(alone),
        "self_healed": sum((run.lasted or 0) <= 300 for run in alone),
        "flaps": sum(run.flap for run in found),
        "expired": sum(run.state == "expired" for run in found),
        "tta_p50_s": median(noticed) if noticed else None,
        "tta_p95_s": part95(noticed),
        "ttr_p50_s": median(lasted) if lasted else None,
        "ttr_p95_s": part95(lasted),
    }


def part95(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return next(iter(values), None)
    return quantiles(values, n=20, method="inclusive")[-1]


def beside(found: Sequence[Run]) -> int:
    """How many opened while an earlier one was open."""
    ends = [(run.opened, run.closed if run.closed is not None else run.last) for run in found]
    return sum(any(start < run.opened < end for start, end in ends) for run in found)


def cause(found: Sequence[Run], *, helped: bool) -> str | None:
    """The first that fits of the table in docs/reports.md."""
    figures, opens = totals(found), len(found)
    half_long = (figures["ttr_p50_s"] or 0) > 4 * HOUR
    table = [
        ("duplicates", figures["renotifications"] >= max(10, 3 * opens)),
        ("flaps", opens >= 3 and figures["flaps"] >= max(3, opens / 3)),
        ("self-heals", opens >= 3 and figures["self_healed"] >= opens / 2),
        ("never resolved", opens >= 3 and figures["expired"] >= opens / 2),
        ("never touched", opens >= 3 and figures["untouched"] >= opens * 4 / 5),
        ("duplicates", opens >= 3 and beside(found) >= max(3, opens / 3)),
        ("long-running", opens >= 3 and half_long),
        ("no runbook", opens >= 3 and not helped),
    ]
    return next((called for called, fits in table if fits), None)


def named(found: Sequence[Run]) -> dict[tuple[str | None, str], list[Run]]:
    by_name: dict[tuple[str | None, str], list[Run]] = {}
    for run in found:
        by_name.setdefault(run.name, []).append(run)
    return by_name


def storms(found: Sequence[Run]) -> list[tuple[float, float, int, int]]:
    """From the first to the last open, opens, and different alerts, of more than ten alerts within ten minutes."""
    spans: list[list[int]] = []
    for first, run in enumerate(found):
        inside = [n for n in range(first, len(found)) if found[n].opened - run.opened <= 600]
        if len({found[n].name for n in inside}) > 10:
            if spans and first <= spans[-1][1]:
                spans[-1][1] = inside[-1]
            else:
                spans.append([first, inside[-1]])
    return [
        (found[a].opened, found[b].opened, b - a + 1, len({one.name for one in found[a : b + 1]}))
        for a, b in spans
    ]


def shifts(found: Sequence[Run]) -> Counter[int]:
    """Incidents by 12-hour shift, numbered since 8 o'clock of the epoch; those of a storm are one."""
    stormy = storms(found)
    alone = [run.opened for run in found if not any(a <= run.opened <= b for a, b, *_ in stormy)]
    moments = [*alone, *(start for start, *_ in stormy)]
    return Counter(int((START + moment - 8 * HOUR) // (12 * HOUR)) for moment in moments)


def helped(found: Sequence[Run]) -> bool:
    """Whether a person wrote under one of the last twenty firings of an alert. `found`: all its incidents."""
    firings = sorted(
        ((moment, ts, run) for run in found for ts, moment in run.threads.items()), key=lambda one: -one[0]
    )
    return any(thread == ts for _, ts, run in firings[:20] for thread, _ in run.replies)

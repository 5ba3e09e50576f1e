"""`runbook`: what a runbook costs, from 500 earlier threads; in this process, on the embedded database."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.corpus import Corpus, alertmanager, history
from bench.processes import rows
from bench.report import Report, percentile
from ratchet.app import Store, open_store, runbook_rooms
from ratchet.domain.events import MessagePosted
from ratchet.domain.incidents import Action
from ratchet.domain.messages import Channel, Message, MessageRef, posted_at
from ratchet.handlers.base import Trigger
from ratchet.handlers.runbook import RunbookHandler
from ratchet.handlers.runbook_writer import Asked
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.intake import Intake
from ratchet.settings import load as load_settings
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_stored_message
from ratchet.store.incidents import Incidents
from ratchet.store.messages import Messages

ALERT: Final = "BenchBurnsDown"
SERVICE: Final = "checkout"
CHANNEL: Final = "C0BENCH000"
REPLIES: Final = 10


async def run(directory: Path, *, quick: bool) -> Report:
    threads, others, times = (100, 2_000, 20) if quick else (500, 50_000, 200)
    report = Report("runbook", f"{threads} threads under one alert, {others:,} other messages; {times} times")
    settings = load_settings({"data_dir": directory / "data", "database_url": None}, env_file=None)
    async with open_store(settings) as store:
        await _fill(store, threads, others)
        firing = await _fire(store)
        writer, teller = runbook_rooms(store.db, "https://bench.slack.com")
        handler = RunbookHandler(writer, teller, Incidents(store.db))
        asked = Asked(SERVICE, ALERT, firing.posted_at, CHANNEL)
        trigger = Trigger(firing, Channel(CHANNEL, "ops"), "U0BOT", await BuiltIn().classify(firing))
        assert trigger.incident.action is Action.OPEN
        assert await handler.handle(trigger), "the alert has a runbook"
        wrote = await _timed(times, lambda: writer.write(asked))
        handled = await _timed(times, lambda: handler.handle(trigger))
    report.add("runbook written, p50", percentile(wrote, 0.5), "ms")
    report.below("runbook written, p95", percentile(wrote, 0.95), "ms", 50)
    report.add("whole handler, p50", percentile(handled, 0.5), "ms")
    report.below("whole handler, p95", percentile(handled, 0.95), "ms", 150)
    report.raw |= {"wrote_ms": wrote, "handled_ms": handled}
    return report


async def _timed(times: int, step: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each time; the first fills caches and counts too."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await step()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _threads(count: int, until: float) -> Iterator[dict[str, Any]]:
    """Firings an hour apart, each with replies of people and a resolve."""
    corpus = Corpus(seed=21)
    for number in range(count):
        at = until - (count - number) * 3600.0
        root = f"{at:.6f}"
        yield _notice(root, number, firing=True)
        corpus.firing[CHANNEL] = [(root, ALERT, SERVICE, "")]
        for place in range(REPLIES - 1):
            yield {**corpus.spoken(f"{at + 60 + place:.6f}", corpus.text()), "thread_ts": root}
        yield corpus.fix(CHANNEL, f"{at + 300:.6f}")
        yield _notice(f"{at + 600:.6f}", number, firing=False)


def _notice(ts: str, number: int, *, firing: bool) -> dict[str, Any]:
    payload = alertmanager(ALERT, SERVICE, f"web-{number}:9100", firing=firing)
    return {"type": "message", "subtype": "bot_message", "bot_id": "B0BENCHAM1", "ts": ts, **payload}


async def _fill(store: Store, threads: int, others: int) -> None:
    intake, until = Intake(store.db, store.queue, BuiltIn()), time.time() - 7200
    found = [(CHANNEL, message) for message in _threads(threads, until)]
    found += list(history(Corpus(seed=22), others, days=365.0, until=until))
    for start in range(0, len(found), 1000):
        parsed = [parse_stored_message(c, "public", m, NOBODY) for c, m in found[start : start + 1000]]
        events = [event for event in parsed if isinstance(event, MessagePosted)]
        await intake.record_history(events, onboard=False)
    for command in ("vacuum (analyze)", "checkpoint"):
        await rows(store.db.conninfo, command)


async def _fire(store: Store) -> Message:
    """The alert fires once more, on an instance that never did."""
    ts = f"{time.time():.6f}"
    event = parse_stored_message(CHANNEL, "public", _notice(ts, -1, firing=True), NOBODY)
    assert isinstance(event, MessagePosted)
    await Intake(store.db, store.queue, BuiltIn()).record_history([event], onboard=False)
    message = await Messages(store.db).get(MessageRef(CHANNEL, ts))
    assert message is not None
    assert posted_at(ts) == message.posted_at
    return message

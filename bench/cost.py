"""`cost`: what recording one more message costs with little and with much recorded before.

Two servers with a database each, one small and one large, take turns in every round, so that whatever else
the machine does hits both. CPU is that of this process and of the server with all its helpers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from bench.corpus import Corpus, history
from bench.processes import cpu_seconds, family, rows
from bench.report import Report
from ratchet.app import Store, open_store
from ratchet.domain.events import MessagePosted
from ratchet.jobs.base import Route
from ratchet.jobs.worker import Worker
from ratchet.pipeline import work
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.intake import Intake, MessageEvent
from ratchet.settings import load as load_settings
from ratchet.slack.identity import NOBODY
from ratchet.slack.parse import parse_stored_message

SMALL: Final = 2_000
BATCH: Final = 20
SINGLES: Final = 25
BATCHES: Final = 5
WITHIN: Final = 1.10
WAYS: Final = ("batches", "singly", "jobs", "index")


@dataclass(slots=True)
class Sums:
    """Seconds and messages of one way of recording, all rounds; `walls`: seconds a message by round."""

    wall: float = 0.0
    python: float = 0.0
    postgres: float = 0.0
    messages: int = 0
    walls: list[float] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """CPU µs a message."""
        return (self.python + self.postgres) / self.messages * 1e6


@dataclass(slots=True)
class Side:
    """One database and what is recorded into it."""

    store: Store
    corpus: Corpus
    sums: dict[str, Sums] = field(default_factory=lambda: {way: Sums() for way in WAYS})
    last: float = 0.0

    @property
    def intake(self) -> Intake:
        return Intake(self.store.db, self.store.queue, BuiltIn())

    def events(self, count: int) -> list[MessagePosted]:
        """The next messages, posted now."""
        found: list[MessagePosted] = []
        while len(found) < count:
            self.last = max(time.time(), self.last + 0.001)
            channel = self.corpus.dice.choice(self.corpus.channel_ids)
            found += _parsed([(channel, self.corpus.next(channel, self.last))])
        return found


async def run(directory: Path, *, quick: bool) -> Report:
    large, rounds = (20_000, 6) if quick else (200_000, 30)
    title = f"a message recorded with {SMALL:,} and with {large:,} stored; {rounds} rounds in turns"
    report = Report("cost", title)
    async with AsyncExitStack() as stack:
        sides = [
            await stack.enter_async_context(_side(directory / name, count))
            for name, count in (("small", SMALL), ("large", large))
        ]
        await _rounds(sides, _record, rounds)
        async with AsyncExitStack() as workers:
            for side in sides:
                await workers.enter_async_context(_working(side))
            await _rounds(sides, _record_and_work, rounds)
        for side in sides:
            await _flush(side)
        _tell(report, *sides)
    return report


async def _rounds(sides: Sequence[Side], step: Callable[[Side], Awaitable[None]], rounds: int) -> None:
    """In turns; the first round fills caches and plans and does not count."""
    for side in sides:
        kept = side.sums
        side.sums = {way: Sums() for way in WAYS}
        await step(side)
        side.sums = kept
    for number in range(rounds):
        for side in sides if number % 2 else reversed(sides):
            await step(side)


def _tell(report: Report, small: Side, large: Side) -> None:
    names = {"batches": f"batches of {BATCH}", "singly": "one at a time", "jobs": "and its job done"}
    for way, name in names.items():
        few, many = small.sums[way], large.sums[way]
        report.add(f"{name}: CPU, small", few.cpu, "µs")
        report.below(f"{name}: CPU, large to small", many.cpu / few.cpu, "×", WITHIN)
        report.add(f"{name}: time, small", median(few.walls) * 1e6, "µs")
        report.below(f"{name}: time, large to small", median(many.walls) / median(few.walls), "×", WITHIN)
    report.add("index, later: CPU, small", small.sums["index"].cpu, "µs")
    report.add("index, later: CPU, large", large.sums["index"].cpu, "µs")
    whole = [side.sums["jobs"].cpu + side.sums["index"].cpu for side in (small, large)]
    report.below("all of it: CPU, large to small", whole[1] / whole[0], "×", WITHIN)
    for name, side in (("small", small), ("large", large)):
        report.raw[name] = {way: asdict(sums) for way, sums in side.sums.items()}


@asynccontextmanager
async def _side(directory: Path, count: int) -> AsyncIterator[Side]:
    settings = load_settings({"data_dir": directory, "database_url": None}, env_file=None)
    async with open_store(settings) as store:
        side = Side(store, Corpus(seed=11))
        batch: list[MessageEvent] = []
        for found in history(side.corpus, count, days=365.0, until=time.time() - 3600):
            batch += _parsed([found])
            if len(batch) >= 1000:
                await side.intake.record_history(batch, onboard=False)
                batch = []
        await side.intake.record_history(batch, onboard=False)
        for command in ("vacuum (analyze)", "checkpoint"):
            await rows(store.db.conninfo, command)
        yield side


def _parsed(found: Sequence[tuple[str, dict[str, object]]]) -> list[MessagePosted]:
    parsed = [parse_stored_message(channel, "public", message, NOBODY) for channel, message in found]
    return [event for event in parsed if isinstance(event, MessagePosted)]


async def _record(side: Side) -> None:
    batches = [side.events(BATCH) for _ in range(BATCHES)]
    singles = [[event] for event in side.events(SINGLES)]
    for way, groups in (("batches", batches), ("singly", singles)):
        async with _counted(side, way, sum(map(len, groups))):
            for group in groups:
                await side.intake.record(group)
    await rows(side.store.db.conninfo, "delete from jobs")


async def _record_and_work(side: Side) -> None:
    batches = [side.events(BATCH) for _ in range(BATCHES)]
    async with _counted(side, "jobs", BATCHES * BATCH):
        for group in batches:
            await side.intake.record(group)
        while any(kind.queued + kind.running for kind in await side.store.queue.stats()):  # noqa: ASYNC110  # the worker tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _working(side: Side) -> AsyncIterator[None]:
    """A worker that classifies; answering is not part of recording."""
    db = side.store.db
    dispatch = Dispatch(db, side.store.queue, BuiltIn(), (), "U0BOT")
    worker = Worker(db.conninfo, [Route(work.MessageJob, dispatch.run_message)])
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        yield
        await worker.stop()


async def _flush(side: Side) -> None:
    """What the rounds left to be done for the full-text index; a vacuum or a later insert would do it."""
    sums = side.sums
    async with _counted(side, "index", sum(sums[way].messages for way in WAYS)):
        await rows(side.store.db.conninfo, "select gin_clean_pending_list('messages_fts')")


@asynccontextmanager
async def _counted(side: Side, way: str, messages: int) -> AsyncIterator[None]:
    assert side.store.server is not None
    assert side.store.server.pid is not None
    postmaster, sums = side.store.server.pid, side.sums[way]
    before = cpu_seconds(family(postmaster), children=True), time.process_time(), time.perf_counter()
    yield
    wall = time.perf_counter() - before[2]
    sums.wall += wall
    sums.python += time.process_time() - before[1]
    sums.postgres += cpu_seconds(family(postmaster), children=True) - before[0]
    sums.messages += messages
    sums.walls.append(wall / messages)

"""One session of a worker: pgqueuer's two managers over one set of connections, until one breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, assert_never

import structlog
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain import models
from pgqueuer.domain.errors import RetryRequested

from ratchet.jobs import sql
from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.driver import Connections
from ratchet.jobs.endings import Again, Dead, Finished
from ratchet.jobs.headers import patch, read
from ratchet.jobs.locks import KeyLocks
from ratchet.jobs.names import CHANNEL
from ratchet.jobs.quiet import Buried
from ratchet.jobs.repository import repository
from ratchet.jobs.runner import Claimed, Runner

log = structlog.get_logger(__name__)

POLL: Final = timedelta(seconds=2)
"""Between looks for jobs of silent workers; everything else is announced."""
NEAR: Final = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is made of."""

    routes: Mapping[str, Route[Any]]
    periodics: tuple[Periodic, ...]
    concurrency: int
    heartbeat: timedelta


class Executor(AbstractEntrypointExecutor):
    """Translates between pgqueuer's exceptions and our endings."""

    def __init__(self, session: Session, kind: str) -> None:
        super().__init__(EntrypointExecutorParameters(concurrency_limit=0, func=_never, on_failure="hold"))
        self._session = session
        self._kind = kind

    async def execute(self, job: models.Job, context: models.Context) -> None:
        claimed = Claimed(job.id, self._kind, job.priority, job.payload or b"", job.headers)
        ending = await self._session.runner.run(claimed)
        trace = read(job.headers).trace
        match ending:
            case Finished():
                if job.headers and "serial" in job.headers:
                    await self._session.repository.finish(job)
            case Again(delay_s, failures, snoozes, failure, reason):
                self._session.repository.endings[job.id] = patch(failures, snoozes, failure, trace)
                raise RetryRequested(timedelta(seconds=delay_s), reason)
            case Dead(failures, snoozes, failure):
                self._session.repository.endings[job.id] = patch(failures, snoozes, failure, trace)
                raise Buried
            case _:
                assert_never(ending)


class Session:
    """Runs until `close`, or raises what broke it."""

    def __init__(self, connections: Connections, settings: Settings) -> None:
        self._connections = connections
        self._settings = settings
        self._locks = KeyLocks(connections.locks)
        self.runner = Runner(settings.routes, self._locks, random.SystemRandom().random)
        caps = {kind: route.concurrency for kind, route in settings.routes.items()}
        self.repository = repository(connections, caps)
        self._manager = QueueManager(self.repository, channel=CHANNEL)
        self.repository.in_hand = lambda: self._manager.job_context
        self._manager.min_dequeue_poll_interval = NEAR
        self._scheduler = SchedulerManager(self.repository)
        self._scheduler.shutdown = self._manager.shutdown
        for kind in settings.routes:
            self._manager.register_executor(kind, Executor(self, kind))
        for periodic in settings.periodics:
            self._schedule(periodic)

    def close(self) -> None:
        """Take no more jobs; `run` returns when those that run have ended."""
        self._manager.shutdown.set()

    async def run(self) -> None:
        """Raises an exception group of what broke."""
        async with asyncio.TaskGroup() as tasks:
            watchers = [
                tasks.create_task(watch())
                for watch in (self._connections.watch, self._connections.breakage, self._locks.watch)
            ]
            workers = [tasks.create_task(self._work())]
            if self._settings.periodics:
                workers.append(tasks.create_task(self._keep_time()))
            try:
                await asyncio.wait(workers)
            finally:
                # Also when any task of the group failed: pgqueuer would wait for its jobs to end.
                self.runner.halt()
                for watcher in watchers:
                    watcher.cancel()

    async def _work(self) -> None:
        concurrency = self._settings.concurrency
        await self._manager.run(
            dequeue_timeout=POLL,
            batch_size=max(concurrency // 2, 1),
            max_concurrent_tasks=concurrency,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=self._settings.heartbeat,
        )

    async def _keep_time(self) -> None:
        known = list(self._scheduler.registry)
        await self._connections.rows(
            sql.FORGET_OLD_SCHEDULES,
            {"names": [k.entrypoint for k in known], "crons": [k.expression for k in known]},
        )
        await self._scheduler.run()

    def _schedule(self, periodic: Periodic) -> None:
        async def run(_: models.Schedule) -> None:
            await self.runner.run_periodic(periodic)

        self._scheduler.schedule(periodic.name, periodic.cron)(run)


async def _never(_: models.Job) -> None:
    """pgqueuer wants a function to be registered; our executor runs routes instead."""

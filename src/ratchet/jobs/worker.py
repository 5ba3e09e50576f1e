"""The worker: sessions with PostgreSQL, one after the other, until it is told to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from croniter import croniter  # type: ignore[import-untyped]  # what pgqueuer parses with; it has no types
from pgqueuer.domain.errors import PgqException

from ratchet.jobs import quiet
from ratchet.jobs.base import Periodic, Route
from ratchet.jobs.driver import ConnectionLost, connect
from ratchet.jobs.locks import LockLost
from ratchet.jobs.session import Session, Settings

log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
LAST_WORD_S: Final = 5.0
"""For jobs that were cut short to unwind and be handed back."""

LOST: Final = (psycopg.Error, OSError, TimeoutError, PgqException, ConnectionLost, LockLost)


class Worker:
    """Runs the jobs and periodics of one process.

    concurrency: jobs at a time, at least 2.
    heartbeat_s: the jobs of a worker silent for so long are taken over.
    Raises ValueError for two routes of one kind, or a cron expression that is none.
    """

    def __init__(
        self,
        conninfo: str,
        routes: Sequence[Route[Any]],
        periodics: Sequence[Periodic] = (),
        *,
        concurrency: int = 16,
        heartbeat_s: float = 7.0,
    ) -> None:
        kinds = [route.kind for route in routes]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"two routes for one kind of job: {sorted(kinds)}")
        _check(periodics)
        self._conninfo = conninfo
        self._settings = Settings(
            routes={route.kind: route for route in routes},
            periodics=tuple(periodics),
            concurrency=max(concurrency, 2),
            heartbeat=timedelta(seconds=heartbeat_s),
        )
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._session: Session | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of jobs it runs."""
        return tuple(self._settings.routes)

    @property
    def connected(self) -> bool:
        """Whether it takes jobs at the moment."""
        return self._session is not None and not self._stopping.is_set()

    async def run(self) -> None:
        """Until `stop`. A broken connection is made anew, for as long as that takes."""
        quiet.pgqueuer()
        self._ended.clear()
        pause = FIRST_PAUSE_S
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                try:
                    await self._one_session()
                except* LOST as group:
                    lasted = time.monotonic() - began
                    pause = FIRST_PAUSE_S if lasted > LONGEST_PAUSE_S else pause
                    log.warning("worker.disconnected", errors=_names(group), pause_s=pause)
                    await self._rest(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
        finally:
            self._ended.set()

    async def stop(self, grace_s: float = 20.0) -> None:
        """Take no more jobs, let those that run end within `grace_s`, then hand them back."""
        self._stopping.set()
        if self._session:
            self._session.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), grace_s)
            return
        if self._session:
            self._session.runner.halt()
        try:
            await asyncio.wait_for(self._ended.wait(), LAST_WORD_S)
        except TimeoutError:
            log.error("worker.stuck")  # its jobs are taken over when their heartbeat is missed

    async def _one_session(self) -> None:
        async with connect(self._conninfo) as connections:
            session = self._session = Session(connections, self._settings)
            try:
                if self._stopping.is_set():
                    return
                log.info("worker.connected", kinds=sorted(self._settings.routes))
                await session.run()
            finally:
                self._session = None

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _check(periodics: Sequence[Periodic]) -> None:
    for periodic in periodics:
        if not croniter.is_valid(periodic.cron):
            raise ValueError(f"periodic {periodic.name}: {periodic.cron!r} is no cron expression")
    if len({periodic.name for periodic in periodics}) < len(periodics):
        raise ValueError("two periodics of one name")


def _names(group: BaseExceptionGroup[BaseException]) -> list[str]:
    """Types only: the text of a connection error may hold the address and the user."""
    found: list[str] = []
    for error in group.exceptions:
        found += _names(error) if isinstance(error, BaseExceptionGroup) else [type(error).__name__]
    return sorted(set(found))

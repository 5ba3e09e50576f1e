"""One run of one job: the payload read, the key held, the time bounded, the ending judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from pydantic import ValidationError

from ratchet.jobs.base import Job, JobContext, Periodic, Route
from ratchet.jobs.endings import (
    Again,
    Dead,
    Ending,
    Finished,
    handed_back,
    invalid,
    of_error,
    of_failure,
    of_outcome,
)
from ratchet.jobs.errors import Failure
from ratchet.jobs.headers import Record, read
from ratchet.jobs.locks import KeyLocks, LockLost
from ratchet.telemetry import tracing

log = structlog.get_logger(__name__)

BUSY_S: Final = 1.0
# For saying that a job is dead.
DIED_S: Final = 10.0
MAX_LOST: Final = 20
"""So often may the process of a running job die before the job is held to be the cause."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed job, as far as a run needs to know it."""

    id: int
    kind: str
    priority: int
    payload: bytes
    headers: Mapping[str, object] | None


class Runner:
    """Runs the jobs of one worker session. `chance` gives numbers from 0 to 1."""

    def __init__(
        self, routes: Mapping[str, Route[Any]], locks: KeyLocks, chance: Callable[[], float]
    ) -> None:
        self._routes = routes
        self._locks = locks
        self._chance = chance
        self._scopes: dict[int | str, asyncio.Timeout] = {}
        self._halt = asyncio.Event()

    async def run(self, job: Claimed) -> Ending:
        record = read(job.headers)
        with (
            structlog.contextvars.bound_contextvars(job_id=job.id, kind=job.kind),
            tracing.continued(record.trace),
            _span_of(job, record) as span,
        ):
            started = time.monotonic()
            ending = await self._judged(job, record)
            _report(ending, round(time.monotonic() - started, 3))
            _trace(ending, job.kind, record.trace, span)
            return ending

    async def run_periodic(self, periodic: Periodic) -> None:
        """Raises nothing but cancellation: the next time comes by the clock."""
        if self._halt.is_set():
            return
        with structlog.contextvars.bound_contextvars(periodic=periodic.name):
            scope = asyncio.timeout(periodic.timeout_s)
            try:
                async with self._tracked(periodic.name, scope):
                    await periodic.run()
            except Exception:  # the queue's edge, as for jobs
                if not (scope.expired() and self._halt.is_set()):
                    log.exception("periodic.failed")

    def halt(self) -> None:
        """Cut every run short, and begin no other: the jobs are handed back."""
        self._halt.set()
        now = asyncio.get_running_loop().time()
        for scope in self._scopes.values():
            if not scope.expired():
                scope.reschedule(now)

    async def _judged(self, job: Claimed, record: Record) -> Ending:
        route = self._routes[job.kind]
        try:
            payload = route.job_type.model_validate_json(job.payload)
        except ValidationError as error:
            return invalid(error, record)
        context = JobContext(job.id, job.kind, job.priority, record.failures, record.snoozes)
        try:
            if record.lost >= MAX_LOST:
                ending: Ending = Dead(record.failures, record.snoozes, _lost(record))
            else:
                ending = await self._alone(route, payload, context, record)
            if isinstance(ending, Dead) and route.died is not None:
                await _mourned(route.died, payload)
            return ending
        except LockLost:
            return handed_back(record, BUSY_S, "the connection that holds the keys is broken")
        except asyncio.CancelledError:
            # pgqueuer takes a cancelled run for a cancelled job and deletes it; ours is only handed back.
            if task := asyncio.current_task():
                task.uncancel()
            return handed_back(record)

    async def _alone(self, route: Route[Any], payload: Job, context: JobContext, record: Record) -> Ending:
        if record.serial is None:
            return await self._attempt(route, payload, context, record)
        async with self._locks.hold(record.serial) as free:
            if not free:
                return handed_back(record, BUSY_S, "its key is held by a run that lost its claim")
            return await self._attempt(route, payload, context, record)

    async def _attempt(self, route: Route[Any], payload: Job, context: JobContext, record: Record) -> Ending:
        if self._halt.is_set():
            return handed_back(record)
        scope = asyncio.timeout(route.timeout_s)
        try:
            async with self._tracked(context.id, scope):
                outcome = await route.run(payload, context)
            return of_outcome(outcome, record)
        except Exception as error:  # noqa: BLE001 - the queue's edge: what a job raises is judged here
            if isinstance(error, TimeoutError) and scope.expired():
                return self._cut_short(route, record)
            ending = of_error(error, record, route.max_failures, self._chance())
            if isinstance(ending, Again | Dead) and ending.failure and ending.failure.traceback:
                _log_once(ending)
                tracing.report_failure(error, job=context.kind, final=str(isinstance(ending, Dead)))
            return ending

    def _cut_short(self, route: Route[Any], record: Record) -> Ending:
        if self._halt.is_set():
            return handed_back(record)
        late = Failure("TimeoutError", f"ran longer than {route.timeout_s:g} s")
        return of_failure(late, record, route.max_failures, self._chance())

    @asynccontextmanager
    async def _tracked(self, key: int | str, scope: asyncio.Timeout) -> AsyncIterator[None]:
        async with scope:
            self._scopes[key] = scope
            try:
                yield
            finally:
                del self._scopes[key]


async def _mourned(died: Callable[[Any], Awaitable[None]], payload: Job) -> None:
    """It is dead either way."""
    try:
        async with asyncio.timeout(DIED_S):
            await died(payload)
    except Exception:  # the queue's edge, as for jobs
        log.exception("job.death_not_told")


def _lost(record: Record) -> Failure:
    return Failure("WorkerLost", f"the process that ran it died {record.lost} times; it may be the cause")


def _log_once(ending: Again | Dead) -> None:
    """With the traceback the first time; later ones are kept with the job."""
    if ending.failures == 1:
        log.exception("job.raised")


def _span_of(job: Claimed, record: Record) -> tracing.Traced:
    failures = record.failures
    return tracing.span(
        f"job {job.kind}", kind=SpanKind.CONSUMER, ratchet__job__id=job.id, ratchet__job__failures=failures
    )


def _trace(ending: Ending, kind: str, parent: str | None, span: Span) -> None:
    """What became of it; a failure is kept whatever the rate."""
    span.set_attribute("ratchet.job.ending", type(ending).__name__.lower())
    failure = ending.failure if isinstance(ending, Again | Dead) else None
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure.type))
        tracing.job_failed(kind, parent, failure.type)


def _report(ending: Ending, seconds: float) -> None:
    match ending:
        case Finished(reason=None):
            log.debug("job.done", seconds=seconds)
        case Finished(reason=reason):
            log.info("job.cancelled", seconds=seconds, reason=reason)
        case Again(failure=None):
            log.info("job.snoozed", seconds=seconds, delay_s=round(ending.delay_s, 1), reason=ending.reason)
        case Again():
            delay_s = round(ending.delay_s, 1)
            log.warning("job.failed", seconds=seconds, failures=ending.failures, delay_s=delay_s)
        case Dead(failure=failure):
            log.error("job.dead", seconds=seconds, failures=ending.failures, error_type=failure.type)

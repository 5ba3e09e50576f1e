"""What the rest of the house knows about jobs: kinds, priorities, outcomes, routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict


class Job(BaseModel):
    """Work to do later. One model per kind; its JSON is the stored payload.

    A running process may be older or newer than the one that put the job, so a field is added with a
    default, and never removed while jobs that need it may wait.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: ClassVar[str]
    """Stored with every job: once released it does not change."""

    ordered: ClassVar[bool] = False
    """With a `serial_key`: while a job of this kind waits for its next try, the others of its key wait too.

    Otherwise they overtake it, so that one failing job does not hold up its whole thread.
    """

    def serial_key(self) -> str | None:
        """Jobs with the same key run one at a time over all processes.

        Those of one kind run by priority, then in the order put.
        """
        return None


class Priority(IntEnum):
    """Higher runs first. `BACKFILL` and below never fill more than half of a worker."""

    DELIVERY = 40
    LIVE = 30
    NORMAL = 20
    BACKFILL = 10


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to put.

    unique: while a job with this key waits or runs, putting it again does nothing.
    rerun: only with `unique`: when that job is running, it runs once more afterwards; when it waits, it
        does not start before the putting transaction has ended. So a job that works off a list misses
        nothing. Putting transactions with the same key wait for each other: put it last.
    trace: the traceparent of what the job belongs to; None: that in which it is put.
    """

    job: Job
    priority: Priority = Priority.NORMAL
    delay_s: float = 0.0
    unique: str | None = None
    rerun: bool = False
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The job has done what it was for."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Run it again in `seconds`. Not a failure, however often it happens."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """There is nothing left to do, for this reason. The job is gone."""

    reason: str


Outcome = Done | Snooze | Cancel


@dataclass(frozen=True, slots=True)
class JobContext:
    """The run at hand. `failures` and `snoozes` count the earlier runs that ended so."""

    id: int
    kind: str
    priority: int
    failures: int = 0
    snoozes: int = 0


J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True)
class Route(Generic[J]):
    """Who runs a kind of job, and within which bounds.

    timeout_s: seconds one run may take; longer is a failure.
    max_failures: after so many failed runs the job is kept as dead.
    concurrency: how many may run at a time over all processes; None for no limit but the workers' own.
    died: runs when the job is given up, before it is kept dead, to say so where somebody waits; or twice.
    """

    job_type: type[J]
    run: Callable[[J, JobContext], Awaitable[Outcome]]
    timeout_s: float = 60.0
    max_failures: int = 8
    concurrency: int | None = None
    died: Callable[[J], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        bounds = (self.timeout_s, self.max_failures, 1 if self.concurrency is None else self.concurrency)
        if min(bounds) <= 0:
            raise ValueError(f"route {self.kind}: timeout_s, max_failures and concurrency must be positive")

    @property
    def kind(self) -> str:
        return self.job_type.kind


Routes = tuple[Route[Any], ...]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something to do by the clock, once over all processes. Runs missed while none was up stay missed.

    cron: five fields, or six with seconds last; UTC.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]
    timeout_s: float = 600.0

"""By the clock: what is due in a channel becomes a job, once over all processes, also after a downtime."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from ratchet.jobs.base import Cancel, Done, JobContext, NewJob, Outcome, Periodic, Priority
from ratchet.jobs.queue import Queue
from ratchet.pipeline.work import ScheduledJob
from ratchet.store import schedules
from ratchet.store.pool import Database

log = structlog.get_logger(__name__)

CRON: Final = "* * * * *"

# What a kind does in a channel; `due` (UTC) names the run, so that a second one changes nothing.
Work = Callable[[str, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Schedules:
    """`kinds`: what is done, by the kind of schedule. To add one: an entry here and in `domain.schedules`."""

    db: Database
    queue: Queue
    kinds: Mapping[str, Work]
    clock: Callable[[], datetime]

    def periodic(self) -> Periodic:
        """Every minute."""
        return Periodic("schedules", CRON, self.tick)

    async def tick(self) -> None:
        """A row is moved on in the transaction that puts its job: it is done once, and not forgotten."""
        async with self.db.transaction() as conn:
            due = await schedules.take_due(conn, sorted(self.kinds), self.clock())
            jobs = [
                NewJob(
                    ScheduledJob(schedule=one.kind, channel_id=one.channel_id, due=one.due_at),
                    Priority.NORMAL,
                    unique=f"schedule:{one.kind}:{one.channel_id}",
                )
                for one in due
            ]
            await self.queue.put(conn, jobs)

    async def run(self, job: ScheduledJob, _: JobContext) -> Outcome:
        work = self.kinds.get(job.schedule)
        if work is None:
            return Cancel(f"nobody does {job.schedule}")
        await work(job.channel_id, job.due)
        log.info("schedule_ran", schedule=job.schedule, channel=job.channel_id)
        return Done()

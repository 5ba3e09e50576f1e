"""pgqueuer's persistence with our claim and our endings.

What pgqueuer itself would do otherwise: drop a job whose run is cancelled, count a snooze as an attempt,
mark a job failed when it cannot be put back, and know no serial keys.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from ratchet.jobs import names, sql
from ratchet.jobs.base import Priority
from ratchet.jobs.driver import Connections

log = structlog.get_logger(__name__)

WINDOW: Final = 64
"""How many waiting jobs of a kind one claim looks at."""

DATABASE_ERRORS = (psycopg.Error, OSError, TimeoutError)
"""What a statement raises when PostgreSQL is gone or slow."""


@dataclass
class Repository(Queries):
    """Over one session of a worker. Made by `repository`.

    `in_hand` gives the ids of the jobs this worker runs: it does not take those over from itself.
    A job's `headers` on its way back to the table are what the executor left in `endings` for it.
    """

    connections: Connections = field(kw_only=True)
    caps: Mapping[str, int | None] = field(kw_only=True)
    in_hand: Callable[[], Iterable[int]] = field(default=tuple, kw_only=True)
    ended: list[int] = field(default_factory=list, kw_only=True)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, kw_only=True)
    endings: dict[int, dict[str, object]] = field(default_factory=dict, kw_only=True)

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        room = global_concurrency_limit or batch_size
        rows = await self.connections.claim(
            {
                "kinds": list(entrypoints),
                "caps": [self.caps[kind] for kind in entrypoints],
                "worker": queue_manager_id,
                "batch": batch_size,
                "room": room,
                "backfill": Priority.BACKFILL,
                "backfill_room": max(room // 2, 1),
                "silence": heartbeat_timeout,
                "window": WINDOW,
                "in_hand": list(self.in_hand()),
            }
        )
        jobs = [Job.model_validate(row) for row in rows]
        return sorted(jobs, key=lambda job: (-job.priority, job.id))

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """When it cannot be put back, it is left as it is: it runs again when its heartbeat is missed."""
        params = {
            "id": job.id,
            "worker": job.queue_manager_id,
            "delay": delay,
            "headers": json.dumps(self.endings.pop(job.id, {})),
        }
        try:
            await self.connections.rows(sql.AGAIN, params)
            await self.connections.wake()
        except DATABASE_ERRORS:
            log.warning("job.not_put_back", job_id=job.id, kind=job.entrypoint)

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """Ended jobs leave or are kept as dead; one that pgqueuer calls canceled goes back."""
        await self.connections.rows(
            sql.SETTLE,
            {
                "ids": [job.id for job, _, _ in job_status],
                "statuses": [status for _, status, _ in job_status],
                "workers": [job.queue_manager_id for job, _, _ in job_status],
                "headers": [json.dumps(self.endings.get(job.id, {})) for job, _, _ in job_status],
            },
        )
        for job, _, _ in job_status:
            self.endings.pop(job.id, None)

    async def finish(self, job: Job) -> None:
        """Delete an ended job now, so that the next of its key can be claimed; `log_jobs` finds it gone.

        Those that end while a statement is under way go together in the next one.
        """
        self.ended.append(job.id)
        async with self.turn:
            ids, self.ended = self.ended, []
            try:
                if ids:
                    await self.connections.rows(sql.FINISH, {"ids": ids})
            except DATABASE_ERRORS:
                log.warning("job.end_not_stored", job_ids=ids)

    async def next_deferred_eta(self, entrypoints: list[QueueEntrypoint]) -> timedelta | None:
        rows = await self.connections.rows(sql.NEXT_DUE, {"kinds": list(entrypoints)})
        due: Any = next(iter(rows[0].values()))
        return due if isinstance(due, timedelta) else None

    async def eligible_queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """None that a claim would give: the loop has just claimed until nothing came."""
        return 0

    async def queued_work(self, entrypoints: list[QueueEntrypoint]) -> int:
        """None to poll for: what waits for a slot or a key is announced when that becomes free."""
        return 0


def repository(connections: Connections, caps: Mapping[str, int | None]) -> Repository:
    own = names.queries(connections)
    return Repository(connections, qbe=own.qbe, qbq=own.qbq, qbs=own.qbs, connections=connections, caps=caps)

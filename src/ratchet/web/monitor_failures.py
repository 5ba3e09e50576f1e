"""Channel monitors that failed lately, and why: read from the jobs that failed for good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ratchet.handlers.channel_monitor import MODULE
from ratchet.jobs.queue import DeadJob
from ratchet.web.services import Services

# Of so many failed jobs, the newest.
LOOKED_AT: Final = 50
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class MonitorFailure:
    """`channel`: its name, or its id."""

    monitor: str
    channel_id: str
    channel: str
    at: datetime
    reason: str


async def monitor_failures(services: Services, channel_id: str | None = None) -> Sequence[MonitorFailure]:
    """The newest first; in one channel, if it is given."""
    failed = [(job, _of_monitor(job)) for job in await services.queue.dead(LOOKED_AT)]
    found = [(job, of) for job, of in failed if of and channel_id in (None, of["channel_id"])][:SHOWN]
    names = (
        await services.overview.channel_names(sorted({of["channel_id"] for _, of in found})) if found else {}
    )
    return [
        MonitorFailure(
            monitor=of["handler"].partition("/")[2],
            channel_id=of["channel_id"],
            channel=names.get(of["channel_id"], of["channel_id"]),
            at=job.died_at,
            reason=job.message or job.error_type,
        )
        for job, of in found
    ]


def _of_monitor(job: DeadJob) -> Mapping[str, Any]:
    """The job's payload when a monitor was to run, else nothing."""
    try:
        found = json.loads(job.payload or b"null")
    except ValueError:
        return {}
    handler = found.get("handler") if isinstance(found, dict) else None
    return found if isinstance(handler, str) and handler.startswith(f"{MODULE}/") else {}

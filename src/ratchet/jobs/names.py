"""Where pgqueuer keeps our jobs."""

from __future__ import annotations

from typing import Final

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import TableChangedEvent, utc_now
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

CHANNEL: Final = Channel("ratchet_jobs")

# model_construct, because the constructor lets PGQUEUER_* (and even QUEUE_TABLE) of the environment win.
SETTINGS: Final = DBSettings.model_construct(
    prefix="",
    db_schema=None,
    channel=CHANNEL,
    function="fn_jobs_changed",
    statistics_table="jobs_statistics",
    queue_status_type="jobs_status",
    queue_table="jobs",
    queue_table_log="jobs_log",
    trigger="tg_jobs_changed",
    schedules_table="jobs_schedules",
    durability=Durability.durable,
    widen_id=True,
)


def queries(driver: Driver) -> Queries:
    """pgqueuer's own statements on our tables."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(SETTINGS),
        qbq=QueryQueueBuilder(SETTINGS),
        qbs=QuerySchedulerBuilder(SETTINGS),
    )


def wake_params() -> dict[str, str]:
    """For sql.WAKE: tells all workers that there may be something to do. An update alone does not."""
    event = TableChangedEvent(
        channel=CHANNEL,
        sent_at=utc_now(),
        type="table_changed_event",
        operation="update",
        table=SETTINGS.queue_table,
    )
    return {"channel": CHANNEL, "event": event.model_dump_json(exclude={"received_at"})}

"""How a run can end, and what becomes of the job."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.jobs.base import Cancel, Done, JobContext, Outcome, Route, Snooze
from ratchet.jobs.queue import Keep, Queue
from ratchet.jobs.testing import drain
from ratchet.store.pool import Database
from tests.integration.jobs.support import COUNT, SPENT, Keyed, Note, Recorder, put, until, value, working


async def test_a_snoozed_job_runs_again_and_has_not_failed(database: Database, conninfo: str) -> None:
    run = Recorder(Snooze(0.05, "busy"), Transient("429", retry_after=0.05), Done())
    await put(database, Note())
    await drain(conninfo, [Route(Note, run, max_failures=1)], later_s=5)
    assert [(c.failures, c.snoozes) for _, c in run.seen] == [(0, 0), (0, 1), (0, 2)]


async def test_a_job_that_is_told_to_wait_does_not_hold_a_slot(database: Database, conninfo: str) -> None:
    run = Recorder(*[Transient("429", retry_after=3600)] * 6)
    await put(database, *(Note(n=n) for n in range(7)))
    async with working(conninfo, Route(Note, run), concurrency=2):
        await until(lambda: len(run.seen) == 7)


async def test_a_failed_job_is_retried_and_its_failures_are_counted(
    database: Database, conninfo: str
) -> None:
    run = Recorder(ValueError("odd"), Snooze(0.01, "busy"), ValueError("odd"), Done())
    await put(database, Note())
    await drain(conninfo, [Route(Note, run)], later_s=60)
    assert [(c.failures, c.snoozes) for _, c in run.seen] == [(0, 0), (1, 0), (1, 1), (2, 1)]


async def test_a_job_that_keeps_failing_is_kept_as_dead_with_its_traceback(
    database: Database, conninfo: str, queue: Queue
) -> None:
    run = Recorder(ValueError("first"), ValueError("nul \x00 and \udc80"))
    await put(database, Note(n=3))
    with capture_logs() as logs:
        await drain(conninfo, [Route(Note, run, max_failures=2)], later_s=60)
    (dead,) = await queue.dead()
    assert (dead.kind, dead.failures, dead.error_type) == ("note", 2, "ValueError")
    assert "support.py" in dead.traceback
    assert "nul" in dead.message
    assert dead.payload == b'{"n":3}'
    assert [entry["event"] for entry in logs if "exc_info" in entry] == ["job.raised"]
    assert [(s.kind, s.queued, s.running, s.dead) for s in await queue.stats()] == [("note", 0, 0, 1)]


async def test_what_asking_again_cannot_change_is_dead_at_once(
    database: Database, conninfo: str, queue: Queue
) -> None:
    error = Refused("not in channel")
    run = Recorder(error)
    await put(database, Note())
    await drain(conninfo, [Route(Note, run)], later_s=60)
    (dead,) = await queue.dead()
    assert (dead.message, dead.error_type, dead.traceback) == (str(error), type(error).__name__, "")


async def test_what_an_operator_can_mend_waits_for_it(
    database: Database, conninfo: str, queue: Queue
) -> None:
    run = Recorder(Misconfigured("the token was revoked"))
    await put(database, Note())
    await drain(conninfo, [Route(Note, run)], later_s=60)
    assert await queue.dead() == []
    assert [(s.kind, s.queued) for s in await queue.stats()] == [("note", 1)]


async def test_errors_from_a_task_group_are_judged_by_what_is_in_it(
    database: Database, conninfo: str, queue: Queue
) -> None:
    group = ExceptionGroup("tasks", [Transient(retry_after=0.01), Transient(retry_after=0.02)])
    run = Recorder(group, ExceptionGroup("tasks", [Transient(), Refused("no")]))
    await put(database, Note())
    await drain(conninfo, [Route(Note, run)], later_s=5)
    assert [c.failures for _, c in run.seen] == [0, 0]
    assert [dead.message for dead in await queue.dead()] == ["no"]


async def test_a_cancelled_job_is_gone(database: Database, conninfo: str) -> None:
    run = Recorder(Cancel("the message was deleted"))
    await put(database, Note())
    with capture_logs() as logs:
        await drain(conninfo, [Route(Note, run)])
    async with database.connection() as conn:
        assert await value(conn, COUNT) == 0
    assert "the message was deleted" in [entry.get("reason") for entry in logs]


async def test_a_run_beyond_its_time_is_a_failure(database: Database, conninfo: str, queue: Queue) -> None:
    async def hang(job: Note, context: JobContext) -> Outcome:
        await asyncio.Event().wait()
        return Done()

    await put(database, Note())
    await drain(conninfo, [Route(Note, hang, timeout_s=0.05, max_failures=1)])
    (dead,) = await queue.dead()
    assert dead.message == "ran longer than 0.05 s"


@pytest.mark.parametrize("told_fails", [False, True], ids=["told", "telling fails"])
async def test_that_a_job_is_dead_is_told_where_the_route_says(
    database: Database, conninfo: str, queue: Queue, told_fails: bool
) -> None:
    told: list[Note] = []

    async def died(job: Note) -> None:
        told.append(job)
        if told_fails:
            raise ValueError("nobody listens")

    await put(database, Note())
    run = Recorder(ValueError("first"), ValueError("second"))
    await drain(conninfo, [Route(Note, run, max_failures=2, died=died)], later_s=60)
    assert told == [Note()]
    assert [dead.message for dead in await queue.dead()] == ["second"]


async def test_a_timeout_inside_a_run_is_an_error_like_any_other(
    database: Database, conninfo: str, queue: Queue
) -> None:
    await put(database, Note())
    await drain(conninfo, [Route(Note, Recorder(TimeoutError("inner")), max_failures=1)])
    assert [dead.message for dead in await queue.dead()] == ["inner"]


async def test_a_payload_that_no_longer_fits_is_dead_and_not_quoted(
    database: Database, conninfo: str, queue: Queue
) -> None:
    await put(database, Keyed(key="secret words"))
    async with database.connection() as conn:
        await conn.execute("update jobs set entrypoint = 'note', payload = '{\"n\": \"secret words\"}'")
    with capture_logs() as logs:
        await drain(conninfo, [Route(Note, Recorder())])
    (dead,) = await queue.dead()
    assert dead.error_type == "InvalidPayload"
    assert "n: Input should be a valid integer" in dead.message
    assert "secret" not in dead.message + str(logs)


async def test_a_kind_nobody_knows_waits_and_is_buried_after_its_time(
    database: Database, conninfo: str, queue: Queue
) -> None:
    await put(database, Note(), Keyed(key="k"))
    await drain(conninfo, [Route(Note, Recorder())])
    assert (await queue.prune(["note"]))["unknown"] == 0
    async with database.connection() as conn:
        await conn.execute("update jobs set execute_after = now() - interval '8 days'")
    assert (await queue.prune(["note", "keyed"]))["unknown"] == 0
    assert (await queue.prune(["note"]))["unknown"] == 1
    (dead,) = await queue.dead()
    assert "No running version of Ratchet knows" in dead.message


async def test_dead_jobs_can_be_retried_or_discarded(database: Database, conninfo: str, queue: Queue) -> None:
    run = Recorder(Refused("no"), Refused("no"))
    await put(database, Note(n=1), Note(n=2))
    async with working(conninfo, Route(Note, run)):
        await until(lambda: len(run.seen) == 2)
    dead = {job.payload: job.id for job in await queue.dead()}
    assert await queue.discard([dead[b'{"n":2}']]) == 1
    assert await queue.retry_dead(list(dead.values())) == 1
    async with database.connection() as conn:
        assert await value(conn, SPENT) == 0
    await drain(conninfo, [Route(Note, run)])
    assert run.numbers[2:] == [1]
    assert await queue.dead() == []


async def test_old_rows_are_pruned(database: Database, conninfo: str, queue: Queue) -> None:
    await put(database, Note(n=1), Note(n=2))
    await drain(conninfo, [Route(Note, Recorder(Done(), Refused("no")))])
    assert sum((await queue.prune(["note"])).values()) == 0
    async with database.connection() as conn:
        await conn.execute("update jobs_log set aggregated = true")
    now = Keep(dead_s=-1, log_s=-1, statistics_s=-1, unknown_s=-1)
    assert await queue.prune(["note"], now) == {"unknown": 0, "dead": 1, "log": 2, "statistics": 0}

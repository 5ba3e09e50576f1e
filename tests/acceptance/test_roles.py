"""Roles in processes of their own on one PostgreSQL: replaced one by one, led by one, each trouble told apart."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.audit import audited
from bench.chaos import RULES
from bench.fleet import Power, server
from bench.storm import Storm
from localslack import LocalSlack
from ratchet.store.embedded import EmbeddedServer
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running
from tests.acceptance.starting import AT_WORK

PER_SECOND = 20.0
DUE = "update jobs_schedules set next_run = now() where entrypoint = 'jobs.prune' returning 1"
NOT_DUE = "select count(*) = 1 from jobs_schedules where entrypoint = 'jobs.prune' and next_run > now() and status = 'queued'"


async def at_work(process: RatchetProcess) -> RatchetProcess:
    """Started, and connected to what its roles need."""
    await process.start()

    async def connected() -> bool:
        text = process.text()
        assert process.process is not None
        if process.process.returncode is not None:
            raise AssertionError(f"ratchet ended with {process.process.returncode}:\n{text[-4000:]}")
        return all(sign in text for role, sign in AT_WORK.items() if role in process.roles)

    await eventually(connected, what=f"{process.roles} is at work")
    return process


@asynccontextmanager
async def ended(processes: list[RatchetProcess]) -> AsyncIterator[None]:
    """Whatever is in the list at the end is told to end."""
    try:
        yield
    finally:
        for process in processes:
            await process.kill(signal.SIGTERM)


async def test_every_process_is_replaced_while_events_flow_and_nothing_is_lost_or_said_twice(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve(rules=RULES) as slack:
        base = environment(slack, DATABASE_URL=conninfo)

        def process(roles: str, name: str) -> RatchetProcess:
            return RatchetProcess(base, tmp_path / name, roles=roles)

        fleet: list[RatchetProcess] = []
        storm = Storm(slack)
        await storm.prepare(channels=4)
        async with ended(fleet):
            for number, roles in enumerate(("slack", "worker", "worker", "web")):
                fleet.append(await at_work(process(roles, f"old-{number}")))
            await storm.heard(conninfo)
            async with asyncio.TaskGroup() as group:
                blowing = group.create_task(storm.blow(600, per_second=PER_SECOND))
                for number in range(len(fleet)):
                    old = fleet[number]
                    new = process(old.roles, f"new-{number}")
                    # The new one first, but for one worker: the other is there meanwhile.
                    if number != 1:
                        await at_work(new)
                    assert await old.kill(signal.SIGTERM) == 0, old.text()[-2000:]
                    fleet[number] = new if number != 1 else await at_work(new)
                blowing.cancel()
            await storm.settled(conninfo)
            audit = await audited(storm, conninfo)
            assert audit.wrong == [], "\n".join(audit.wrong)
            assert sum(storm.sent.values()) > 100
            counters = await slack.control.counters()
            assert counters.dropped == 0, "Slack gave up on an event"


async def test_what_is_done_by_the_clock_is_done_by_one_of_several_workers(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack:
        base = environment(slack, DATABASE_URL=conninfo)

        async def scheduled() -> bool:
            return bool((await rows(conninfo, NOT_DUE))[0][0])

        first = RatchetProcess(base, tmp_path / "first", roles="worker")
        async with ended([first]):
            await at_work(first)
            await eventually(scheduled, what="it is on the schedule")
        await rows(conninfo, DUE)
        workers = [RatchetProcess(base, tmp_path / f"worker-{n}", roles="worker") for n in range(3)]
        async with ended(workers):
            await asyncio.gather(*(at_work(worker) for worker in workers))
            await eventually(scheduled, what="it was done")
        done = [worker.text().count('"event": "jobs.pruned"') for worker in workers]
        assert sorted(done) == [0, 0, 1]


async def parts(process: RatchetProcess) -> dict[str, tuple[bool, str, str]]:
    """What /readyz says of each part."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{process.http_port}/readyz")
    body = answer.json()
    assert body["ready"] is (answer.status_code == 200)
    return {part["name"]: (part["ready"], part["state"], part["reason"]) for part in body["parts"]}


async def only_unready(process: RatchetProcess, name: str) -> str:
    """The reason, once this part and no other is not ready."""

    async def found() -> str | None:
        state = await parts(process)
        wrong = [part for part, (ready, _, _) in state.items() if not ready]
        return f"{state[name][1]}: {state[name][2]}" if wrong == [name] else None

    return str(await eventually(found, what=f"{name} alone is not ready"))


async def all_ready(process: RatchetProcess) -> None:
    async def found() -> bool:
        return all(ready for ready, _, _ in (await parts(process)).values())

    await eventually(found, what="everything is ready again")


@asynccontextmanager
async def powered(tmp_path: Path) -> AsyncIterator[tuple[LocalSlack, EmbeddedServer, Power]]:
    """A Slack, and a PostgreSQL with a switch."""
    async with LocalSlack.serve(rules=RULES) as slack, server() as database, asyncio.TaskGroup() as group:
        power = Power(database, group)
        power.on()
        yield slack, database, power
        power.off()


async def test_each_trouble_is_told_apart_and_none_ends_the_process(tmp_path: Path) -> None:
    async with powered(tmp_path) as (slack, database, power):
        process = RatchetProcess(environment(slack, DATABASE_URL=database.conninfo), tmp_path / "log")
        async with running(process):
            channel = await slack.control.add_channel("ops")
            ada = await slack.control.add_user("ada")
            await all_ready(process)
            pid = process.process.pid if process.process else None

            await slack.control.fail("apps.connections.open", status=500)
            await slack.control.disconnect("link_disabled", abrupt=True)
            assert "disconnected" in await only_unready(process, "socket")
            await slack.control.heal()
            await all_ready(process)

            await slack.control.revoke()
            await slack.control.post(channel, ada, f"<@{slack.workspace.bot.id}> help")
            told = await only_unready(process, "token")
            assert "rejected" in told
            assert "RATCHET_SLACK_BOT_TOKEN" in told
            await slack.control.revoke(revoked=False)
            await rows(database.conninfo, "update jobs set execute_after = now() returning 1")
            await all_ready(process)

            power.off()
            power.kill()
            told = await only_away(process)
            assert "database away" in told
            alive = (await process.get("/healthz")).json()
            assert alive["ok"] is True
            assert alive["database"] != "connected"
            power.on()
            await all_ready(process)
            assert process.process is not None
            assert process.process.pid == pid
            assert process.process.returncode is None


async def only_away(process: RatchetProcess) -> str:
    """With the database the worker is away too; the socket is not."""

    async def found() -> str | None:
        state = await parts(process)
        wrong = {part for part, (ready, _, _) in state.items() if not ready}
        known = "database" in wrong and wrong <= {"database", "worker"} and "queue" not in state
        return f"database {state['database'][1]}" if known else None

    return str(await eventually(found, what="the database is away"))


async def test_a_queue_that_nobody_works_on_is_told_by_who_is_there(conninfo: str, tmp_path: Path) -> None:
    async with LocalSlack.serve() as slack:
        process = RatchetProcess(
            environment(slack, DATABASE_URL=conninfo), tmp_path / "log", roles="slack,web"
        )
        async with running(process):
            await rows(
                conninfo,
                "insert into jobs (entrypoint, payload, priority, status, execute_after)"
                " values ('message', '', 30, 'queued', now() - interval '10 minutes') returning 1",
            )

            async def stuck() -> str | None:
                ready, state, reason = (await parts(process))["queue"]
                return reason if ready and state == "stuck" else None

            assert "jobs of kind message wait" in await eventually(stuck, what="the queue is stuck")


async def test_a_process_that_starts_during_an_outage_waits_for_its_database(tmp_path: Path) -> None:
    async with powered(tmp_path) as (slack, database, power):
        process = RatchetProcess(environment(slack, DATABASE_URL=database.conninfo), tmp_path / "log")
        power.off()
        power.kill()
        await process.start()

        async def waits() -> bool:
            assert process.process is not None
            assert process.process.returncode is None, process.text()[-2000:]
            return process.text().count("database_away") >= 2

        try:
            await eventually(waits, what="it waits")
            power.on()
            await process.ready()
        finally:
            assert await process.kill(signal.SIGTERM) == 0


async def test_a_rejected_token_ends_the_process_with_what_to_do_about_it(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve() as slack:
        process = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log", roles="slack")
        await at_work(process)
        await slack.control.revoke("app")
        await slack.control.disconnect("link_disabled", abrupt=True)
        assert process.process is not None
        async with asyncio.timeout(60):
            assert await process.process.wait() == 2, "2 is for what an operator must mend"
        assert "RATCHET_SLACK_APP_TOKEN" in process.text().splitlines()[-1]
        await slack.control.revoke()
        await process.start()
        async with asyncio.timeout(60):
            assert await process.process.wait() == 2
        assert "RATCHET_SLACK_BOT_TOKEN" in process.text().splitlines()[-1]


@asynccontextmanager
async def closing(connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await connection.close()


WAITS = (
    "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%%gap_marks%%'"
)


async def test_a_database_that_dies_in_the_middle_of_a_start_is_waited_for(tmp_path: Path) -> None:
    async with powered(tmp_path) as (slack, database, power):
        base = environment(slack, DATABASE_URL=database.conninfo)
        await slack.control.add_channel("ops")
        async with running(RatchetProcess(base, tmp_path / "first")):
            pass
        process = RatchetProcess(base, tmp_path / "log")
        # Not as a context, which would commit: it dies with the database.
        other = await psycopg.AsyncConnection.connect(database.conninfo)
        async with closing(other):
            await other.execute("lock table channels")
            await process.start()

            async def waits() -> bool:
                return bool((await rows(database.conninfo, WAITS))[0][0])

            try:
                await eventually(waits, what="its first statement waits")
                power.kill()
                await process.ready()
            finally:
                assert await process.kill(signal.SIGTERM) == 0, process.text()[-2000:]

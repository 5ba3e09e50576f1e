"""Kills, faults and refusals while events flow: nothing lost, nothing missing, nothing twice."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import tempfile
from pathlib import Path

from localslack import LocalSlack
from localslack.delivery import DeliveryRules
from ratchet.domain.errors import Transient
from ratchet.jobs import schema
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.migrate import migrate
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running
from bench.storm import Storm

# As Slack's own, but quicker: at once, then after some seconds, then never again.
RULES = DeliveryRules(ack_timeout=2.0, retry_delays=(0.0, 3.0, 8.0))
EVENTS = int(os.environ.get("RATCHET_TEST_STORM_EVENTS", "3000"))
KILLS = int(os.environ.get("RATCHET_TEST_STORM_KILLS", "30"))
PER_SECOND = 45.0


async def prepared(slack: LocalSlack, ratchet: RatchetProcess, conninfo: str) -> Storm:
    """What happened before is recorded, so that each later alert has something to say."""
    storm = Storm(slack)
    await storm.prepare()
    async with running(ratchet):
        await storm.settled(conninfo)
    return storm


async def killed_while(ratchet: RatchetProcess, blowing: asyncio.Task[None], kills: int) -> None:
    """Start it and kill it at random moments, at least so often, until the storm is over."""
    dice = random.Random(1)
    done = 0
    while done < kills or not blowing.done():
        await ratchet.start()
        # The longest leave time for work after the start, the shortest hit the start itself.
        await asyncio.sleep(dice.uniform(0.3, 4.0))
        await ratchet.kill()
        done += 1


async def no_job_died(conninfo: str) -> None:
    dead = await rows(conninfo, "select entrypoint, headers->'error' from jobs where status = 'failed'")
    assert dead == []


async def test_a_process_killed_thirty_times_loses_nothing_and_repeats_nothing(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve(rules=RULES) as slack:
        ratchet = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        storm = await prepared(slack, ratchet, conninfo)
        async with asyncio.TaskGroup() as group:
            blowing = group.create_task(storm.blow(EVENTS, per_second=PER_SECOND))
            await killed_while(ratchet, blowing, KILLS)
        async with running(ratchet):
            await storm.settled(conninfo)
            await storm.audit(conninfo)
        await no_job_died(conninfo)


async def test_a_killed_database_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    directory = Path(tempfile.mkdtemp(prefix="rt-"))
    try:
        async with EmbeddedServer.start(directory) as server, LocalSlack.serve(rules=RULES) as slack:
            await migrate(server.conninfo)
            await schema.install(server.conninfo)
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watched(server))
                environment_ = environment(slack, DATABASE_URL=server.conninfo)
                ratchet = RatchetProcess(environment_, tmp_path / "log")
                storm = await prepared(slack, ratchet, server.conninfo)
                async with running(ratchet):
                    blowing = group.create_task(storm.blow(EVENTS // 3, per_second=PER_SECOND))
                    await databases_killed_while(server, blowing, KILLS // 3)
                    await storm.settled(server.conninfo)
                    await storm.audit(server.conninfo)
                await no_job_died(server.conninfo)
                watching.cancel()
    finally:
        shutil.rmtree(directory)


async def watched(server: EmbeddedServer) -> None:
    """As an operator's supervisor would: it gives up after some deaths in a row, and is started again."""
    while True:
        try:
            return await server.watch()
        except Transient:
            continue


async def databases_killed_while(server: EmbeddedServer, blowing: asyncio.Task[None], kills: int) -> None:
    dice = random.Random(2)
    done = 0
    while done < kills or not blowing.done():
        await asyncio.sleep(dice.uniform(1.0, 4.0))
        pid = server.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            done += 1


async def test_a_slack_that_fails_a_third_of_the_calls_loses_nothing_and_repeats_nothing(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve(rules=RULES) as slack:
        ratchet = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        storm = await prepared(slack, ratchet, conninfo)
        await slack.control.fail(probability=0.15, status=429, retry_after=1)
        await slack.control.fail(probability=0.10, status=500)
        # The worst of all: it happened, and the answer says it did not.
        await slack.control.fail("chat.*", probability=0.10, status=500, when="after")
        async with asyncio.TaskGroup() as group:
            blowing = group.create_task(storm.blow(EVENTS // 3, per_second=PER_SECOND))
            await killed_while(ratchet, blowing, KILLS // 5)
        async with running(ratchet):
            await storm.settled(conninfo, within=240)
            await slack.control.heal()
            await storm.settled(conninfo)
            await storm.audit(conninfo)
        await no_job_died(conninfo)


async def test_two_processes_share_the_work_and_one_killed_loses_nothing(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve(rules=RULES) as slack:
        one = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "one")
        two = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "two")
        storm = await prepared(slack, one, conninfo)
        await one.start()
        async with running(two):
            await one.ready()
            async with asyncio.TaskGroup() as group:
                blowing = group.create_task(storm.blow(EVENTS // 3, per_second=PER_SECOND))

                async def both_worked() -> bool:
                    return all(process.text().count("handler_ran") >= 5 for process in (one, two))

                await eventually(both_worked, what="both processes run handlers")
                await one.kill()
                await blowing
            await storm.settled(conninfo)
            await storm.audit(conninfo)
        await no_job_died(conninfo)

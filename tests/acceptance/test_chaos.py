"""Kills, faults and refusals while events flow: nothing lost, nothing missing, nothing twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from localslack import LocalSlack
from localslack.delivery import DeliveryRules
from ratchet.store.embedded import EmbeddedServer
from ratchet.store.migrate import migrate
from ratchet.jobs import schema
from tests.acceptance.harness import RatchetProcess, environment, rows, running
from tests.acceptance.storm import Storm

# As Slack's own, but quicker: at once, then after some seconds, then never again.
RULES = DeliveryRules(ack_timeout=2.0, retry_delays=(0.0, 3.0, 8.0))
EVENTS = int(os.environ.get("RATCHET_TEST_STORM_EVENTS", "3000"))
KILLS = int(os.environ.get("RATCHET_TEST_STORM_KILLS", "30"))


async def known(conninfo: str, storm: Storm) -> None:
    """What happened before is recorded, so that each later alert has something to say."""
    await storm.settled(conninfo)


async def test_a_process_killed_thirty_times_loses_nothing_and_repeats_nothing(
    conninfo: str, tmp_path: Path
) -> None:
    async with LocalSlack.serve(rules=RULES) as slack:
        storm = Storm(slack)
        await storm.prepare()
        ratchet = RatchetProcess(environment(slack, DATABASE_URL=conninfo), tmp_path / "log")
        async with running(ratchet):
            await known(conninfo, storm)
        dice = random.Random(1)
        async with asyncio.TaskGroup() as group:
            blowing = group.create_task(storm.blow(EVENTS, per_second=45))
            kills = 0
            while kills < KILLS or not blowing.done():
                await ratchet.start()
                # The longest leave time for work after the start, the shortest hit the start itself.
                await asyncio.sleep(dice.uniform(0.3, 4.0))
                await ratchet.kill()
                kills += 1
        async with running(ratchet):
            await storm.settled(conninfo)
            await storm.audit(conninfo)
        dead = await rows(conninfo, "select entrypoint, headers from jobs where status = 'failed'")
        assert dead == []

"""By the clock: once over all processes, once after a downtime, and not where it was switched off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ratchet.domain.messages import posted_at
from ratchet.jobs.queue import Queue
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.gap_list import GapList
from ratchet.pipeline.schedules import Schedules
from ratchet.store import schedules
from ratchet.store.channels import Channels
from ratchet.store.help_threads import HelpThreads
from ratchet.store.pool import Database
from ratchet.tools.base import WorkspaceLinks
from tests.integration.pipeline.house import House, at, deleted, said

MONDAY = datetime(2026, 3, 30, 9, tzinfo=UTC)
WEEKLY = ("0 9 * * 1", "UTC")


def clock(house: House, now: datetime, done: list[tuple[str, datetime]] | None = None) -> Schedules:
    async def work(channel_id: str, due: datetime) -> None:
        (done if done is not None else []).append((channel_id, due))

    return Schedules(house.db, house.queue, {"gap_list": work}, lambda: now)


async def weekly(house: House) -> None:
    await schedules.Schedules(house.db).set("C1", "gap_list", WEEKLY, MONDAY - timedelta(days=1))


async def test_what_is_due_runs_once_whatever_the_number_of_processes(house: House) -> None:
    await weekly(house)
    done: list[tuple[str, datetime]] = []
    await clock(house, MONDAY - timedelta(seconds=1)).tick()
    assert await house.jobs("scheduled") == []
    both = [clock(house, MONDAY + timedelta(seconds=1), done) for _ in range(2)]
    await asyncio.gather(*(one.tick() for one in both))
    await house.work_off(both[0].run, "scheduled")
    assert done == [("C1", MONDAY)]
    await both[1].tick()
    assert await house.jobs("scheduled") == []
    [row] = await schedules.Schedules(house.db).of("C1")
    assert row.due_at == MONDAY + timedelta(days=7)


async def test_what_was_missed_runs_once_on_return(house: House) -> None:
    await weekly(house)
    done: list[tuple[str, datetime]] = []
    back = clock(house, MONDAY + timedelta(days=23), done)
    await back.tick()
    await back.tick()
    await house.work_off(back.run, "scheduled")
    assert done == [("C1", MONDAY)]
    [row] = await schedules.Schedules(house.db).of("C1")
    assert row.due_at == MONDAY + timedelta(days=28)


async def test_setting_it_again_keeps_the_next_time_and_another_time_moves_it(house: House) -> None:
    await weekly(house)
    rows = schedules.Schedules(house.db)
    await rows.set("C1", "gap_list", WEEKLY, MONDAY + timedelta(hours=1))
    assert [one.due_at for one in await rows.of("C1")] == [MONDAY]
    await rows.set("C1", "gap_list", ("0 8 * * 1", "UTC"), MONDAY + timedelta(hours=1))
    assert [one.due_at.hour for one in await rows.of("C1")] == [8]
    assert await rows.remove("C1", "gap_list")
    assert not await rows.remove("C1", "gap_list")


async def test_a_kind_that_this_version_does_not_know_waits(house: House) -> None:
    await schedules.Schedules(house.db).set("C1", "weather", WEEKLY, MONDAY - timedelta(days=1))
    await clock(house, MONDAY + timedelta(days=30)).tick()
    assert await house.jobs("scheduled") == []
    assert len(await schedules.Schedules(house.db).of("C1")) == 1


DUE = posted_at(at(3600))
ASKED = "How do I run Kafka on my laptop?"


def gap_list(database: Database) -> GapList:
    commit = Commit(database, Queue(database.connection))
    return GapList(commit, HelpThreads(database), WorkspaceLinks("https://team.slack.com"))


async def asked_twice(house: House) -> None:
    for start in (0, 100):
        await house.hear(
            said(at(start), ASKED, user="UANA"),
            said(at(start + 5), "`make kafka-up` in the devstack", thread_ts=at(start), user="UBO"),
        )
    await house.rows("update channels set kind = 'public', name = 'help'")


async def test_the_list_is_posted_once_a_run_and_says_what_is_missing(
    house: House, database: Database
) -> None:
    await asked_twice(house)
    await gap_list(database).run("C1", DUE)
    await gap_list(database).run("C1", DUE)
    [(effect, channel)] = await house.rows("select effect, channel_id from outbox")
    assert channel == "C1"
    assert "1. **How do I run Kafka on my laptop?** – asked 2 times" in effect["markdown"]


async def test_nothing_is_posted_where_nothing_is_missing_or_may_be_said(
    house: House, database: Database
) -> None:
    await asked_twice(house)
    await Channels(database).set_mode("C1", "off")
    await gap_list(database).run("C1", DUE)
    await Channels(database).set_mode("C1", "mention")
    for start in (0, 5, 100, 105):
        await house.hear(deleted(at(start), at(300 + start)))
    await gap_list(database).run("C1", DUE)
    assert await house.rows("select key from outbox") == []

"""Incidents from events in whatever order they came."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from ratchet.pipeline.dispatch import Dispatch
from tests.integration.pipeline.house import ME, House, Raw, alert_said, at, deleted, edited, said

VIEW = """
select alert, service, priority, tool, open_ts, close_ts, firings,
       extract(epoch from closed_at - opened_at)::float from incidents order by opened_at, alert
"""
TABLES = "truncate messages, incident_events, reactions, tombstones, parked_edits, jobs cascade"


async def incidents(house: House, *batches: list[Raw]) -> list[Any]:
    for batch in batches:
        await house.hear(*batch)
        dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
        await house.work_off(dispatch.run_message, "message")
    return await house.rows(VIEW)


async def test_an_alert_opens_and_its_resolve_closes(house: House) -> None:
    found = await incidents(house, [alert_said(at(0))], [alert_said(at(300), firing=False)])
    assert found == [("HighErrorRate", "checkout", "HIGH", "alertmanager", at(0), at(300), 1, 300.0)]


async def test_a_repeated_notification_is_no_second_incident(house: House) -> None:
    batches = [[alert_said(at(n * 60))] for n in range(4)]
    assert [row[4:7] for row in await incidents(house, *batches)] == [(at(0), None, 4)]


async def test_an_alert_that_fires_again_after_its_resolve_is_a_second_incident(house: House) -> None:
    found = await incidents(house, [alert_said(at(0)), alert_said(at(60), firing=False), alert_said(at(120))])
    assert [row[4:7] for row in found] == [(at(0), at(60), 1), (at(120), None, 1)]


async def test_a_resolve_without_an_alert_is_no_incident(house: House) -> None:
    assert await incidents(house, [alert_said(at(0), firing=False)]) == []


async def test_two_alerts_do_not_close_each_other(house: House) -> None:
    found = await incidents(
        house, [alert_said(at(0)), alert_said(at(1), "DiskFull"), alert_said(at(60), firing=False)]
    )
    assert [(row[0], row[5]) for row in found] == [("HighErrorRate", at(60)), ("DiskFull", None)]


async def test_a_resolve_by_edit_closes_at_the_time_of_the_edit(house: House) -> None:
    fired = alert_said(at(0))
    change = edited(fired, at(300), attachments=alert_said(at(0), firing=False)["attachments"])
    assert [row[4:] for row in await incidents(house, [fired], [change])] == [(at(0), at(0), 1, 300.0)]


async def test_a_resolve_by_a_reply_in_the_thread_closes_whatever_it_calls_itself(house: House) -> None:
    reply = alert_said(at(120), "SomethingElse", firing=False, thread_ts=at(0))
    assert [row[4:] for row in await incidents(house, [alert_said(at(0))], [reply])] == [
        (at(0), at(120), 1, 120.0)
    ]


async def test_a_deleted_alert_takes_its_incident_with_it(house: House) -> None:
    await incidents(house, [alert_said(at(0)), alert_said(at(60), "DiskFull")])
    assert [row[0] for row in await incidents(house, [deleted(at(0), at(90))])] == ["DiskFull"]


def life() -> list[Raw]:
    """An alert that repeats and resolves; one resolved by edit; one by a reply; talk in between."""
    fired = alert_said(at(10), "DiskFull")
    return [
        alert_said(at(0)),
        alert_said(at(60)),
        alert_said(at(120), firing=False),
        fired,
        edited(fired, at(200), attachments=alert_said(at(10), "DiskFull", firing=False)["attachments"]),
        alert_said(at(20), "CertExpiry"),
        alert_said(at(90), "Renewed", firing=False, thread_ts=at(20)),
        said(at(30), "[FIRING:1] NotAnAlert checkout (critical)"),
        alert_said(at(400)),
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_arrival_changes_no_incident(seed: int, house: House) -> None:
    """Any order, any batches, some events twice, jobs run at once or late."""
    expected = await incidents(house, *[[raw] for raw in life()])
    assert len(expected) == 4
    dice = random.Random(seed)
    for _ in range(4):
        await house.rows(TABLES)
        events = life() + dice.sample(life(), 3)
        dice.shuffle(events)
        cuts = sorted(dice.sample(range(1, len(events)), dice.randint(0, 5)))
        batches = [events[a:b] for a, b in itertools.pairwise([0, *cuts, len(events)])]
        assert await incidents(house, *batches) == expected

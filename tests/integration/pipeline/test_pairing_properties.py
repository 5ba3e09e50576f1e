"""Whatever the order and number of deliveries, the incidents are those of the story."""

from __future__ import annotations

import time
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.domain.messages import posted_at
from ratchet.handlers.runbook import first_of_run
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.dispatch import Dispatch
from ratchet.store.incidents import Incidents
from ratchet.store.pool import Database
from tests.integration.pipeline.house import ME, House
from tests.integration.pipeline.pairing_story import NAMELESS, Story, acknowledged_at, expected, stories

TABLES = ("messages", "reactions", "tombstones", "parked_edits", "jobs", "channels")
VIEW = """
select channel_id, alert, service, open_ts, opened_at, close_ts, closed_at, firings, state, last_at, acknowledged_at
from incidents order by opened_at
"""
KEYS = "select open_ts, pair_key from incidents"
# In the order of the fields of `Incident`.
ALL = """
select channel_id, pair_key, alert, service, priority, tool, open_ts, opened_at, close_ts, closed_at, firings, state,
       last_at, acknowledged_at
from incidents order by opened_at desc
"""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOW = time.time()


async def deliver(house: House, story: Story, data: st.DataObject) -> None:
    """In any order, some events twice, in any batches, their jobs run at once or late."""
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    repeats = data.draw(st.lists(st.sampled_from(story.events), max_size=3), label="repeats")
    events = data.draw(st.permutations([*story.events, *repeats]), label="order")
    while events:
        size = data.draw(st.integers(1, len(events)), label="batch")
        await house.hear(*events[:size])
        events = events[size:]
        if not events or data.draw(st.booleans(), label="work"):
            await house.work_off(dispatch.run_message, "message")


def incidents_of(story: Story, now: datetime) -> list[Any]:
    return [
        (
            one.channel, one.subject.alert, one.subject.service, *one.firings[0], *(one.close or (None, None)),
            len(one.firings), one.state(now), one.last_at, acknowledged_at(story, one),
        )
        for one in expected(story)
    ]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(NOW), data=st.data())
async def test_any_story_in_any_order_with_repeats_makes_its_incidents(
    database: Database, story: Story, data: st.DataObject
) -> None:
    house = House(database, BuiltIn(NAMELESS))
    for table in TABLES:
        await house.rows(f"delete from {table}")
    await deliver(house, story, data)
    assert await house.rows(VIEW) == incidents_of(story, datetime.now(UTC))
    await the_handler_agrees(house, story)
    await the_lists_agree(house)
    await house.recall(*story.history())
    assert await house.rows(VIEW) == incidents_of(story, datetime.now(UTC)), "history changes nothing"


async def the_handler_agrees(house: House, story: Story) -> None:
    """What the runbook handler calls still open is the incident of the view."""
    keys = dict(await house.rows(KEYS))
    for incident in expected(story):
        for number, (ts, at) in enumerate(incident.firings):
            if posted_at(ts) != at or incident.subject.key is None:
                continue
            previous = await Incidents(house.db).previous(incident.channel, keys[incident.firings[0][0]], at)
            first = first_of_run(previous, at)
            # Which thread the line then points to may differ where a resolve in a thread came between.
            assert (first is not None) == (number > 0)


async def the_lists_agree(house: House) -> None:
    """The newest incidents, and those that are open, read on their own, are those of the view."""
    reads, until = Incidents(house.db), datetime.now(UTC) + timedelta(days=1)
    viewed = await house.rows(ALL)
    channels = sorted({row[0] for row in viewed})
    found = [astuple(one) for one in await reads.list(channels, LONG_AGO, until)]
    assert sorted(found, key=str) == sorted(viewed, key=str)
    for limit in (1, 2):
        newest = await reads.list(channels, LONG_AGO, until, limit=limit)
        assert [one.opened_at for one in newest] == [row[7] for row in viewed[:limit]]
        assert {astuple(one) for one in newest} <= set(viewed)
    for middle in viewed[1:3]:
        older = await reads.list(channels, LONG_AGO, middle[7], limit=2)
        assert [one.opened_at for one in older] == [row[7] for row in viewed if row[7] < middle[7]][:2]
        assert {astuple(one) for one in older} <= set(viewed)
    is_open = await reads.list(channels, LONG_AGO, until, open_only=True)
    assert sorted(map(astuple, is_open), key=str) == sorted((r for r in viewed if r[11] == "open"), key=str)

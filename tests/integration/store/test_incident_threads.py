"""When somebody took notice of an incident, what it costs to know, and threads of 5,000 replies."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ratchet.domain.messages import MessageRef, posted_at
from ratchet.handlers.evidence import Gather
from ratchet.store import incidents
from ratchet.store.incidents import Incidents
from ratchet.store.messages import TRIAGE, Messages
from ratchet.store.pool import Database
from tests.integration.reports.report_support import watched
from tests.integration.store.incident_support import (
    CHANNEL,
    CLOSE,
    OPEN,
    Record,
    ago,
    opened_record,
    says,
    wrote,
)

WITHOUT = "select open_ts, opened_at, closed_at, firings, state, last_at from incidents where channel_id = %s"
WITH = "select open_ts, acknowledged_at from incidents where channel_id = %s"
# What a person waits for; the figures themselves are far below, and the machine may be busy.
SOON_S = 0.5


@pytest.fixture
async def record(database: Database) -> Record:
    return await opened_record(database)


async def test_the_first_reply_of_a_person_acknowledges(record: Record) -> None:
    await record.event(ago(10), says(OPEN))
    assert (await record.one()).tta_s is None
    await record.write(
        wrote(ago(9), "bot", parent=ago(10)),
        wrote(ago(8.5), "self", parent=ago(10)),
        wrote(ago(8.2), text="elsewhere"),
        wrote(ago(8), parent=ago(10)),
        wrote(ago(7), parent=ago(10)),
    )
    found = await record.one()
    assert (found.acknowledged_at, found.tta_s) == (posted_at(ago(8)), 2 * 3600)


@pytest.mark.parametrize("under_reply", [False, True])
async def test_a_reaction_in_the_thread_acknowledges_when_it_is_first(
    record: Record, under_reply: bool
) -> None:
    await record.event(ago(10), says(OPEN))
    await record.write(wrote(ago(9.5), "self", parent=ago(10)), wrote(ago(8), parent=ago(10)))
    place = ago(9.5) if under_reply else ago(10)
    await record.react(place, ago(7))
    assert (await record.one()).acknowledged_at == posted_at(ago(8))
    await record.react(place, ago(9), "U0BO")
    assert (await record.one()).acknowledged_at == posted_at(ago(9))


async def test_a_reaction_that_was_taken_back_or_is_a_bots_acknowledges_nothing(record: Record) -> None:
    await record.event(ago(10), says(OPEN))
    await record.react(ago(10), ago(9))
    await record.react(ago(10), ago(8), added=False)
    await record.react(ago(10), ago(7), "U0BOT")
    assert (await record.one()).acknowledged_at is None


async def test_when_a_reaction_found_in_history_was_given_is_not_known(record: Record) -> None:
    """It comes with its message, and has the message's own version."""
    await record.event(ago(10), says(OPEN))
    await record.react(ago(10), ago(10))
    await record.event(ago(10), says(CLOSE), version=ago(9))
    await record.react(ago(10), ago(9), "U0BO")
    found = await record.one()
    assert (found.state, found.acknowledged_at) == ("closed", None)


async def test_what_people_did_before_it_fired_is_no_acknowledgement(record: Record) -> None:
    await record.write(wrote(ago(20), "bot", text="deploying"))
    await record.write(wrote(ago(19), parent=ago(20)))
    await record.react(ago(20), ago(18))
    await record.event(ago(20), says(OPEN), version=ago(10))
    assert (await record.one()).acknowledged_at is None
    await record.write(wrote(ago(9), parent=ago(20)))
    assert (await record.one()).acknowledged_at == posted_at(ago(9))


async def test_an_alert_that_fires_in_a_thread_is_acknowledged_there(record: Record) -> None:
    await record.write(wrote(ago(12), "bot", text="deploying"))
    await record.event(ago(10), says(OPEN), parent=ago(12))
    await record.write(wrote(ago(8), parent=ago(12)))
    assert (await record.one()).acknowledged_at == posted_at(ago(8))


async def long_thread(record: Record, writer: str) -> None:
    """5,000 replies under one firing, of one kind of sender, among 20,000 other messages."""
    await record.event(ago(100), says(OPEN))
    await record.rows(
        """
        insert into messages (channel_id, ts, parent_ts, posted_at, version, text, content_hash, attrs, fts)
        select %(channel)s, n.ts, case when n.number <= 5000 then %(root)s end, slack_time(n.ts), n.ts,
               'restarted it with `kubectl rollout restart deploy/db-' || n.number || '`', '',
               jsonb_build_object('sender', jsonb_build_object('kind', %(writer)s::text, 'id', 'U0ANA'),
                                  'payload', jsonb_build_object('text', repeat('words of a message ', 20))), ''
        from (select number, to_char(extract(epoch from slack_time(%(root)s)) + number, 'FM9999999990.000000') as ts
              from generate_series(1, 25000) number) n
        """,
        {"channel": CHANNEL, "root": ago(100), "writer": writer},
    )
    await record.rows(
        "insert into reactions select channel_id, ts, 'eyes', 'U0ANA', true, ts from messages where parent_ts is null"
    )
    await record.event(ago(90), says(CLOSE))
    for table in ("messages", "incident_events", "reactions"):
        await record.rows(f"analyze {table}")


async def seconds(run: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    """The better of two, the first one reads from the disk."""
    taken = []
    for _ in range(2):
        begin = time.perf_counter()
        await run()
        taken.append(time.perf_counter() - begin)
    return min(taken)


@pytest.mark.parametrize("writer", ["person", "bot"])
async def test_a_thread_of_5000_replies_is_read_by_index_and_soon(record: Record, writer: str) -> None:
    await long_thread(record, writer)
    found = await record.one()
    assert (found.state, found.tta_s) == ("closed", 1.0 if writer == "person" else None)
    root = MessageRef(CHANNEL, ago(100))
    triage = {"channels": [CHANNEL], "ts": [root.ts], "per_thread": 200}
    for query, values in (
        (WITH, (CHANNEL,)),
        (TRIAGE, triage),
    ):
        assert "Seq Scan on messages" not in await record.plan(query, values)
    assert await seconds(record.one) < SOON_S
    assert await seconds(lambda: Messages(record.db).triage([root])) < SOON_S
    gather = Gather(record.incidents, Messages(record.db))
    asked = ("db", "DiskFull", posted_at(ago(0)), CHANNEL)
    assert (await gather.evidence(*asked) is None) == (writer == "bot")
    assert await seconds(lambda: gather.evidence(*asked)) < SOON_S


async def test_who_does_not_ask_who_noticed_does_not_pay_for_it(record: Record) -> None:
    await long_thread(record, "person")
    without, with_it = await record.plan(WITHOUT, (CHANNEL,)), await record.plan(WITH, (CHANNEL,))
    assert " on messages" not in without
    assert " on reactions" not in without
    assert "messages_people" in with_it
    assert "reactions_pkey" in with_it


async def test_one_channels_incidents_are_found_by_index_among_those_of_many(record: Record) -> None:
    await record.event(ago(10), says(OPEN))
    await record.rows(
        """
        with made as (
            insert into messages (channel_id, ts, posted_at, version, text, content_hash, attrs, fts)
            select 'C' || number %% 50, ts, slack_time(ts), ts, '', '', '{}', ''
            from (select number, (1700000000 + number)::text || '.000000' as ts from generate_series(1, 20000) number) n
            returning channel_id, ts, posted_at)
        insert into incident_events (channel_id, ts, version, happened_at, action, pair_key, alert, priority, tool)
        select channel_id, ts, ts, posted_at, 'open_incident', 'k', 'A', 'LOW', 'am' from made
        """,
        {},
    )
    await record.rows("analyze incident_events")
    noting = watched(record.db)
    assert len(await Incidents(noting).list([CHANNEL], posted_at(ago(99)), posted_at(ago(0)))) == 1
    for query, values in noting.asked:
        plan = await record.plan(query, values)
        assert "Seq Scan on incident_events" not in plan, plan
    before = {"channel_id": CHANNEL, "pair_key": "am|DiskFull", "before": posted_at(ago(0)), "limit": 50}
    plan = await record.plan(incidents.PREVIOUS, before)
    assert "Seq Scan on incident_events" not in plan, plan

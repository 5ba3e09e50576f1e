"""States of incidents, and when somebody took notice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ratchet.domain.incidents import SILENCE
from ratchet.domain.messages import MessageRef, posted_at
from ratchet.handlers import runbook
from ratchet.reports import backtest
from ratchet.store import incidents
from ratchet.store.incidents import Incidents
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from tests.integration.store.incident_support import (
    CHANNEL,
    CLOSE,
    LONG_AGO,
    OPEN,
    Record,
    ago,
    opened_record,
    says,
    wrote,
)


@pytest.fixture
async def record(database: Database) -> Record:
    return await opened_record(database)


async def test_everybody_means_the_same_silence(record: Record) -> None:
    assert await record.rows("select incident_silence()") == [(SILENCE,)]
    assert SILENCE == runbook.SILENCE == backtest.UNRESOLVED == timedelta(hours=24)


@pytest.mark.parametrize(("hours", "state"), [(1, "open"), (23, "open"), (24.1, "expired"), (900, "expired")])
async def test_an_incident_that_nothing_resolves_expires(record: Record, hours: float, state: str) -> None:
    await record.event(ago(hours), says(OPEN))
    found = await record.one()
    assert (found.state, found.closed_at, found.ttr_s) == (state, None, None)
    assert found.last_at == found.opened_at == posted_at(ago(hours))


async def test_a_renotification_keeps_it_open_and_the_one_after_a_silence_begins_anew(record: Record) -> None:
    for hours in (90, 70, 50, 25, 3):  # 25 h between the third and the fourth, 22 h before the last
        await record.event(ago(hours), says(OPEN))
    told = [(one.open_ts, one.firings, one.state) for one in await record.all()]
    assert told == [(ago(90), 3, "expired"), (ago(25), 2, "open")]


async def test_a_firing_exactly_a_silence_later_is_a_renotification(record: Record) -> None:
    await record.event(ago(26), says(OPEN))
    await record.event(ago(2), says(OPEN))
    assert (await record.one()).firings == 2


async def test_a_resolve_days_after_the_last_word_still_closes(record: Record) -> None:
    await record.event(ago(200), says(OPEN))
    await record.event(ago(2), says(CLOSE))
    found = await record.one()
    assert (found.state, found.close_ts, found.ttr_s) == ("closed", ago(2), 198 * 3600)


async def test_a_late_resolve_closes_the_latest_incident_and_the_one_before_stays_expired(
    record: Record,
) -> None:
    await record.event(ago(300), says(OPEN))
    await record.event(ago(200), says(OPEN))
    await record.event(ago(100), says(CLOSE))
    told = [(one.open_ts, one.state) for one in await record.all()]
    assert told == [(ago(300), "expired"), (ago(200), "closed")]


async def test_a_second_resolve_changes_nothing(record: Record) -> None:
    await record.event(ago(10), says(OPEN))
    await record.event(ago(9), says(CLOSE))
    before = await record.one()
    await record.event(ago(3), says(CLOSE))
    assert await record.one() == before
    assert before.last_at == before.closed_at


async def test_an_edit_that_still_fires_is_a_sign_of_life_and_no_firing(record: Record) -> None:
    for hours in (70, 50, 30, 10):
        await record.event(ago(70), says(OPEN), version=ago(hours))
    found = await record.one()
    assert (found.state, found.firings, found.last_at) == ("open", 1, posted_at(ago(10)))


async def test_an_edit_that_still_fires_does_not_open_what_another_message_resolved(record: Record) -> None:
    await record.event(ago(10), says(OPEN))
    await record.event(ago(9), says(CLOSE))
    await record.event(ago(10), says(OPEN), version=ago(8))
    found = await record.one()
    assert (found.state, found.last_at) == ("closed", posted_at(ago(9)))
    await record.event(ago(7), says(OPEN))
    assert [one.firings for one in await record.all()] == [1, 1]


async def test_what_fires_again_by_an_edit_is_a_second_incident(record: Record) -> None:
    for version, action in ((10, OPEN), (9, CLOSE), (8, OPEN)):
        await record.event(ago(10), says(action), version=ago(version))
    told = [(one.open_ts, one.opened_at, one.state) for one in await record.all()]
    assert told == [(ago(10), posted_at(ago(10)), "closed"), (ago(10), posted_at(ago(8)), "open")]


async def test_an_edit_that_resolves_closes_its_message_whatever_it_calls_itself(record: Record) -> None:
    await record.event(ago(10), says(OPEN, "Disk at 92%"))
    await record.event(ago(10), says(CLOSE, "All is well"), version=ago(9))
    found = await record.one()
    assert (found.alert, found.state) == ("Disk at 92%", "closed")


async def test_only_what_is_open_now_is_listed_as_open(record: Record) -> None:
    await record.event(ago(50), says(OPEN, "Expired"))
    await record.event(ago(5), says(OPEN, "Closed"))
    await record.event(ago(4), says(CLOSE, "Closed"))
    await record.event(ago(3), says(OPEN, "Open"))
    assert [one.alert for one in await record.all(open_only=True)] == ["Open"]
    reader = Reader(record.db)
    still = await reader.list_incidents(visible_from=CHANNEL, since=LONG_AGO, still_open=True)
    assert [one.alert for one in still] == ["Open"]
    recent = await reader.list_incidents(visible_from=CHANNEL, since=posted_at(ago(4.5)))
    assert [one.alert for one in recent] == ["Open"]


async def test_what_a_gap_may_have_resolved_is_asked_for_however_long_it_was_silent(record: Record) -> None:
    await record.event(ago(90), says(OPEN, "Expired"))
    await record.event(ago(80), says(OPEN, "Repeats"))
    await record.event(ago(60), says(OPEN, "Repeats"))
    await record.event(ago(5), says(OPEN, "Closed"))
    await record.event(ago(4), says(CLOSE, "Closed"))
    assert await record.incidents.open_roots(CHANNEL, 10) == [ago(80), ago(90)]
    assert await record.incidents.open_roots(CHANNEL, 1) == [ago(80)]


async def test_the_end_of_an_opening_message_is_that_of_its_own_incident(record: Record) -> None:
    await record.event(ago(300), says(OPEN))
    await record.event(ago(200), says(OPEN))
    await record.event(ago(190), says(OPEN))
    await record.event(ago(100), says(CLOSE))
    await record.event(ago(50), says(OPEN))
    await record.event(ago(50), says(CLOSE, "Other name"), version=ago(49))
    refs = [MessageRef(CHANNEL, ago(hours)) for hours in (300, 200, 190, 50)]
    ends = await record.incidents.ends(refs)
    closed = posted_at(ago(100))
    assert [ends[ref] for ref in refs] == [None, closed, closed, posted_at(ago(49))]


async def test_an_edited_alert_is_one_opening_message_wherever_it_is_counted(record: Record) -> None:
    for hours in (10, 9, 8):
        await record.event(ago(10), says(OPEN), version=ago(hours))
    now, reads = posted_at(ago(0)), record.incidents
    assert [one.ts for one in await reads.firings("db", "DiskFull", now, CHANNEL)] == [ago(10)]
    assert [one.ts for one in await reads.opens(CHANNEL, LONG_AGO, now)] == [ago(10)]
    assert [one.firings for one in await reads.services(9)] == [1]
    assert [one.firings for one in await reads.alerts(None, None, 9)] == [1]


async def test_a_new_name_by_an_edit_is_found_by_both(record: Record) -> None:
    await record.event(ago(10), says(OPEN, "First"))
    await record.event(ago(10), says(OPEN, "Second"), version=ago(9))
    now = posted_at(ago(0))
    for alert in ("First", "Second"):
        assert [one.ts for one in await record.incidents.firings("db", alert, now, CHANNEL)] == [ago(10)]


async def test_what_was_seen_comes_before_what_history_lets_us_assume(record: Record) -> None:
    """History knows the last form only: that it fired before, and as what, is a guess."""
    await record.event(ago(10), says(OPEN, "Disk at 92%"))
    last = wrote(ago(10), "bot", text="resolved")
    last = type(last)(last.channel_id, last.ts, last.sender, last.text, ago(9), edited=True)
    for _ in range(2):
        async with record.db.transaction() as conn:
            await incidents.record(conn, incidents.judged_from_history(last, says(CLOSE, "Well again")))
        found = await record.one()
        assert (found.alert, found.state) == ("Disk at 92%", "closed")
        await record.event(ago(10), says(OPEN, "Disk at 92%"))  # and the guess gives way to what is seen


async def test_a_guess_gives_way_to_what_is_seen_later(record: Record) -> None:
    last = wrote(ago(10), "bot", text="resolved")
    last = type(last)(last.channel_id, last.ts, last.sender, last.text, ago(9), edited=True)
    await record.write(last)
    async with record.db.transaction() as conn:
        await incidents.record(conn, incidents.judged_from_history(last, says(CLOSE, "Well again")))
    assert (await record.one()).alert == "Well again"
    await record.event(ago(10), says(OPEN, "Disk at 92%"))
    assert (await record.one()).alert == "Disk at 92%"


async def test_an_alert_that_history_knows_as_edited_is_open_since_it_was_posted(record: Record) -> None:
    last = wrote(ago(30), "bot", text="firing")
    last = type(last)(last.channel_id, last.ts, last.sender, last.text, ago(9), edited=True)
    await record.write(last)
    async with record.db.transaction() as conn:
        await incidents.record(conn, incidents.judged_from_history(last, says(OPEN)))
    found = await record.one()
    assert (found.opened_at, found.last_at, found.state) == (posted_at(ago(30)), posted_at(ago(9)), "open")


async def test_nothing_is_recorded_of_a_message_of_which_only_the_place_is_left(record: Record) -> None:
    left = wrote(ago(10), "bot", text="deleted")
    await record.write(
        type(left)(left.channel_id, left.ts, left.sender, "", left.ts, payload={"subtype": "tombstone"})
    )
    async with record.db.transaction() as conn:
        await incidents.record(conn, [incidents.judged(left, says(OPEN))])
    assert await record.all() == []


async def test_the_events_before_a_firing_are_those_that_it_is_paired_with(record: Record) -> None:
    await record.event(ago(9), says(OPEN))
    await record.event(ago(8), says(CLOSE, "Named otherwise"), parent=ago(9))
    await record.event(ago(9), says(OPEN), version=ago(7))  # says nothing of what the reply resolved
    await record.event(ago(6), says(OPEN, "Another"))
    await record.event(ago(5), says(CLOSE), parent=ago(6))  # it is the other that this one resolved
    found = await Incidents(record.db).previous(CHANNEL, "am|DiskFull", posted_at(ago(1)))
    assert [(one.ts, one.action) for one in found] == [(ago(8), CLOSE), (ago(9), OPEN)]

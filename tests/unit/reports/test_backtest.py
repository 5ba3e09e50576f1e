"""What a replay says about the runbooks it makes."""

from __future__ import annotations

import json

from ratchet.domain.messages import MessageRef
from ratchet.reports.backtest import Replay
from ratchet.reports.backtest_figures import Report, as_json, bars, caveat, markdown, report
from tests.unit.reports.backtest_support import (
    FIX,
    Event,
    at,
    closed,
    incident,
    opened,
    replayed,
    said,
)

FIRST, OVER, SECOND, DONE = opened(0), closed(60), opened(10_000), closed(10_060)
TWO = [incident(FIRST, OVER), incident(SECOND, DONE)]
EVENTS = [FIRST, OVER, SECOND, DONE]


async def two_firings(before: str, then: str) -> Report:
    return report(await replayed(TWO, EVENTS, [said(0, 5, before), said(10_000, 10_005, then)]))


async def test_a_runbook_that_names_what_people_then_did_is_a_hit() -> None:
    total = (await two_firings(FIX, "again `kubectl rollout restart deploy/checkout -n shop`")).total
    assert (total.incidents, total.repeats, total.covered, total.judged, total.hits) == (2, 1, 1, 1, 1)
    assert (total.coverage, total.repeat_coverage, total.hit_rate, total.reached) == (0.5, 1.0, 1.0, 1.0)
    assert (total.first, total.mean_rank, total.hit_kinds) == (1, 1, {"command": 1})
    assert (total.silent, total.silent_rightly, total.posted, total.tokens) == (1, 1, 1, 0)
    assert total.size > 100
    assert total.write_p50_ms is not None


async def test_a_runbook_that_names_something_else_is_none() -> None:
    total = (await two_firings(FIX, "rolled back: `harborctl deploy rollback checkout`")).total
    assert (total.judged, total.hits, total.reachable, total.hit_rate, total.reached) == (1, 0, 0, 0.0, None)


async def test_an_incident_under_which_people_named_nothing_is_not_judged() -> None:
    total = (await two_firings(FIX, "all green again")).total
    assert (total.covered, total.judged, total.hit_rate, total.unneeded) == (1, 0, None, 0)


async def test_the_rank_is_the_place_of_the_first_useful_item() -> None:
    replies = [
        said(0, 5, "I had tried `kubectl -n shop rollout restart deploy/checkout`"),
        said(0, 6, "`harborctl edge drain eu` fixed it, the root cause was a full disk"),
        said(10_000, 10_005, "`kubectl -n shop rollout restart deploy/checkout`"),
    ]
    [_, case] = (await replayed(TWO, EVENTS, replies)).cases
    assert case.rank == 2


async def test_silence_although_something_was_known_is_not_right() -> None:
    replies = [said(0, 5, "is it `checkout_pool` again?"), said(10_000, 10_005, "yes, `checkout_pool`")]
    found = report(await replayed(TWO, EVENTS, replies))
    assert (found.total.silent, found.total.silent_rightly, found.total.reachable) == (2, 1, 1)
    [miss] = as_json(found)["misses"]
    assert (miss["ts"], miss["known_before"], miss["runbook"]) == (at(10_000), ["checkout_pool"], None)


async def test_what_people_do_long_after_the_close_belongs_to_no_incident() -> None:
    [case, _] = (await replayed(TWO, EVENTS, [said(0, 130, FIX)])).cases
    assert case.did == frozenset()
    [case, _] = (await replayed(TWO, EVENTS, [said(0, 115, FIX)])).cases
    assert case.did


async def test_repeats_and_flaps_are_lines_and_no_runbooks() -> None:
    events = [opened(0), opened(20), closed(30), opened(50), closed(55), opened(58), closed(59)]
    incidents = [
        incident(events[0], events[2], 2),
        incident(events[3], events[4]),
        incident(events[5], events[6]),
    ]
    total = report(await replayed(incidents, events, [said(0, 5, FIX)])).total
    # The second firing comes after fresh triage, which is worth saying; the third has nothing new.
    assert (total.still_open, total.flaps, total.posted, total.covered) == (1, 1, 1, 2)


async def test_an_answer_to_what_was_no_incident_is_an_interruption() -> None:
    replies = [said(0, 5, FIX)]
    refused = [MessageRef("C1", at(10_000))]
    assert report(await replayed(TWO, EVENTS, replies, no_incident=refused)).total.false == 1
    events = [Event(e.ts, e.action, alert="Watchdog") for e in EVENTS]
    incidents = [incident(events[0], events[1]), incident(events[2], events[3])]
    assert report(await replayed(incidents, events, replies)).total.false == 1


async def test_a_private_channel_helps_only_itself() -> None:
    events = [
        opened(0, channel_id="CSEC"), closed(10, channel_id="CSEC"), opened(10_000),
        opened(20_000, channel_id="CSEC"),
    ]  # fmt: skip
    replies = [said(0, 5, FIX, channel="CSEC")]
    incidents = [incident(events[0], events[1]), incident(events[2]), incident(events[3])]
    cases = (await replayed(incidents, events, replies)).cases
    assert [case.written is not None for case in cases] == [False, False, True]


async def test_an_alert_without_a_name_gets_no_runbook() -> None:
    unnamed = [Event(e.ts, e.action, alert=None) for e in EVENTS]
    incidents = [incident(unnamed[0], unnamed[1]), incident(unnamed[2], unnamed[3])]
    replay = await replayed(incidents, unnamed, [said(0, 5, FIX)])
    assert [(case.written, case.earlier) for case in replay.cases] == [(None, 0), (None, 0)]
    assert replay.posts == []


async def test_figures_are_by_alert_too() -> None:
    disk = {"alert": "DiskFull", "service": "db"}
    other = [opened(100, **disk), closed(200, **disk), opened(20_000, **disk)]
    incidents = [*TWO, incident(other[0], other[1]), incident(other[2]), incident(opened(30_000))]
    found = report(await replayed(incidents, [*EVENTS, *other, opened(30_000)], [said(0, 5, FIX)]))
    assert [(line.alert, line.figures.incidents, line.figures.covered) for line in found.alerts] == [
        ("HighErrorRate", 3, 2), ("DiskFull", 2, 0),
    ]  # fmt: skip
    assert [(bar.title, bar.hits, bar.others, bar.silent) for bar in bars(found)] == [
        ("HighErrorRate", 0, 2, 1), ("DiskFull", 0, 0, 2),
    ]  # fmt: skip
    assert json.loads(json.dumps(as_json(found)))["total"]["incidents"] == 5
    assert "| DiskFull | db | 2 |" in markdown(found, 1)


def test_a_record_without_incidents_is_said_to_be_one() -> None:
    found = report(Replay())
    assert "nothing to replay" in markdown(found, 3)
    assert as_json(found)["total"]["hit_rate"] is None


async def test_few_judged_incidents_come_with_a_warning() -> None:
    found = await two_firings(FIX, FIX)
    assert "Only 1 incident" in (caveat(found.total, 1) or "")


async def test_a_storm_is_summed_up_once() -> None:
    events = [opened(n / 10, alert=f"Alert{chr(65 + n)}") for n in range(14)]
    total = report(await replayed([incident(e) for e in events], events, [])).total
    assert (total.storms, total.still_open, total.flaps, total.posted) == (1, 0, 0, 0)

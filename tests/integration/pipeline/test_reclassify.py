"""The rules once more over what is recorded: the record follows them, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.alerts import NO_RULES, Rulebook, read_rules
from ratchet.domain.incidents import Action
from ratchet.pipeline.classify import BuiltIn
from ratchet.pipeline.dispatch import Dispatch
from ratchet.pipeline.reclassify import Reclassify, Report
from tests.integration.pipeline.house import ME, START, House, alert_said, at, deleted, edited, said

EVENTS = """
select ts, version, action, service, alert, pair_key, priority, tool, attrs, happened_at, parent_ts
from incident_events order by ts, version
"""
INCIDENTS = """
select alert, service, priority, tool, open_ts, close_ts, firings from incidents order by opened_at, alert
"""
JOBS = "select count(*) from jobs"

RENAMED = read_rules(
    "rules: [{name: mine, when: {title: 'FIRING|RESOLVED'}, service: shop, alert: Mine, pair: '{channel}'}]"
)
HOUSE = read_rules(
    r"""
severity_priority: {critical: LOW}
rules:
  - name: house
    when: {text: '^(?P<state>DOWN|UP) (?P<service>[\w-]+)$'}
    action: '{state}'
    service: '{service}'
"""
)


async def recorded(house: House, *raws: dict[str, Any]) -> None:
    for raw in raws:
        await house.hear(raw)
        await house.work_off(
            Dispatch(house.db, house.queue, house.classifier, [], ME.user_id).run_message, "message"
        )


async def again(house: House, rules: Rulebook = NO_RULES, **options: Any) -> Report:
    return await Reclassify(house.db, BuiltIn(rules), **options).run()


def bot_said(ts: str, text: str, **more: Any) -> dict[str, Any]:
    raw = said(ts, text, **more) | {"bot_id": "B0HOUSE", "subtype": "bot_message", "username": "house"}
    del raw["user"]
    return raw


def life() -> list[dict[str, Any]]:
    fired = alert_said(at(10), "DiskFull")
    return [
        alert_said(at(0)),
        alert_said(at(60), firing=False),
        fired,
        edited(fired, at(200), attachments=alert_said(at(10), "DiskFull", firing=False)["attachments"]),
        said(at(30), "[FIRING:1] NotAnAlert checkout (critical)"),
        bot_said(at(40), "DOWN checkout"),
        bot_said(at(50), "UP checkout"),
    ]


async def test_the_same_rules_change_nothing(house: House) -> None:
    await recorded(house, *life())
    before = await house.rows(EVENTS)
    report = await again(house)
    assert (report.read, report.judged, report.changed) == (6, 5, 0)
    assert await house.rows(EVENTS) == before
    assert report.before == report.after


async def test_new_rules_open_close_and_put_priorities_right_and_a_second_run_changes_nothing(
    house: House,
) -> None:
    await recorded(house, *life())
    jobs = await house.rows(JOBS)
    report = await again(house, HOUSE)
    assert report.after["rules", "open_incident"] == report.after["rules", "close_incident"] == 1
    assert (None, "checkout", "LOW", "rules", at(40), at(50), 1) in await house.rows(INCIDENTS)
    first = await house.rows(EVENTS)
    assert (await again(house, HOUSE)).changed == 0
    assert await house.rows(EVENTS) == first
    assert await house.rows(JOBS) == jobs


async def test_back_to_the_old_rules_the_record_is_as_before(house: House) -> None:
    await recorded(house, *life())
    before = await house.rows(EVENTS)
    await again(house, HOUSE)
    assert await house.rows(EVENTS) != before
    await again(house)
    assert await house.rows(EVENTS) == before


async def test_a_dry_run_says_the_same_and_changes_nothing(house: House) -> None:
    await recorded(house, *life())
    before = await house.rows(EVENTS)
    dry = await again(house, HOUSE, dry_run=True)
    assert await house.rows(EVENTS) == before
    wet = await again(house, HOUSE)
    assert (dry.changed, dry.first, dry.after) == (wet.changed, wet.first, wet.after)
    assert dry.changed > 0


async def test_what_older_versions_said_stays_under_the_name_of_the_present_one(house: House) -> None:
    fired = alert_said(at(10))
    await recorded(
        house, fired, edited(fired, at(200), attachments=alert_said(at(10), firing=False)["attachments"])
    )
    await again(house, RENAMED)
    assert [row[:5] for row in await house.rows(EVENTS)] == [
        (at(10), at(10), "open_incident", "shop", "Mine"),
        (at(10), at(200), "close_incident", "shop", "Mine"),
    ]
    assert [row[4:] for row in await house.rows(INCIDENTS)] == [(at(10), at(10), 1)]
    assert (await again(house, RENAMED)).changed == 0


async def test_an_ignored_message_is_no_incident_in_any_version(house: House) -> None:
    fired = alert_said(at(10))
    close = alert_said(at(10), firing=False)["attachments"]
    await recorded(
        house,
        fired,
        edited(fired, at(200), attachments=close),
        bot_said(at(40), "[FIRING:1] Other (a critical)"),
    )
    report = await again(house, read_rules("ignore: [{sender: alertmanager}]"))
    assert [row[0] for row in await house.rows(EVENTS)] == [at(40)]
    assert report.changed == 1
    assert report.first[0].before is not None
    assert report.first[0].before.action == Action.CLOSE
    assert report.first[0].after is None


async def test_an_edited_close_from_history_goes_with_the_open_it_implied(house: House) -> None:
    close = alert_said(at(10), firing=False) | {"edited": {"user": "U1", "ts": at(200)}}
    await house.recall(close)
    assert [row[2] for row in await house.rows(EVENTS)] != []
    none = read_rules("rules: [{name: none, when: {title: RESOLVED}, action: none}]")
    await again(house, none)
    assert await house.rows(EVENTS) == []
    await again(house)
    assert await house.rows(INCIDENTS) != []


async def test_a_person_a_reply_and_a_deleted_message_are_as_they_were(house: House) -> None:
    await recorded(
        house,
        said(at(5), "DOWN checkout"),
        bot_said(at(40), "DOWN checkout"),
        bot_said(at(45), "UP other", thread_ts=at(40)),
        bot_said(at(50), "DOWN gone"),
        deleted(at(50), at(51)),
    )
    await again(house, HOUSE)
    assert [(row[0], row[2], row[10]) for row in await house.rows(EVENTS)] == [
        (at(40), "open_incident", None),
        (at(45), "close_incident", at(40)),
    ]
    assert [row[4:] for row in await house.rows(INCIDENTS)] == [(at(40), at(45), 1)]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 500])
async def test_pages_of_any_size_miss_nothing(batch: int, house: House) -> None:
    for channel in ("C1", "C2"):
        await recorded(house, *[bot_said(at(n), "DOWN checkout", channel=channel) for n in range(6)])
    told: list[tuple[int, int]] = []
    report = await Reclassify(house.db, BuiltIn(HOUSE), batch=batch).run(told=lambda *at: told.append(at))
    assert (report.read, report.judged, report.changed) == (12, 12, 12)
    assert told[-1] == (12, 12)
    assert len(await house.rows(EVENTS)) == 12


async def test_only_the_channel_and_the_time_that_were_asked_for(house: House) -> None:
    for channel in ("C1", "C2"):
        await recorded(house, *[bot_said(at(n), "DOWN checkout", channel=channel) for n in range(4)])
    report = await Reclassify(house.db, BuiltIn(HOUSE)).run("C2", f"{START + 2:.6f}")
    assert (report.read, report.changed) == (2, 2)
    assert [row[0] for row in await house.rows(EVENTS)] == [at(2), at(3)]


async def test_only_the_first_differences_are_kept(house: House) -> None:
    await recorded(house, *[bot_said(at(n), "DOWN checkout") for n in range(30)])
    report = await again(house, HOUSE)
    assert (report.changed, len(report.first)) == (30, 20)

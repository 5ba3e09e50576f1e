"""A report over 1,180 real alert notifications, against figures worked out in another way."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest

from ratchet.domain.messages import posted_at
from ratchet.pipeline.dispatch import Dispatch
from ratchet.reports.channel import ChannelReport, channel_report
from ratchet.reports.channel_alerts import template
from ratchet.reports.channel_text import markdown
from ratchet.store.channel_report import ChannelReports
from ratchet.store.pool import Database
from tests.integration.pipeline.house import ME, House, Raw, at, reacted, said

ALERTS = (
    Path(__file__).resolve().parents[2].parent
    / "shared"
    / "data"
    / "alerts"
    / "alertmanager_slack_messages.jsonl"
)
STEP = 1_200.0
FIX = "restarted with `systemctl restart gerrit`, merged https://git.example.com/r/commit/1"
VIEW = """
select i.alert, i.service, i.opened_at, i.closed_at, i.firings, i.state, i.open_ts,
       (select count(*) from messages m where m.channel_id = i.channel_id and m.parent_ts = any(t.threads)
          and m.attrs->'sender'->>'kind' = 'person')
       + (select count(*) from reactions r where r.channel_id = i.channel_id and r.ts = any(t.threads)) as touches
from incidents i cross join lateral (
    select array_agg(ts) as threads from incident_steps s
    where s.channel_id = i.channel_id and s.pair_key = i.pair_key and s.action = 'open_incident'
      and s.happened_at >= i.opened_at and s.happened_at <= i.last_at) t
where i.channel_id = 'C1' order by i.opened_at
"""

pytestmark = pytest.mark.skipif(not ALERTS.is_file(), reason=f"{ALERTS.name} is not there")


def posted() -> list[Raw]:
    """One notification every twenty minutes; under every third a person writes, every fifth gets a reaction."""
    raws: list[Raw] = []
    for number, line in enumerate(ALERTS.read_text("utf-8").splitlines()):
        found: dict[str, Any] = json.loads(line)
        found.pop("gold")
        ts = at(number * STEP)
        base = {"type": "message", "channel": "C1", "ts": ts, "event_ts": ts, "bot_id": "B0AM"}
        raws.append(base | {"username": found.pop("bot_name")} | found)
        if number % 3 == 0:
            raws.append(said(at(number * STEP + 300), FIX, thread_ts=ts))
        if number % 5 == 0:
            raws.append(reacted(ts, "eyes", at(number * STEP + 60)))
    return raws


async def the_report(house: House, days: int) -> tuple[ChannelReport, list[Any]]:
    raws = posted()
    for start in range(0, len(raws), 200):
        await house.hear(*raws[start : start + 200])
    dispatch = Dispatch(house.db, house.queue, house.classifier, [], ME.user_id)
    await house.work_off(dispatch.run_message, "message")
    until = posted_at(at(1_180 * STEP))
    rows = await ChannelReports(house.db).channel_rows(
        "C1", visible_from="C1", since=until - timedelta(days=days), until=until
    )
    return channel_report(rows), await house.rows(VIEW)


async def test_the_figures_are_those_of_another_computation(database: Database) -> None:
    report, viewed = await the_report(House(database), 7)
    opened = [row for row in viewed if report.since <= row[2] < report.until]
    before = [row for row in viewed if report.since - timedelta(days=7) <= row[2] < report.since]
    total = report.total
    assert len(opened) > 200
    assert (total.opens, total.renotifications) == (len(opened), sum(row[4] - 1 for row in opened))
    lasted = [(row[3] - row[2]).total_seconds() for row in opened if row[3]]
    assert total.ttr_p50_s == pytest.approx(median(lasted))
    assert total.ttr_p95_s == pytest.approx(quantiles(lasted, n=20, method="inclusive")[-1])
    assert total.untouched == sum(row[7] == 0 for row in opened)
    assert report.before is not None
    assert (report.before.opens, report.before.untouched) == (len(before), sum(row[7] == 0 for row in before))
    names = Counter((row[1], template(row[0])) for row in opened)
    assert {(line.service, template(line.alert)): line.opens for line in report.alerts} == names
    assert report.top5_share == pytest.approx(sum(count for _, count in names.most_common(5)) / len(opened))
    earlier = {(row[1], template(row[0])) for row in before}
    assert {(one.service, template(one.alert)) for one in report.new} == set(names) - earlier
    assert {(one.service, template(one.alert)) for one in report.gone} == earlier - set(names)
    local = [row[2].astimezone(UTC) for row in opened]
    off = sum(moment.weekday() > 4 or not 9 <= moment.hour < 18 for moment in local)
    assert report.hours.off_hours_share == pytest.approx(off / len(opened))
    assert report.learned


async def test_the_report_of_all_of_it_fits_into_one_message(database: Database) -> None:
    report, viewed = await the_report(House(database), 90)
    assert report.total.opens == len(viewed)
    assert report.before is None
    assert len(markdown(report, lambda ts, root: f"https://example.slack.com/archives/C1/p{ts}")) < 8_000

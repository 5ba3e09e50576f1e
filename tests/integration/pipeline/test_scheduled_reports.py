"""Reports by the clock, in a Slack on localhost: once, with the chart in the thread, also after a downtime."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localslack import LocalSlack
from ratchet.domain.messages import Channel
from ratchet.domain.schedules import CHANNEL_REPORT, USAGE_REPORT
from ratchet.pipeline.commit import Commit
from ratchet.pipeline.deliver import Deliver
from ratchet.pipeline.scheduled_reports import ScheduledReports
from ratchet.pipeline.schedules import Schedules as Clock
from ratchet.reports.channel import ChannelReport
from ratchet.reports.channel_text import Links
from ratchet.slack.web import SlackWeb
from ratchet.store.channels import Channels
from ratchet.store.outbox import Outbox
from ratchet.store.schedules import Schedules
from ratchet.tools.base import WorkspaceLinks
from tests.integration.pipeline.house import START, House, alert_said, at

NOW = datetime.fromtimestamp(START, UTC)
LINKS = WorkspaceLinks("https://team.slack.com/")


class Said:
    """An adviser with one sentence."""

    async def advise(self, report: ChannelReport, links: Links) -> str:
        return f"**What the threads suggest**\n- Delete it ({report.total.opens} opens)."


class Desk:
    """The clock, the reports and the deliverer of one process; `moment` is what it takes for now."""

    def __init__(self, house: House, web: SlackWeb) -> None:
        self.house, self.web, self.moment = house, web, NOW
        reports = ScheduledReports(Commit(house.db, house.queue), LINKS, Said())
        kinds: dict[str, Callable[[str, datetime], Awaitable[None]]] = {
            CHANNEL_REPORT: reports.run_channel, USAGE_REPORT: reports.run_usage,
        }  # fmt: skip
        self.clock = Clock(house.db, house.queue, kinds, lambda: self.moment)

    async def tick(self, later: timedelta) -> None:
        self.moment += later
        await self.clock.tick()
        await self.house.work_off(self.clock.run, "scheduled")
        for _ in range(3):  # the file is put off until its message is there
            await self.house.work_off(Deliver(Outbox(self.house.db), self.web).run, "deliver")


@pytest.fixture
async def desk(house: House, slack: LocalSlack, web: SlackWeb) -> Desk:
    channel = await slack.control.add_channel("ops")
    await Channels(house.db).upsert(Channel(channel, "ops", member=True))
    for hours in (1, 2, 3):
        await house.recall(
            *(
                alert_said(at(3600 * hours + n), firing=f) | {"channel": channel}
                for n, f in ((0, True), (60, False))
            )
        )
    return Desk(house, web)


def posts(slack: LocalSlack) -> list[dict[str, Any]]:
    channel = next(c for c in slack.workspace.channels.values() if c.name == "ops")
    return [m for m in channel.messages.values() if m.get("user") == slack.workspace.bot.id]


def channel_of(slack: LocalSlack) -> str:
    return next(c.id for c in slack.workspace.channels.values() if c.name == "ops")


async def test_a_weekly_report_comes_once_with_its_chart_in_the_thread(desk: Desk, slack: LocalSlack) -> None:
    await Schedules(desk.house.db).set(channel_of(slack), CHANNEL_REPORT, ("0 9 * * 1", "UTC"), NOW)
    await desk.tick(timedelta(minutes=1))
    assert posts(slack) == []
    await desk.tick(timedelta(days=7))
    await desk.tick(timedelta(minutes=1))
    report, picture = sorted(posts(slack), key=lambda m: str(m["ts"]))
    text = str(report["blocks"][0]["text"])
    assert "Delete it (3 opens)" in text
    assert "3 incidents" in text
    assert picture["thread_ts"] == report["ts"]
    assert picture["files"][0]["name"].endswith(".png")


async def test_after_a_downtime_of_weeks_there_is_one_report(desk: Desk, slack: LocalSlack) -> None:
    await Schedules(desk.house.db).set(channel_of(slack), CHANNEL_REPORT, ("0 9 * * *", "UTC"), NOW)
    await desk.tick(timedelta(days=30))
    await desk.tick(timedelta(seconds=30))
    assert len([m for m in posts(slack) if not m.get("thread_ts") or m["thread_ts"] == m["ts"]]) == 1


async def test_two_processes_post_one(desk: Desk, slack: LocalSlack) -> None:
    await Schedules(desk.house.db).set(channel_of(slack), USAGE_REPORT, ("0 9 * * 1", "UTC"), NOW)
    twin = Desk(desk.house, desk.web)
    await desk.tick(timedelta(days=8))
    await twin.tick(timedelta(days=8))
    assert len(posts(slack)) == 1


async def test_a_channel_where_nothing_may_be_said_gets_none(desk: Desk, slack: LocalSlack) -> None:
    channel = channel_of(slack)
    await Channels(desk.house.db).configure(channel, "off", {})
    await Schedules(desk.house.db).set(channel, CHANNEL_REPORT, ("0 9 * * 1", "UTC"), NOW)
    await desk.tick(timedelta(days=8))
    assert posts(slack) == []

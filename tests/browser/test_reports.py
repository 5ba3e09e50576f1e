"""The weekly report of the example workspace as it is posted by the clock, with its chart in the thread."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from playwright.async_api import Page, expect

from localslack import LocalSlack, example_path
from localslack.export import load
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running
from tests.browser.browsing import CHROMIUM, PICTURES, browsing, open_channel, picture

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

CHANNEL = "ops-alerts"
WEEKLY = {"cron": "0 9 * * 1", "time_zone": "UTC"}
DUE = "update schedules set due_at = %s where kind = 'channel_report' returning channel_id"


@dataclass
class Office:
    """Ratchet in the example workspace, whose history it has read; and a browser on that."""

    page: Page
    ratchet: RatchetProcess
    conninfo: str


@pytest.fixture
async def office(conninfo: str, tmp_path: Path) -> AsyncIterator[Office]:
    workspace = load(example_path(), newest_minutes_ago=30, whole_days=True)
    async with LocalSlack.serve(workspace) as slack:
        settings = environment(slack, DATABASE_URL=conninfo, ONBOARD_MESSAGES="5000", EMBEDDINGS="false")

        async def read() -> bool:
            waiting = await rows(conninfo, "select count(*) from jobs where status <> 'failed'")
            known = await rows(conninfo, "select count(*) from messages")
            return bool(known[0][0]) and waiting[0][0] == 0

        ratchet = RatchetProcess(settings, tmp_path / "log")
        async with running(ratchet), browsing(slack.url) as page:
            await eventually(read, within=300, what="the history is read")
            yield Office(page, ratchet, conninfo)
    assert "Traceback" not in ratchet.text()


def last_monday() -> datetime:
    """The last time at which a weekly report was due."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    return monday if monday < datetime.now(UTC) else monday - timedelta(days=7)


async def test_the_weekly_report_that_was_due_while_ratchet_was_away_comes_with_its_chart(
    office: Office,
) -> None:
    ratchet, page = office.ratchet, office.page
    address = f"http://127.0.0.1:{ratchet.http_port}/api/channels/{CHANNEL}/schedules/channel_report"
    async with httpx.AsyncClient(trust_env=False, headers={"X-Ratchet-Request": "1"}) as http:
        assert (await http.put(address, json=WEEKLY)).status_code == 200
    await ratchet.kill(signal.SIGTERM)
    assert await rows(office.conninfo, DUE, last_monday())
    await ratchet.start()
    await ratchet.ready()

    await open_channel(page, CHANNEL)
    report = page.locator("#messages .msg").filter(has_text="[module:report]").last
    await expect(report).to_be_visible(timeout=150_000)
    await expect(report).to_contain_text("Delete or fix first")
    await report.get_by_role("button", name="1 reply").click()
    replies = page.locator("#replies")
    chart = replies.locator("img[src*='report-']").or_(replies.locator("a img, .file img")).last
    await expect(chart).to_be_visible()
    assert await chart.evaluate("one => one.complete && one.naturalWidth") > 1_000
    await page.set_viewport_size({"width": 1600, "height": 1000})
    await replies.evaluate("box => { box.scrollTop = box.scrollHeight }")
    await report.evaluate("one => one.scrollIntoView({block: 'start'})")
    await page.mouse.move(0, 0)
    await picture(page, "report-weekly")
    if PICTURES:
        found = await page.request.get(urljoin(page.url, await chart.get_attribute("src") or ""))
        (Path(PICTURES) / "report-chart.png").write_bytes(await found.body())
    again = await rows(office.conninfo, "select count(*) from outbox where handler = 'report'")
    assert again[0][0] == 2  # the text and its chart, once

"""The page of jobs as its operator uses it: what failed, why, and doing something about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Dialog, Page, expect
from psycopg.types.json import Jsonb

from ratchet.jobs.base import Job, NewJob
from ratchet.jobs.schema import install
from ratchet.pipeline.work import HandlerJob, OnboardJob
from ratchet.store.pool import Database
from ratchet.web.app import create_app
from ratchet.web.server import serve
from tests.browser.browsing import CHROMIUM, browsing, picture
from tests.integration.web.support import OPS, House, fill, queue_of, services, stamp

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

TRACEBACK = f"""Traceback (most recent call last):
  File "{Path("ratchet/pipeline/deliver.py")}", line 88, in run
    sent = await self.web.post(effect)
ratchet.domain.errors.Transient: Slack answered ratelimited; again in 30 s
"""
FAIL = "update jobs set status = 'failed', headers = %s where status = 'queued'"
PICK = "update jobs set status = 'picked', updated = now() - interval '4 seconds' where status = 'queued'"


async def fail(database: Database, job: Job, kind: str, words: str, traceback: str = "") -> None:
    error = {"type": kind, "message": words, "traceback": traceback}
    async with database.transaction() as conn:
        await queue_of(database).put(conn, [NewJob(job)])
        await conn.execute(FAIL, (Jsonb({"failures": 5 if traceback else 1, "error": error}),))


def handler(name: str, second: int) -> HandlerJob:
    return HandlerJob(
        handler=name, channel_id=OPS, ts=stamp(second), version=stamp(second), thread_ts=stamp(second)
    )


@pytest.fixture
async def page(database: Database) -> AsyncIterator[Page]:
    await install(database.conninfo)
    await fill(database)
    queue = queue_of(database)
    await fail(database, handler("assistant", 10), "Transient", "Slack answered ratelimited", TRACEBACK)
    await fail(
        database, handler("channel_monitor/label-tickets", 60), "Refused",
        "Channel monitor label-tickets: result_schema: 'severity' is a required property in the model's answer",
    )  # fmt: skip
    async with database.transaction() as conn:
        await queue.put(conn, [NewJob(OnboardJob(channel_id=OPS, limit=5_000))])
        await conn.execute(PICK)
        waiting = [handler(name, 60) for name in ("runbook", "assistant")]
        await queue.put(conn, [NewJob(job, delay_s=600) for job in waiting])
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        app = create_app(services(database, House()))
        serving = group.create_task(serve(app, ("127.0.0.1", 0), listening.set_result))
        async with browsing(f"http://127.0.0.1:{await listening}/") as page:
            yield page
        serving.cancel()


async def test_what_failed_is_read_run_again_or_deleted_and_what_waits_is_cancelled(page: Page) -> None:
    failures = page.get_by_role("region", name="Channel monitors that failed")
    await expect(failures).to_contain_text("'severity' is a required property")
    await page.keyboard.press("g")
    await page.keyboard.press("j")
    failed = page.get_by_role("region", name="Failed")
    await expect(failed.locator("article")).to_have_count(2)
    await expect(page.get_by_role("region", name="Running")).to_contain_text("onboard")
    await failed.locator("summary").last.press("Enter")
    await expect(failed.locator("pre").last).to_contain_text("Slack answered ratelimited; again in 30 s")
    await picture(page, "pages-jobs")

    await failed.get_by_role("button", name="Retry", exact=True).last.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("1 job put back to run again.")
    await expect(failed.locator("article")).to_have_count(1)
    waiting = page.get_by_role("region", name="Waiting").locator("tbody tr")
    await expect(waiting).to_have_count(3)

    asked = answering(page, accept=False)
    await failed.get_by_role("button", name="Delete").click()
    assert asked == ["Delete this job? What it was to do is not done."]
    await expect(failed.locator("article")).to_have_count(1)
    answering(page, accept=True)
    await failed.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_have_text("1 job deleted.")
    await expect(page.get_by_text("No job has failed for good.")).to_be_visible()

    answering(page, accept=True)
    await waiting.get_by_role("button", name="Cancel").first.click()
    await expect(page.get_by_role("status")).to_have_text("1 job cancelled.")
    await expect(waiting).to_have_count(2)


async def test_the_page_of_jobs_fits_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/jobs", "/"):
        await page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path


def answering(page: Page, *, accept: bool) -> list[str]:
    """What the next question says; it is answered so."""
    asked: list[str] = []

    async def answer(dialog: Dialog) -> Any:
        asked.append(dialog.message)
        await (dialog.accept() if accept else dialog.dismiss())

    page.once("dialog", answer)
    return asked

"""The demo's documents: an answer with links, and a change that is a pull request after a click."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.demo import Demo, started
from tests.browser.browsing import CHROMIUM, browsing, open_channel, picture

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
SLOW_MS = 60_000.0


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[Demo]:
    async with started(tmp_path, "--scripted-model") as demo:
        yield demo


@pytest.fixture
async def help_channel(scripted: Demo) -> AsyncIterator[Page]:
    async with browsing(scripted.slack) as page:
        await open_channel(page, "help-platform")
        yield page


async def test_a_question_is_answered_from_a_page_and_a_thread_becomes_a_pull_request(
    help_channel: Page,
) -> None:
    page, replies = help_channel, help_channel.locator("#replies")
    await page.get_by_label("Message #help-platform").fill(
        "@ratchet how do I connect to the staging database from DataGrip?"
    )
    await page.keyboard.press("Enter")
    question = page.locator("#messages .msg").filter(has_text="from DataGrip?").last
    await question.get_by_role("button", name="1 reply").click(timeout=SLOW_MS)
    await expect(replies).to_contain_text("Here is what I found", timeout=SLOW_MS)
    link = replies.locator("a[href*='/harbor/docs/blob/']").first
    await expect(link).to_be_visible()
    await replies.evaluate("box => { box.scrollTop = 0 }")
    await picture(page, "documents-answer")

    asked = page.locator("#messages .msg").filter(has_text="quota for outgoing mail in staging").last
    await asked.scroll_into_view_if_needed()
    await asked.hover()
    await asked.get_by_role("button", name="Update docs").click()
    await asked.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    await expect(replies).to_contain_text("Shall I open a draft pull request", timeout=SLOW_MS)
    await expect(replies).to_contain_text("harborctl quota raise staging-mail")
    await replies.evaluate("box => { box.scrollTop = box.scrollHeight }")
    await picture(page, "documents-proposal")
    await replies.get_by_role("button", name="Approve").click()
    await expect(replies).to_contain_text("Opened the draft pull request", timeout=SLOW_MS)
    await replies.evaluate("box => { box.scrollTop = box.scrollHeight }")
    await picture(page, "documents-opened")
    pull = await replies.locator("a[href*='/harbor/docs/pull/1']").first.get_attribute("href")
    assert pull is not None
    await page.goto(pull)
    await expect(page.locator("body")).to_contain_text("harborctl quota raise staging-mail")
    await expect(page.locator("body")).to_contain_text("Draft")
    await picture(page, "documents-pull-request")

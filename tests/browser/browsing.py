"""A browser on the local Slack's page, and the pictures of the documentation."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page, async_playwright, expect

CHROMIUM: Final = Path("/usr/bin/chromium")
ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Set to a folder, the pictures of the documentation are taken anew.
PICTURES: Final = os.environ.get("RATCHET_TEST_PICTURES")


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        page = await browser.new_page(viewport={"width": 1360, "height": 860})
        await page.goto(address)
        yield page
        await browser.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def open_channel(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).click()


async def fire(page: Page, scenario: str, step: str) -> None:
    await page.get_by_role("button", name="Fire an alert").click()
    entry = page.locator("#scenarios li, #scenarios .scenario").filter(has_text=scenario).first
    await entry.get_by_role("button", name=step).first.click()
    if await page.locator("#scenarios[open]").count():
        await page.keyboard.press("Escape")


async def thread_of(page: Page, text: str, *, nth: int = -1) -> Locator:
    """The thread pane of the nth shown message with this text (the newest), once it has a reply."""
    alert = page.locator("#messages .msg").filter(has_text=text).nth(nth)
    await alert.get_by_role("button", name="1 reply").click()
    replies = page.locator("#replies")
    await expect(replies).to_contain_text(text)
    return replies

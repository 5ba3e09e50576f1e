"""Every page as a person uses it: by mouse and by keyboard, on a desk and on a phone, by day and by night."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Response, async_playwright, expect

from tests.acceptance.demo import Demo, started
from tests.browser.browsing import ARGS, CHROMIUM, open_channel, picture

PAGES = [
    "/",
    "/alerts",
    "/channels",
    "/channels/ops-alerts",
    "/documents",
    "/jobs",
    "/ask",
    "/channelmonitor/test",
]
MOST_BYTES = 100_000
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


async def opened(browser: Browser, *, phone: bool = False, dark: bool = False) -> tuple[Page, list[str]]:
    """A page, and what went wrong in it: errors of scripts, and what the page's policy forbade."""
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    page = await browser.new_page(
        viewport=size,  # type: ignore[arg-type]  # playwright's own TypedDict
        color_scheme="dark" if dark else "light",
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    )
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    return page, wrong


async def weight(page: Page, address: str) -> int:
    """Bytes of the page and all it loads, for who comes for the first time."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  playwright marks its handlers
    await page.goto(address, wait_until="networkidle")
    return sum([len(await answer.body()) for answer in answers])


async def test_the_pages_at_a_desk(browser: Browser, tmp_path: Path) -> None:
    async with started(tmp_path) as demo:
        page, wrong = await opened(browser)
        await fire_an_alert(page, demo)
        for path in PAGES:
            fresh, _ = await opened(browser)
            assert await weight(fresh, demo.api + path) < MOST_BYTES, path
            assert await fresh.evaluate(SHIFT) < 0.01, path
            await fresh.close()
        await overview(page, demo)
        await alerts_by_keyboard(page)
        await channel(page)
        await channels_by_keyboard(page)
        await documents_and_jobs(page)
        await asking(page)
        assert wrong == []
        await at_night(browser, demo)
        await on_a_phone(browser, demo)


async def fire_an_alert(page: Page, demo: Demo) -> None:
    await page.goto(demo.slack)
    await open_channel(page, "ops-alerts")
    await page.get_by_role("button", name="Fire an alert").click()
    entry = page.locator("#scenarios li, #scenarios .scenario").filter(has_text="checkout").first
    await entry.get_by_role("button", name="Fire").first.click()
    alert = page.locator("#messages .msg").filter(has_text="[FIRING:1] HighErrorRate checkout").last
    await expect(alert.get_by_role("button", name="1 reply")).to_be_visible(timeout=60_000)


async def overview(page: Page, demo: Demo) -> None:
    await page.goto(demo.api)
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await expect(page.get_by_role("img", name="Bar chart")).to_be_visible()
    open_now = page.get_by_role("region", name="Open incidents")
    await expect(open_now.get_by_role("link", name="HighErrorRate")).to_be_visible()
    await expect(page.get_by_text("harbor-docs")).to_be_visible()
    await picture(page, "pages-overview")


async def alerts_by_keyboard(page: Page) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("a")
    await expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("higherror")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/alerts?q=higherror")
    await page.get_by_role("link", name="HighErrorRate").first.click()
    await expect(page.get_by_role("heading", name="HighErrorRate", exact=True)).to_be_visible()
    runbook = page.get_by_role("region", name="Runbook")
    await expect(runbook).to_contain_text("harborctl flags set checkout.recycle_payments_pool=on")
    assert await runbook.locator("a[href*='/archives/']").count() > 0
    await expect(page.get_by_role("region", name="Incidents").locator("tbody tr").first).to_contain_text(
        "open"
    )
    await picture(page, "pages-alert")


async def channel(page: Page) -> None:
    await page.get_by_role("region", name="Incidents").get_by_role("link", name="#ops-alerts").first.click()
    await expect(page.get_by_role("heading", name="#ops-alerts")).to_be_visible()
    await expect(page.get_by_role("region", name="Messages")).to_contain_text("[FIRING:1] HighErrorRate")
    await picture(page, "pages-channel")
    await page.get_by_label("off says nothing").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_label("off says nothing")).to_be_checked()
    await page.get_by_label("mention answers").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".lead strong")).to_have_text("mention")


async def channels_by_keyboard(page: Page) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await page.wait_for_url("**/channels", wait_until="load")
    await page.keyboard.press("/")
    await page.keyboard.type("help")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/channels?q=help")
    shown = page.locator("tbody tr")
    await expect(shown).to_have_count(1)
    await shown.get_by_role("link", name="#help-platform").press("Enter")
    await expect(page.get_by_role("heading", name="#help-platform")).to_be_visible()


async def documents_and_jobs(page: Page) -> None:
    await page.get_by_role("link", name="Documents", exact=True).first.click()
    await page.get_by_role("button", name="Refresh", exact=True).first.click()
    await expect(page.get_by_role("status")).to_contain_text("refresh")
    await picture(page, "pages-documents")
    await page.get_by_role("link", name="Jobs", exact=True).first.click()
    await expect(page.get_by_text("No job has failed for good.")).to_be_visible()


async def asking(page: Page) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("q")
    await page.wait_for_url("**/ask", wait_until="load")  # its script has run by then
    await page.get_by_label("Question").fill("how do I connect to the staging database from DataGrip?")
    await page.keyboard.press("Control+Enter")
    answer = page.locator("#answer")
    await expect(answer).to_contain_text("6432", timeout=60_000)
    assert await answer.locator("a[href^='http']").count() > 0
    await picture(page, "pages-ask")


async def at_night(browser: Browser, demo: Demo) -> None:
    page, wrong = await opened(browser, dark=True)
    await page.goto(demo.api)
    await expect(page.get_by_role("img", name="Bar chart")).to_be_visible()
    await picture(page, "pages-dark")
    assert wrong == []


async def on_a_phone(browser: Browser, demo: Demo) -> None:
    page, wrong = await opened(browser, phone=True, dark=True)
    for path in [*PAGES, "/alerts/checkout/HighErrorRate"]:
        await page.goto(demo.api + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
        paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(19, 22, 25)", path
    await page.goto(demo.api)
    await picture(page, "pages-phone")
    await page.goto(demo.api + "/alerts/checkout/HighErrorRate")
    await picture(page, "pages-phone-alert")
    await page.get_by_role("link", name="Documents", exact=True).first.tap()
    await page.get_by_role("button", name="Refresh", exact=True).first.tap()
    await expect(page.get_by_role("status")).to_contain_text("refresh")
    assert wrong == []

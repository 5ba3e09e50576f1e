"""`ratchet dev` as a newcomer sees it: the page, an alert, its runbook, a question, a resolve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.demo import Demo, started
from tests.acceptance.harness import eventually
from tests.browser.browsing import CHROMIUM, browsing, fire, open_channel, picture, thread_of

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with started(tmp_path) as demo:
        yield demo


@pytest.fixture
async def page(demo: Demo) -> AsyncIterator[Page]:
    async with browsing(demo.slack) as page:
        yield page


async def test_an_alert_gets_a_runbook_a_question_an_answer_and_a_resolve_closes(
    demo: Demo, page: Page
) -> None:
    await (
        page.get_by_role("button", name="ops-alerts").or_(page.get_by_role("link", name="ops-alerts")).click()
    )
    before = len(await demo.incidents("HighErrorRate"))
    await fire(page, "checkout", "Fire")
    alert = page.locator("#messages .msg").filter(has_text="[FIRING:1] HighErrorRate checkout").last
    await alert.get_by_role("button", name="1 reply").click()
    replies = page.locator("#replies")
    await expect(replies).to_contain_text("What fixed it last time")
    await expect(replies).to_contain_text("harborctl flags set checkout.recycle_payments_pool=on")
    link = replies.locator("a[href*='/archives/']").first
    await replies.evaluate("box => { box.scrollTop = 0 }")
    await picture(page, "demo")

    async def opened() -> bool:
        found = await demo.incidents("HighErrorRate")
        return len(found) == before + 1 and found[0]["closed_at"] is None

    await eventually(opened, what="the incident is open")
    await fire(page, "checkout", "Resolve")

    async def closed() -> bool:
        return (await demo.incidents("HighErrorRate"))[0]["closed_at"] is not None

    await eventually(closed, what="the incident is closed")
    await link.click()
    await expect(page.locator(".msg.target")).to_contain_text("recycle_payments_pool")

    await (
        page.get_by_role("button", name="help-platform")
        .or_(page.get_by_role("link", name="help-platform"))
        .click()
    )
    await page.get_by_label("Message #help-platform").fill(
        "@ratchet how do I connect to the staging database from DataGrip?"
    )
    await page.keyboard.press("Enter")
    question = page.locator("#messages .msg").filter(has_text="from DataGrip?").last
    await question.get_by_role("button", name="1 reply").click()
    await expect(replies).to_contain_text("port 6432")
    await expect(replies).to_contain_text("No language model is configured")
    await replies.evaluate("box => { box.scrollTop = 0 }")
    await picture(page, "demo-question")
    await replies.get_by_role("button", name="Good answer").click()


async def test_alerts_fired_one_after_another_get_page_fix_line_and_storm_summary(
    demo: Demo, page: Page
) -> None:
    name, firing = "Never fired before", "[FIRING:1] PaymentWebhookBacklog payments"
    await open_channel(page, "ops-alerts")
    await fire(page, name, "Fire")
    replies = await thread_of(page, firing, nth=0)
    await expect(replies).to_contain_text("The written runbook")
    await expect(replies).to_contain_text("I have not seen it fire before")
    await replies.evaluate("box => { box.scrollTop = 0 }")
    await picture(page, "runbook-first-firing")

    await page.locator("#thread textarea").fill("`harborctl webhooks replay --since 1h` drained it, fixed")
    await page.keyboard.press("Enter")
    await expect(replies).to_contain_text("drained it, fixed")
    await fire(page, name, "Resolve")

    async def closed() -> bool:
        found = await demo.incidents("PaymentWebhookBacklog")
        return bool(found) and found[0]["closed_at"] is not None

    await eventually(closed, what="the incident is closed")
    await fire(page, name, "Fire")
    replies = await thread_of(page, firing, nth=1)
    await expect(replies).to_contain_text("What fixed it last time")
    await expect(replies).to_contain_text("harborctl webhooks replay --since 1h")
    await replies.evaluate("box => { box.scrollTop = 0 }")
    await picture(page, "runbook-second-firing")

    await fire(page, name, "Fire")
    replies = await thread_of(page, firing, nth=2)
    await expect(replies).to_contain_text("Still open")
    await picture(page, "runbook-repeat")

    await fire(page, "A storm", "Fire twelve alerts")
    storm = page.locator("#messages .msg").filter(has_text="this looks like one incident")
    await expect(storm).to_have_count(1)
    await page.locator("#messages").evaluate("box => { box.scrollTop = box.scrollHeight }")
    await picture(page, "runbook-storm")

"""The test of channel monitors in a browser: type, fetch, run, download, by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.async_api import Page, async_playwright, expect

from localslack import LocalSlack
from ratchet.llm.testing import Answer, ChatRequest, ModelServer, Say
from ratchet.web.monitor import EXAMPLE
from tests.acceptance.harness import RatchetProcess, environment, eventually, rows, running
from tests.browser.browsing import ARGS, CHROMIUM, PICTURES

TOKEN = "the-operators-token"
SAID = ("checkout v1.42 is deployed to production :rocket:", "Lunch at noon? <script>alert(1)</script>")

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
    pytest.mark.skipif(not Path("/usr/bin/jq").exists(), reason="no /usr/bin/jq"),
]


def reads(request: ChatRequest) -> Answer:
    asked = request.texts("user")[-1]
    if "did not fit" not in asked and "Lunch" in asked:
        return Say("No, this is about lunch.")
    deployed = "is deployed" in asked
    return Say({"deployment": deployed, "service": "checkout" if deployed else None})


@pytest.fixture
async def page(conninfo: str, tmp_path: Path) -> AsyncIterator[Page]:
    """Signed in, with a monitor typed and two messages in its channel."""
    async with LocalSlack.serve() as slack, ModelServer(reads).serve() as model:
        ana = await slack.control.add_user("ana", real_name="Ana")
        channel = await slack.control.add_channel("deploys", members=[ana])
        file = tmp_path / "monitors.yaml"
        file.write_text(EXAMPLE.replace("C0123ABCD", channel))
        settings = environment(
            slack, DATABASE_URL=conninfo, OPENAI_URL=model.url, OPENAI_MODEL="scripted", HTTP_TOKEN=TOKEN,
            CHANNEL_MONITOR_CONFIG_FILE=str(file),
        )  # fmt: skip

        async def recorded() -> bool:
            return await rows(conninfo, "select count(*) from messages") == [(len(SAID),)]

        async with (
            running(RatchetProcess(settings, tmp_path / "log")) as process,
            async_playwright() as playwright,
        ):
            file.write_text("{}")  # what follows is the page's doing alone
            for text in SAID:
                await slack.control.post(channel, ana, text)
            await eventually(recorded, what="the messages are recorded")
            file.write_text(EXAMPLE.replace("C0123ABCD", channel))
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
            opened = await browser.new_page(viewport={"width": 1360, "height": 900})
            errors: list[str] = []
            opened.on("pageerror", lambda error: errors.append(str(error)))
            opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
            await opened.goto(f"http://127.0.0.1:{process.http_port}/channelmonitor/test")
            await opened.get_by_label("Token").fill(TOKEN)
            await opened.keyboard.press("Enter")
            await opened.wait_for_url("**/channelmonitor/test")
            await opened.get_by_label("YAML").fill(EXAMPLE.replace("C0123ABCD", channel))
            yield opened
            await browser.close()
        assert errors == []


async def test_a_monitor_is_tried_and_the_report_downloaded(page: Page, tmp_path: Path) -> None:
    await expect(page.get_by_text("Understood: deployments in #deploys")).to_be_visible()
    await page.get_by_role("button", name="Fetch from the channel").click()
    await expect(page.locator("#fetched label")).to_have_count(2)
    await page.get_by_label("Or type some").fill("search v7 is deployed")
    await page.get_by_label("Run the executable too").check()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text("3 of 3 messages, done.")).to_be_visible(timeout=60_000)
    results = page.locator(".result")
    await expect(results.nth(0)).to_contain_text("Noted: checkout")
    await expect(results.nth(1)).to_contain_text("Answer 1 did not fit: it is not JSON")
    await expect(results.nth(1)).to_contain_text("nothing to send")
    await expect(results.nth(1)).to_contain_text("<script>alert(1)</script>")
    if PICTURES:
        await page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        await page.screenshot(path=Path(PICTURES) / "monitor-test.png", full_page=True)
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download the report").click()
    report = tmp_path / "report.html"
    await (await downloading.value).save_as(report)
    text = report.read_text("utf-8")
    assert "Noted: checkout" in text
    assert "<script" not in text
    assert " src=" not in text
    await page.goto(report.as_uri())
    await expect(page.locator("article")).to_have_count(3)
    await expect(page.get_by_text("Does this message announce a deployment?").first).to_be_visible()
    assert await page.locator("article").first.evaluate("one => getComputedStyle(one).borderRadius") == "12px"


async def test_what_is_wrong_is_said_while_it_is_typed(page: Page) -> None:
    await page.get_by_label("YAML").fill("m: {channel_id: '#ops'}")
    await expect(page.get_by_text("m: channel_id: #ops is no channel id")).to_be_visible()
    await expect(page.get_by_text("m: prompt: missing")).to_be_visible()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("First a monitor that is right")


async def test_all_can_be_done_by_keyboard_and_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(page.get_by_text("Understood: deployments")).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    await page.get_by_label("Or type some").focus()
    await page.keyboard.type("search v7 is deployed")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("1 of 1 messages, done.")).to_be_visible(timeout=60_000)
    await expect(page.locator(".result")).to_contain_text("The executable was not run.")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Download the report")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".result pre.output, .result details[open] pre").first).to_be_visible()
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / "monitor-test-phone.png")
    await page.keyboard.press("Escape")
    await page.locator("main").focus()
    await page.keyboard.press("g")
    await page.keyboard.press("m")
    await page.wait_for_url(urljoin(page.url, "/channelmonitor/test"))

"""The page in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.integration.localslack.conftest import Listen, Team

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "<javascript:window.hacked=1|click me>",
    '<https://example.com/"onmouseover="window.hacked=1|x>',
    "*_<b>`</b>`~",
    "<@U404|<svg/onload=window.hacked=1>>",
)

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


@pytest.fixture
async def page(team: Team) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        page = await browser.new_page(viewport={"width": 1200, "height": 800})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        yield page
        assert not problems
        await browser.close()


async def test_hostile_text_stays_text_everywhere(team: Team, page: Page) -> None:
    evil = "".join(HOSTILE)
    attachment = dict.fromkeys(("title", "text", "footer", "pretext", "fallback", "author_name"), evil)
    attachment |= {"title_link": "javascript:hacked=1", "color": "red;background:url(x)"}
    hostile = [{**attachment, "fields": [{"title": evil, "value": evil, "short": True}]}]
    await team.server.control.add_channel(evil, members=["ana"])
    await team.server.control.add_user("mallory", real_name=evil)
    for text in HOSTILE:
        await team.server.control.post(team.ops, "mallory", text)
    await team.server.control.post(team.ops, "ana", evil, attachments=hostile, files=[evil])
    blocks: list[dict[str, Any]] = [
        {"type": "markdown", "text": "[x](javascript:window.hacked=1) " + evil},
        {"type": "section", "text": {"type": "mrkdwn", "text": evil}},
        {"type": "header", "text": {"type": "plain_text", "text": evil[:150]}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": evil}]},
    ]
    ts = (await team.client.chat_postMessage(channel=team.ops, text=evil, blocks=blocks))["ts"]
    await team.server.control.post(team.ops, "mallory", evil, thread_ts=ts)
    await page.goto(f"{team.server.url}/archives/{team.ops}/p{ts.replace('.', '')}?thread_ts={ts}")
    await expect(page.locator("#replies .msg")).to_have_count(2)
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("#app img, #app svg, #app script, #app b b").count() == 0
    for link in await page.locator("#app a").all():
        assert (await link.get_attribute("href") or "").startswith(("http", "mailto:"))
    assert "<img src=x onerror=window.hacked=1>" in await page.locator("#messages").inner_text()


async def test_a_person_writes_replies_reacts_and_clicks(team: Team, page: Page, listen: Listen) -> None:
    listener = await listen()
    await page.goto(team.server.url)
    await page.get_by_label("Message #ops").fill("hello <world> & all")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages .msg")).to_contain_text(["hello <world> & all"])
    assert (await listener.until(1))[0].payload["event"]["text"] == "hello &lt;world&gt; &amp; all"
    ts = listener.got[0].payload["event"]["ts"]
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Approve"}}
    blocks = [{"type": "actions", "elements": [button]}]
    await team.client.chat_postMessage(channel=team.ops, thread_ts=ts, text="ok?", blocks=blocks)
    await page.get_by_role("button", name="1 reply").click()
    await page.locator("#replies").get_by_role("button", name="Approve").click()
    await page.get_by_label("Reply in the thread").fill("thanks")
    await page.keyboard.press("Enter")
    await expect(page.locator("#replies .msg")).to_have_count(3)
    await page.locator("#messages .msg").hover()
    await page.locator("#messages .msg").get_by_label("React").click()
    await page.get_by_label("eyes").click()
    await expect(page.locator("#messages .reaction")).to_have_count(1)
    requests = await listener.until(5)
    assert requests[2].payload["actions"][0]["action_id"] == "go"
    assert requests[3].payload["event"]["thread_ts"] == ts
    assert requests[4].payload["event"]["reaction"] == "eyes"


async def test_a_permalink_opens_the_thread_with_the_message_marked(team: Team, page: Page) -> None:
    root = await team.server.control.post(team.ops, "ana", "root")
    reply = await team.server.control.post(team.ops, "ana", "look here", thread_ts=root)
    for number in range(120):
        await team.server.control.post(team.ops, "ana", f"later {number}")
    link = (await team.client.chat_getPermalink(channel=team.ops, message_ts=reply))["permalink"]
    await page.goto(link)
    await expect(page.locator("#replies .msg.target")).to_contain_text("look here")
    await expect(page.locator("#messages")).to_contain_text("root")


async def test_an_alert_is_fired_from_the_menu_and_other_channels_become_unread(
    team: Team, page: Page
) -> None:
    alert = {"username": "Alertmanager", "attachments": [{"title": "[FIRING:1] DiskFull", "color": "danger"}]}
    steps = [{"label": "Fire", "webhook": alert}]
    team.workspace.scenarios = [{"id": "disk", "label": "Disk full", "channel": "ops", "steps": steps}]
    team.workspace.add_channel("elsewhere", members=(team.workspace.bot.id,))
    await team.server.control.links([("Own page", "http://127.0.0.1:1/")])
    await page.goto(f"{team.server.url}/archives/{team.ops}")
    await expect(page.get_by_role("link", name="Own page")).to_be_visible()
    await page.get_by_role("button", name="Fire an alert").click()
    await page.get_by_role("button", name="Fire", exact=True).click()
    await expect(page.locator("#messages .att")).to_contain_text("[FIRING:1] DiskFull")
    await team.server.control.post("elsewhere", "ana", "psst")
    await expect(page.locator(".channel.unread")).to_contain_text("elsewhere")

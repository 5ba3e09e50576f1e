"""Talking to Ratchet with a model, as people see it: answers, a report, a correction, the model's server down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from localslack import LocalSlack, example_path
from localslack.export import load
from ratchet.llm.testing import ModelServer
from ratchet.llm.testing.demo import demo
from tests.acceptance.harness import RatchetProcess, environment, eventually, free_port, rows, running
from tests.browser.browsing import CHROMIUM, browsing, fire, open_channel, picture, thread_of

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

FIRING = "[FIRING:1] HighErrorRate checkout"
CORRECTION = (
    "@ratchet the runbook for checkout/HighErrorRate is wrong, use"
    " `harborctl flags set checkout.recycle_payments_pool=on --wait` instead"
)


@dataclass
class Team:
    """The example workspace in a browser, and Ratchet as a process that can be ended and started again."""

    page: Page
    ratchet: RatchetProcess
    slack: LocalSlack
    model_port: int

    @property
    def replies(self) -> Locator:
        return self.page.locator("#replies")

    async def ask(self, text: str) -> None:
        """In the thread that is open."""
        await self.page.locator("#thread textarea").fill(text)
        await self.page.keyboard.press("Enter")

    async def ask_channel(self, name: str, text: str) -> None:
        await self.page.get_by_label(f"Message #{name}").fill(text)
        await self.page.keyboard.press("Enter")

    async def show_last(self) -> None:
        """The thread's newest message from its beginning."""
        await self.replies.locator(".msg").last.evaluate("one => one.scrollIntoView({block: 'start'})")


@pytest.fixture
async def team(conninfo: str, tmp_path: Path) -> AsyncIterator[Team]:
    source = {
        "name": "harbor-docs",
        "type": "directory",
        "directory": {"path": str(example_path() / "documents")},
    }
    documents = tmp_path / "documentation.yaml"
    documents.write_text(json.dumps({"sources": [source]}), "utf-8")
    workspace = load(example_path(), newest_minutes_ago=30, whole_days=True)
    port = free_port()
    async with LocalSlack.serve(workspace) as slack:
        settings = environment(
            slack,
            DATABASE_URL=conninfo,
            DOCUMENTATION=str(documents),
            ONBOARD_MESSAGES="5000",
            OPENAI_URL=f"http://127.0.0.1:{port}/v1",
            OPENAI_MODEL="scripted",
        )

        async def read() -> bool:
            waiting = await rows(conninfo, "select count(*) from jobs where status <> 'failed'")
            known = await rows(conninfo, "select count(*) from messages")
            return bool(known[0][0]) and waiting[0][0] == 0

        async with (
            running(RatchetProcess(settings, tmp_path / "log")) as ratchet,
            browsing(slack.url) as page,
        ):
            await eventually(read, within=300, what="the history is read")
            yield Team(page, ratchet, slack, port)
    assert "Traceback" not in ratchet.text()


@pytest.fixture
async def model(team: Team) -> AsyncIterator[ModelServer]:
    async with ModelServer(demo).serve(team.model_port) as server:
        yield server


async def test_a_question_under_an_alert_is_answered_from_what_tools_found_with_links(
    team: Team, model: ModelServer
) -> None:
    page = team.page
    await open_channel(page, "ops-alerts")
    await fire(page, "checkout", "Fire")
    replies = await thread_of(page, FIRING)
    await expect(replies).to_contain_text("What fixed it last time")
    await team.ask("@ratchet did this happen before, and what helped?")
    answer = replies.locator(".msg").last
    await expect(answer).to_contain_text("[module:assistant] · scripted · 3 calls")
    await expect(answer).to_contain_text("harborctl flags set checkout.recycle_payments_pool=on")
    await expect(answer).to_contain_text("Checkout has a high error rate")
    await expect(answer.locator("a[href*='/archives/']").first).to_be_visible()
    await team.show_last()
    await picture(page, "assistant-answer")


async def test_a_report_is_posted_with_its_table(team: Team, model: ModelServer) -> None:
    page = team.page
    await open_channel(page, "ops-alerts")
    await team.ask_channel("ops-alerts", "@ratchet the report of this week, please")
    replies = await thread_of(page, "the report of this week")
    await expect(replies).to_contain_text("Delete or fix first")
    table = replies.locator("table")
    await expect(table).to_have_count(1)
    # It scrolls in its own box: no word is broken to make room.
    widths = "one => [one.scrollWidth - one.clientWidth, ...[...one.querySelectorAll('th')].map(th => th.clientHeight)]"
    beyond, *heights = await table.evaluate(widths)
    assert beyond > 0
    assert max(heights) < 60
    await expect(replies).to_contain_text("[module:assistant] · scripted")
    await team.show_last()
    await picture(page, "assistant-report")


async def test_a_correction_waits_for_a_click_also_over_a_restart(team: Team) -> None:
    page = team.page
    await open_channel(page, "ops-alerts")
    await team.ask_channel("ops-alerts", CORRECTION)
    replies = await thread_of(page, "is wrong, use")
    await expect(replies).to_contain_text("Shall the runbook for HighErrorRate on checkout say from now on")
    await picture(page, "assistant-approval")

    await team.ratchet.kill()
    await team.ratchet.start()
    await team.ratchet.ready()
    await replies.get_by_role("button", name="Approve").click()
    await expect(replies).to_contain_text("Approved by")
    await expect(replies.get_by_role("button", name="Approve")).to_have_count(0)
    await team.ask("@ratchet runbook for checkout/HighErrorRate")
    told = replies.locator(".msg").last
    await expect(told).to_contain_text("recycle_payments_pool=on --wait")
    await picture(page, "assistant-approved")


async def test_while_the_models_server_is_down_the_answer_is_quotes_and_says_so(team: Team) -> None:
    page, question = team.page, "@ratchet how do I connect to the staging database from DataGrip?"
    await open_channel(page, "help-platform")
    async with AsyncExitStack() as up:
        await up.enter_async_context(ModelServer(demo).serve(team.model_port))
        await team.ask_channel("help-platform", question)
        replies = await thread_of(page, "from DataGrip?")
        await expect(replies).to_contain_text("[module:assistant] · scripted")
    await team.ask(question)
    answer = replies.locator(".msg").last
    await expect(answer).to_contain_text("The language model did not answer, so these are quotes")
    await expect(answer).to_contain_text("port 6432")
    # Its end, which says why.
    await replies.evaluate("box => { box.scrollTop = box.scrollHeight }")
    await picture(page, "assistant-model-down")

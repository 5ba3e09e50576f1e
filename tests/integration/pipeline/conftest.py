"""A house on a database of the test's own, and a Slack beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from localslack import LocalSlack
from ratchet.slack.web import SlackConfig, SlackWeb, open_web
from ratchet.store.pool import Database
from tests.integration.pipeline.house import House


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.serve() as served:
        yield served


@pytest.fixture
async def web(slack: LocalSlack) -> AsyncIterator[SlackWeb]:
    async with open_web(SlackConfig(slack.bot_token, slack.app_token, slack.api_url, 5.0)) as client:
        yield client

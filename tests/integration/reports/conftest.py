"""A house on a database of the test's own."""

from __future__ import annotations

import pytest

from ratchet.store.pool import Database
from tests.integration.pipeline.house import House


@pytest.fixture
def house(database: Database) -> House:
    return House(database)

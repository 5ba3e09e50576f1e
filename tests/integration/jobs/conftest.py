"""What the tests of the queue share."""

from __future__ import annotations

import pytest

from ratchet.jobs.queue import Queue
from ratchet.store.pool import Database


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database.connection)

"""A library on a database of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.store.pool import Database
from tests.integration.documents.support import Library


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    root = tmp_path / "docs"
    root.mkdir()
    return Library(database, root)

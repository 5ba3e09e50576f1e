"""Directories for the tests of the embedded server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.store.embedded import EmbeddedServer
from tests.integration.store.embedded_support import note, temporary_directory


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where nothing is yet."""
    with temporary_directory() as path:
        yield path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Path]:
    """A cluster made once, to copy from."""

    async def make(path: Path) -> None:
        async with EmbeddedServer.start(path) as server:
            note(server.conninfo, 1)

    with temporary_directory() as path:
        asyncio.run(make(path))
        yield path


@pytest.fixture
def stopped(cluster: Path, directory: Path) -> Path:
    """A directory with a cleanly stopped cluster that has noted 1."""
    shutil.copytree(cluster, directory)
    return directory

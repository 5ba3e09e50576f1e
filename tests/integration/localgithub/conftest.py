from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from localgithub import LocalGitHub, Repo


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[LocalGitHub]:
    async with LocalGitHub.serve(tmp_path, clock=lambda: 1_700_000_000.0) as server:
        yield server


@pytest.fixture
async def repo(github: LocalGitHub) -> Repo:
    files = {"README.md": "# Docs\n", "runbooks/disk.md": "# Disk\n\nGrow it.\n"}
    return await github.hub.add_repo("acme", "docs", files)


@pytest.fixture
async def client(github: LocalGitHub) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {github.hub.add_token()}"}
    async with httpx.AsyncClient(base_url=f"{github.api_url}/", headers=headers, trust_env=False) as found:
        yield found

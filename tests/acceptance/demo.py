"""`ratchet dev` as a newcomer starts it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.harness import eventually


@dataclass
class Demo:
    slack: str
    api: str

    async def status(self, path: str) -> int:
        """What the API or a page answers with."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.api}{path}")).status_code

    async def incidents(self, alert: str) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.api}/api/incidents", params={"limit": 100})
            return [one for one in answer.json()["incidents"] if one["alert"] == alert]


@asynccontextmanager
async def started(
    tmp_path: Path, *options: str, program: Sequence[str] = (sys.executable, "-m", "ratchet")
) -> AsyncIterator[Demo]:
    """`ratchet dev` with free ports, ready; stopped as by Ctrl-C at the end. It runs in `tmp_path`."""
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *program, "dev", "--port", "0", "--http-port", "0", *options,
            stdout=output, stderr=output, cwd=tmp_path,
            env={"PATH": os.defpath, "HOME": str(tmp_path), "COLUMNS": "200"},
        )  # fmt: skip

    async def addresses() -> list[str]:
        text = log.read_text("utf-8")
        assert process.returncode is None, text
        return re.findall(r"http://127\.0\.0\.1:\d+", text) if "is ready" in text else []

    try:
        slack, api, *_ = await eventually(addresses, within=120, what="the demo is ready")
        yield Demo(slack, api)
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            status = await process.wait()
    assert status == 0, log.read_text("utf-8")
    assert "Traceback" not in log.read_text("utf-8")

"""The real process against localslack: started, killed and asked about by whoever tests it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.fleet import environment
from bench.processes import free_port, rows

__all__ = ["DEADLINE_S", "RatchetProcess", "environment", "eventually", "free_port", "rows", "running"]

DEADLINE_S = 60.0


async def eventually(
    condition: Callable[[], Awaitable[Any]], *, within: float = DEADLINE_S, what: str = "the condition"
) -> Any:
    """The first truthy value of `condition`; fails with `what` after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        value = await condition()
        if value:
            return value
        if loop.time() > deadline:
            raise AssertionError(f"{what} did not come true within {within:g} s")
        await asyncio.sleep(0.05)


@dataclass
class RatchetProcess:
    """`ratchet run` as a subprocess. Its log goes to `log`."""

    environment: Mapping[str, str]
    log: Path
    http_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    roles: str = "slack,worker,web"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ratchet",
                "run",
                "--only",
                self.roles,
                env={
                    "PATH": os.defpath,
                    "HOME": str(self.log.parent),
                    **self.environment,
                    "RATCHET_HTTP_ADDR": f"127.0.0.1:{self.http_port}",
                },
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
            )

    async def ready(self) -> None:
        async def answers() -> bool:
            assert self.process is not None
            if self.process.returncode is not None:
                raise AssertionError(f"ratchet ended with {self.process.returncode}:\n{self.text()[-4000:]}")
            return (await self.get("/readyz")).status_code == 200

        await eventually(answers, what="ratchet is ready")

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """503 while nobody listens."""
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.http_port}", trust_env=False
        ) as client:
            try:
                return await client.get(path, params=params)
            except httpx.TransportError:
                return httpx.Response(503)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """The exit status; negative for a signal."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(40):
            return await self.process.wait()

    def text(self) -> str:
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""


@asynccontextmanager
async def running(process: RatchetProcess) -> AsyncIterator[RatchetProcess]:
    """Started and ready; stopped at the end, and killed when that takes too long."""
    await process.start()
    try:
        await process.ready()
        yield process
    finally:
        assert process.process is not None
        try:
            await process.kill(signal.SIGTERM)
        except TimeoutError:
            await process.kill()

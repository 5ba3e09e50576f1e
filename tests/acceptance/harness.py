"""The real process against localslack: started, killed and asked about by whoever tests it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import tuple_row

from localslack import LocalSlack

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


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def environment(slack: LocalSlack, **more: str) -> dict[str, str]:
    """What `ratchet run` needs to find a localslack; `RATCHET_` is put before the names in `more`."""
    own = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_URL": slack.api_url,
        # Nobody's model may be asked by a test that does not bring its own.
        "OPENAI_URL": "http://127.0.0.1:9/v1",
        # Tests count what a model is asked.
        "MODEL_CHECK": "false",
        # Alerts come by the dozen here, and each is to be answered.
        "STORM_ALERTS": "1000000",
    }
    return {f"RATCHET_{name}": value for name, value in (own | more).items() if value}


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


async def rows(conninfo: str, statement: str, *values: Any) -> list[Any]:
    async with (
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection,
        connection.cursor(row_factory=tuple_row) as cursor,
    ):
        await cursor.execute(statement.encode(), values)
        return await cursor.fetchall()

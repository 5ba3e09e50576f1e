"""A `ratchet run` whose roles are at work, whether or not it serves HTTP."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.acceptance.harness import RatchetProcess, eventually, rows

NOTHING_DUE = """
select count(*) = 0 from jobs where status <> 'failed' and execute_after < now() + interval '20 seconds'
"""
AT_WORK = {"worker": "worker.connected", "slack": "slack_socket_connected"}


@asynccontextmanager
async def at_work(process: RatchetProcess) -> AsyncIterator[RatchetProcess]:
    """Started, connected to Slack and to its queue; stopped by a signal at the end."""
    before = len(process.text())
    await process.start()

    async def connected() -> bool:
        assert process.process is not None
        text = process.text()[before:]
        if process.process.returncode is not None:
            raise AssertionError(f"ratchet ended with {process.process.returncode}:\n{text[-4000:]}")
        return all(event in text for role, event in AT_WORK.items() if role in process.roles)

    try:
        await eventually(connected, what="worker and socket are connected")
        yield process
    finally:
        try:
            await process.kill(signal.SIGTERM)
        except TimeoutError:
            await process.kill()


async def idle(conninfo: str, within: float = 60.0) -> None:
    """Until no job runs or is due soon."""

    async def quiet() -> bool:
        return bool((await rows(conninfo, NOTHING_DUE))[0][0])

    await eventually(quiet, within=within, what="the queue is empty")

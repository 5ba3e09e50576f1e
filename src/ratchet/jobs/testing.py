"""For tests: run what is due, with the real worker on the real queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from ratchet.jobs import sql
from ratchet.jobs.base import Route
from ratchet.jobs.worker import Worker

LOOK_S: Final = 0.01


async def drain(
    conninfo: str, routes: Sequence[Route[Any]], *, later_s: float = 0.0, timeout_s: float = 30.0
) -> None:
    """Run jobs, and the jobs they put, until none is due.

    Jobs that wait for a later time stay, unless that is less than `later_s` seconds ahead.
    Raises TimeoutError when there is still work after `timeout_s`.
    """
    worker = Worker(conninfo, routes)
    async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        try:
            await _until_empty(conninfo, [route.kind for route in routes], later_s)
        finally:
            await worker.stop(grace_s=1.0)


async def _until_empty(conninfo: str, kinds: list[str], later_s: float) -> None:
    params = {"kinds": kinds, "later_s": later_s}
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
        while True:
            row = await (await conn.execute(sql.UNFINISHED, params)).fetchone()
            if row == (0,):
                return
            await asyncio.sleep(LOOK_S)

"""A worker in a process of its own: `process.py CONNINFO NAME`. Each run is noted in the table `runs`."""

from __future__ import annotations

import asyncio
import signal
import sys

import psycopg

from ratchet.jobs.base import Done, JobContext, Outcome, Route
from ratchet.jobs.worker import Worker
from tests.integration.jobs.support import Keyed, Note

RUNS = "create table if not exists runs (worker text, kind text, n int, ended boolean default false)"


async def main(conninfo: str, name: str) -> None:
    async def run(job: Note | Keyed, context: JobContext) -> Outcome:
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
            note = (name, job.kind, job.n)
            await conn.execute("insert into runs (worker, kind, n) values (%s, %s, %s)", note)
            await asyncio.sleep(3600 if job.n < 0 else 0.02)
            await conn.execute(
                "update runs set ended = true where worker = %s and kind = %s and n = %s", note
            )
        return Done()

    worker = Worker(conninfo, [Route(Note, run, timeout_s=3600), Route(Keyed, run, timeout_s=3600)])
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await stopped.wait()
        await worker.stop(grace_s=0.2)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))

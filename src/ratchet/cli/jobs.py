"""`ratchet jobs`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from ratchet.app import open_store
from ratchet.jobs.queue import DeadJob
from ratchet.settings import Settings

MOST = 10_000


async def dead(settings: Settings, limit: int, *, traceback: bool, as_json: bool) -> None:
    """Print dead jobs. Their payload is left out: it may hold what people wrote."""
    async with open_store(settings) as store:
        found = await store.queue.dead(limit)
    if as_json:
        typer.echo(json.dumps([_values(job) for job in found], indent=2))
    elif not found:
        typer.echo("No job failed for good.")
    for job in () if as_json else found:
        what = f"{job.error_type}: {job.message}" if job.error_type else job.message
        typer.echo(
            f"{job.id}  {job.kind}  {job.died_at:%Y-%m-%d %H:%M:%S} UTC  {job.failures} failures  {what}"
        )
        if traceback and job.traceback:
            typer.echo(job.traceback)


def _values(job: DeadJob) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "put_at": job.put_at.isoformat(),
        "died_at": job.died_at.isoformat(),
        "failures": job.failures,
        "error": job.error_type,
        "message": job.message,
        "traceback": job.traceback,
    }


async def retry(settings: Settings, ids: Sequence[int]) -> None:
    async with open_store(settings) as store:
        chosen = list(ids) or [job.id for job in await store.queue.dead(MOST)]
        count = await store.queue.retry_dead(chosen)
    typer.echo(f"{count} {'job runs' if count == 1 else 'jobs run'} again.")

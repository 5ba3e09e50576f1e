"""`ratchet docs`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ratchet.app import Store, open_store
from ratchet.app.embedding import open_embedding
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.pipeline.embed import Embed
from ratchet.pipeline.refresh import Refresh, Refreshed
from ratchet.settings import Settings
from ratchet.store import embeddings
from ratchet.store.documents import Documents, SourceStatus
from ratchet.store.embeddings import EmbeddingStatus
from ratchet.store.vector_tables import VECTOR_TABLES

SHOWN_PROBLEMS = 20

console = Console(stderr=True, highlight=False)


async def status(settings: Settings, *, as_json: bool) -> None:
    """Print the state of every source."""
    async with open_store(settings) as store:
        found = await Documents(store.db).status()
        embedding = await embeddings.status(store.db, VECTOR_TABLES)
    known = {source.name for source in found}
    new = [source.name for source in settings.sources if source.name not in known]
    if as_json:
        typer.echo(json.dumps([_values(source) for source in found], indent=2))
        return
    if not found and not new:
        typer.echo("No sources of documents. Set RATCHET_DOCUMENTATION; docs/documents.md says how.")
        return
    Console(highlight=False).print(_table(found, new))
    typer.echo(_embedding(embedding))
    for source in found:
        _print_problems(source.name, source.error, source.problems, source.note)


async def refresh(settings: Settings, names: Sequence[str], *, embed: bool) -> None:
    """Read what changed, here and now, and embed it. Raises Misconfigured, Refused."""
    sources = settings.sources
    if not sources:
        raise Misconfigured("RATCHET_DOCUMENTATION is not set: there are no documents to read.")
    if unknown := sorted(set(names) - {source.name for source in sources}):
        raise Misconfigured(f"No source is called {', '.join(unknown)}; there are {_names(settings)}.")
    async with open_store(settings) as store:
        refresher = Refresh(store.db, store.queue, sources)
        done = [await _refresh_one(refresher, name) for name in names or refresher.names]
        if embed:
            await _embed(settings, store)
    for each in done:
        typer.echo(
            f"{each.source}: {each.read} read, {each.unchanged} unchanged, {each.removed} removed,"
            f" {len(each.problems)} left out"
        )
        _print_problems(each.source, each.error, [asdict(problem) for problem in each.problems], each.note)
    if failed := [each.source for each in done if each.error]:
        raise Refused(f"{', '.join(failed)}: not refreshed; what was stored of it is kept.")


async def _refresh_one(refresher: Refresh, name: str) -> Refreshed:
    with _progress() as bar:
        task: list[TaskID] = []

        def show(_: str, done: int, total: int) -> None:
            if not task:
                task.append(bar.add_task(f"Reading {name}", total=total))
            bar.update(task[0], completed=done)

        return await refresher.refresh(name, show, asked=True)


async def _embed(settings: Settings, store: Store) -> None:
    async with open_embedding(settings, store.db) as embedding:
        embedder = embedding.texts
        embed = Embed(store.db, embedder)
        # It may be another model than before, and then everything waits.
        await embed.use(embedder)
        waiting = await embeddings.count_waiting(store.db, VECTOR_TABLES)
        with _progress() as bar:
            task = bar.add_task(f"Embedding with {embedder.model}", total=waiting)
            await embed.work(embedder, math.inf, lambda count: bar.advance(task, count))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _names(settings: Settings) -> str:
    return ", ".join(source.name for source in settings.sources)


def _table(found: Sequence[SourceStatus], new: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("source", "type", "state"):
        table.add_column(name)
    for name in ("documents", "chunks", "embedded"):
        table.add_column(name, justify="right")
    for name in ("refreshed", "revision"):
        table.add_column(name)
    for source in found:
        when = f"{source.refreshed_at:%Y-%m-%d %H:%M} UTC" if source.refreshed_at else "never"
        counts = [f"{count:,}" for count in (source.documents, source.chunks, source.embedded)]
        state = f"{source.state} {source.done}/{source.total}" if source.total else source.state
        table.add_row(source.name, source.kind, state, *counts, when, (source.revision or "")[:12])
    for name in new:
        table.add_row(name, "", "not read yet")
    return table


def _embedding(status: EmbeddingStatus) -> str:
    if status.in_use is None:
        return "No embedding model has been at work yet: search is by words."
    used, waiting = status.in_use, status.waiting
    return f"Embedding model: {used.model}, {used.dimension} dimensions; {waiting:,} texts wait for it."


def _print_problems(name: str, error: str | None, problems: Sequence[Any], note: str | None) -> None:
    for text in filter(None, (error, note)):
        typer.echo(f"{name}: {text}", err=True)
    for problem in problems[:SHOWN_PROBLEMS]:
        typer.echo(f"{name}/{problem['path']} is left out: {problem['reason']}", err=True)
    if len(problems) > SHOWN_PROBLEMS:
        typer.echo(f"{name}: and {len(problems) - SHOWN_PROBLEMS} more", err=True)


def _values(source: SourceStatus) -> dict[str, Any]:
    values = asdict(source)
    for name in ("checked_at", "refreshed_at"):
        values[name] = values[name].isoformat() if values[name] else None
    return values

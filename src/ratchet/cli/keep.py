"""`ratchet backup`, `restore` and `migrate-to`."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

from ratchet.app import open_server
from ratchet.domain.errors import Misconfigured
from ratchet.settings import Settings
from ratchet.store import dump
from ratchet.store.dump import Place
from ratchet.store.pool import check_server

console = Console(stderr=True, highlight=False)


async def backup(settings: Settings, file: Path) -> None:
    """Write the whole database to a file, also while Ratchet runs. Raises Refused, Misconfigured."""
    async with open_server(settings) as (conninfo, _):
        with console.status(f"Writing {file} …"):
            size = await dump.backup(Place(conninfo), file)
    typer.echo(
        f"{file}: {size / 1024**2:.1f} MB. It holds what people wrote: keep it as you keep the database."
    )


async def restore(settings: Settings, file: Path, *, replace: bool) -> None:
    """Put a backup back into the configured database. Raises Refused, Misconfigured."""
    async with open_server(settings) as (conninfo, _):
        with console.status(f"Reading {file} …"):
            await dump.restore(file, Place(conninfo), replace=replace)
            rows = await dump.counts(Place(conninfo))
    typer.echo(f"Restored: {rows.get('messages', 0):,} messages, {sum(rows.values()):,} rows in all.")


async def migrate_to(settings: Settings, url: str, *, replace: bool) -> None:
    """Copy everything into another PostgreSQL. Raises Refused, Misconfigured, Transient."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise Misconfigured("The target is no PostgreSQL URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    await check_server(url)
    async with open_server(settings) as (conninfo, _):
        with console.status("Copying …"):
            rows = await dump.move(Place(conninfo), Place(url), replace=replace)
    typer.echo(
        f"Copied and counted: {rows.get('messages', 0):,} messages, {sum(rows.values()):,} rows"
        f" in {len(rows)} tables.\nNow set RATCHET_DATABASE_URL to that server and start Ratchet."
        " The database here is as it was."
    )

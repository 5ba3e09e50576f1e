"""Keeping it well: doctor, backups, moves, and what is kept of people."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.base import app, quiet_settings, told
from ratchet.domain.errors import Refused


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Try every part: settings, tokens, scopes, database, disk, models, documents; and say what to do."""
    from ratchet.cli import doctor as cli_doctor  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_doctor.run(quiet_settings, as_json=as_json))


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Write the whole database to a file; Ratchet may go on meanwhile."""
    from ratchet.cli import keep  # noqa: PLC0415  # heavy

    with told():
        if file.exists():
            raise Refused(f"{file} is there already; choose another name.")
        asyncio.run(keep.backup(quiet_settings(), file))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `ratchet backup` wrote.")],
    replace: Annotated[bool, typer.Option(help="Replace what the database holds.")] = False,
) -> None:
    """Put a backup into the configured database, whole or not at all. Ratchet must not run."""
    from ratchet.cli import keep  # noqa: PLC0415  # heavy

    with told():
        if not file.is_file():
            raise Refused(f"There is no file {file}.")
        asyncio.run(keep.restore(quiet_settings(), file, replace=replace))


@app.command("migrate-to")
def migrate_to(
    url: Annotated[
        str,
        typer.Argument(
            help="postgresql://USER:PASSWORD@HOST:PORT/DATABASE; - reads it from standard input, where nobody"
            " sees it in the list of processes."
        ),
    ],
    replace: Annotated[bool, typer.Option(help="Replace what that database holds.")] = False,
) -> None:
    """Copy everything into another PostgreSQL, whole or not at all. Ratchet must not run."""
    from ratchet.cli import keep  # noqa: PLC0415  # heavy

    with told():
        target = sys.stdin.readline().strip() if url == "-" else url
        asyncio.run(keep.migrate_to(quiet_settings(), target, replace=replace))


@app.command()
def forget(
    who: Annotated[str, typer.Argument(help="User id, e-mail address or name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete what a person wrote, and what was made of it, on their request."""
    from ratchet.cli import people  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(people.forget(quiet_settings(), who, yes=yes))


@app.command()
def audit(
    days: Annotated[int, typer.Option(min=1, max=730, help="How many days back.")] = 30,
    who: Annotated[str | None, typer.Option(help="Only what this user id did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show who approved, rejected, changed and deleted what."""
    from ratchet.cli import people  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(people.show_audit(quiet_settings(), days, who, limit, as_json=as_json))

"""`ratchet forget` and `ratchet audit`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import typer
from rich.console import Console
from rich.table import Table

from ratchet.app import classifier_of, open_store
from ratchet.domain.errors import Refused
from ratchet.pipeline.forget import Forget
from ratchet.pipeline.intake import Intake
from ratchet.settings import Settings
from ratchet.store import audit
from ratchet.store.forget import find_people, written_by


async def forget(settings: Settings, who: str, *, yes: bool) -> None:
    """Take out what a person wrote. Raises Refused when nobody, or several, are meant."""
    async with open_store(settings) as store:
        found = await find_people(store.db, who)
        if len(found) > 1:
            raise Refused(f"{len(found)} people are called {who!r}: {', '.join(found)}. Give the user id.")
        person = found[0] if found else who
        if not found and not await written_by(store.db, person, None, 1):
            raise Refused(f"Nobody known has the id, e-mail address or name {who!r}.")
        asked = f"Delete every recorded message, reaction and vote of {who} ({person}), for good?"
        if not yes and not typer.confirm(asked, err=True):
            raise Refused("Nothing was deleted.")
        intake = Intake(store.db, store.queue, classifier_of(settings))
        with Console(stderr=True).status("Deleting …") as status:
            done = await Forget(store.db, intake, time.time).run(
                person, lambda count: status.update(f"Deleting … {count:,} messages")
            )
    typer.echo(
        f"Deleted: {done.messages:,} messages, {done.reactions:,} reactions, {done.votes:,} votes of {person}"
        " and what was made of them. Quotes in Ratchet's own posts are taken out by the running Ratchet.\n"
        "What stands in Slack stays there, and what they write from now on is recorded again."
    )


async def show_audit(settings: Settings, days: int, who: str | None, limit: int, *, as_json: bool) -> None:
    """Who decided what, newest first."""
    async with open_store(settings) as store:
        since = datetime.now(UTC) - timedelta(days=days)
        deeds = await audit.latest(store.db, since, who, limit)
    if as_json:
        typer.echo(json.dumps([asdict(deed) for deed in deeds], indent=2, default=str, ensure_ascii=False))
        return
    if not deeds:
        typer.echo(f"Nobody decided anything in the last {days} days.")
        return
    table = Table()
    for name in ("when (UTC)", "who", "what", "about", ""):
        table.add_column(name, overflow="fold")
    for deed in deeds:
        details = ", ".join(f"{key}: {value}" for key, value in deed.attrs.items())
        when = deed.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(when, deed.name or deed.who, deed.action.replace("_", " "), deed.subject, details)
    Console().print(table)

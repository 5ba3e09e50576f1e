"""`ratchet ask-runbook`."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from ratchet.app import open_store, runbook_rooms
from ratchet.domain.errors import Refused
from ratchet.settings import Settings

# Without a connection to Slack its workspace is not known; this address asks which.
ANY_WORKSPACE = "https://slack.com"


async def run(settings: Settings, service: str | None, alert: str) -> None:
    """Print the runbook as Markdown. Raises Refused when nothing is known."""
    async with open_store(settings) as store:
        writer, teller = runbook_rooms(store.db, ANY_WORKSPACE)
        runbook = await writer.write(service, alert, datetime.now(UTC), visible_from="")
        if runbook is None:
            raise Refused(f"Nothing is known about {alert}: no triage of it, and no document names it.")
        typer.echo((await teller.reply(runbook, "", "")).markdown)

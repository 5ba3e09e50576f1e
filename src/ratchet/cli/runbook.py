"""`ratchet ask-runbook`."""

from __future__ import annotations

import typer

from ratchet.app import open_store, runbook_rooms
from ratchet.domain.errors import Refused
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.settings import Settings
from ratchet.tools.base import ANY_WORKSPACE
from ratchet.web.services import utc_now


async def run(settings: Settings, service: str | None, alert: str) -> None:
    """Print the runbook as Markdown. Raises Refused when nothing is known."""
    async with open_store(settings) as store:
        told = await ToldRunbooks(*runbook_rooms(store.db, ANY_WORKSPACE), utc_now).told(service, alert)
        if told is None:
            raise Refused(f"Nothing is known about {alert}: no triage of it, and no document names it.")
        typer.echo(told.markdown)

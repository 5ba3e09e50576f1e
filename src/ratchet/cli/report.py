"""`ratchet report`, `ratchet usage` and `ratchet gaps`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.markdown import Markdown

from ratchet.app import open_store
from ratchet.domain.errors import Refused
from ratchet.reports import channel_json, channel_text, gaps_text, usage, usage_text
from ratchet.reports.channel import channel_report
from ratchet.reports.charts import channel_chart
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.help_threads import HelpThreads
from ratchet.store.reader import Reader
from ratchet.tools.base import PUBLIC, WorkspaceLinks
from ratchet.tools.doc_gaps import read_gaps

# Without a connection to Slack its workspace is not known; this address asks which.
ANY_WORKSPACE: Final = "https://slack.com"


@dataclass(frozen=True, slots=True)
class Options:
    """`days` up to now. Without a format it is laid out for a terminal."""

    days: int = 7
    as_json: bool = False
    markdown: bool = False
    png: Path | None = None


async def channel(settings: Settings, name: str, options: Options) -> None:
    """Print the report on a channel. Raises Refused for one that is not recorded."""
    now = datetime.now(UTC)
    async with open_store(settings) as store:
        found = await Channels(store.db).find(name)
        if found is None:
            raise Refused(f"No channel {name} is recorded; give its name or its id.")
        rows = await Reader(store.db).channel_rows(
            found.id, visible_from=found.id, since=now - timedelta(days=options.days), until=now
        )
    report = channel_report(rows)
    if options.png is not None:
        options.png.write_bytes(channel_chart(report, f"#{found.name or found.id}, {report.days} days"))
        typer.echo(f"{options.png}: alerts per day by service, and noise by cause", err=True)
        if not (options.as_json or options.markdown):
            return
    links = partial(WorkspaceLinks(ANY_WORKSPACE), found.id)
    show(channel_json.as_json(report, links), channel_text.markdown(report, links), options)


async def used(settings: Settings, options: Options) -> None:
    """Print what Ratchet itself did."""
    now = datetime.now(UTC)
    async with open_store(settings) as store:
        rows = await Reader(store.db).usage_rows(now - timedelta(days=options.days), now, visible_from=None)
    report = usage.usage_report(rows)
    show(usage.as_json(report), usage_text.markdown(report), options)


async def gaps(settings: Settings, name: str | None, options: Options) -> None:
    """Print what the documents lack. Raises Refused for a channel that is not recorded."""
    now = datetime.now(UTC)
    async with open_store(settings) as store:
        found = await Channels(store.db).find(name) if name else None
        if name and found is None:
            raise Refused(f"No channel {name} is recorded; give its name or its id.")
        report, rows = await read_gaps(
            HelpThreads(store.db),
            [found.id] if found else None,
            found.id if found else PUBLIC,
            (now - timedelta(days=options.days), now),
        )
    links = WorkspaceLinks(ANY_WORKSPACE)
    show(gaps_text.as_json(report, rows, links), gaps_text.markdown(report, rows, links), options)


def show(data: dict[str, Any], text: str, options: Options) -> None:
    if options.as_json:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif options.markdown:
        typer.echo(text)
    else:
        Console().print(Markdown(text))

"""What was recorded: import, replay, judge, capture. Heavy imports are inside the commands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.base import app, quiet_settings, told


@app.command("import")
def import_(
    archive: Annotated[Path, typer.Argument(help="The zip file of a Slack export.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import the history of a standard Slack export. Safe to repeat; goes on where it was stopped."""
    from ratchet.cli import importing as cli_import  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_import.run(quiet_settings(), archive, as_json=as_json))


@app.command()
def backtest(
    channel: Annotated[str | None, typer.Option(help="Only this channel's incidents, by name or id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only incidents since a date (2026-09-01) or days back (30d).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every miss.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
) -> None:
    """Replay recorded incidents, each as of then: would the runbook have named what people did?"""
    from ratchet.cli import backtest as cli_backtest  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(
            cli_backtest.run(quiet_settings(), cli_backtest.Options(channel, since, as_json, markdown))
        )


@app.command()
def classify(
    files: Annotated[
        list[str], typer.Argument(help="Files with a message, an event or several; - for stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per message.")] = False,
    explain: Annotated[bool, typer.Option(help="Say what was looked at, in order, and why.")] = False,
    rules: Annotated[
        Path | None, typer.Option(help="A file of own rules, instead of RATCHET_ALERT_RULES.")
    ] = None,
) -> None:
    """Say what messages mean: opens an incident, closes one, or neither; and by which rule."""
    from ratchet.cli import classify as cli_classify  # noqa: PLC0415  # only this command needs it

    with told():
        cli_classify.run(files, cli_classify.Options(as_json, explain, rules))


@app.command()
def capture(
    channel: Annotated[str, typer.Argument(help="The channel's name or id.")],
    ts: Annotated[str, typer.Argument(help="The message's ts, or the link to it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; without it, standard output.")
    ] = None,
) -> None:
    """Write a recorded message, redacted, as a file to report an alert that is not recognised."""
    from ratchet.cli import capture as cli_capture  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_capture.run(quiet_settings(), channel, ts, output))


@app.command()
def reclassify(
    channel: Annotated[str | None, typer.Option(help="Only this channel: its name or id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only messages since then: 2026-01-31, or 30d, 12h.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would change; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Judge all recorded messages of bots again, after the rules changed. Nothing is posted."""
    from ratchet.cli import reclassify as cli_reclassify  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(
            cli_reclassify.run(quiet_settings(), cli_reclassify.Options(channel, since, dry_run, as_json))
        )

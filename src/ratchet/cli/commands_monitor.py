"""Channel monitors: trying them out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.base import app, quiet_settings, told

monitor_app = typer.Typer(help="Channel monitors: try them on messages.", no_args_is_help=True)
app.add_typer(monitor_app, name="monitor")


@monitor_app.callback()
def monitor() -> None:
    """Channel monitors: try them on messages."""


@monitor_app.command("test")
def monitor_test(
    file: Annotated[Path, typer.Argument(help="The file of monitors, YAML; docs/channel-monitor.md.")],
    *,
    messages: Annotated[
        str | None,
        typer.Option(
            help="A JSON list of texts or {text, user}, or a text with one message a line; -: stdin."
        ),
    ] = None,
    last: Annotated[
        int, typer.Option(min=1, max=100, help="Without --messages: so many of the channel, as recorded.")
    ] = 5,
    only: Annotated[str | None, typer.Option("--monitor", help="This one only.")] = None,
    execute: Annotated[
        bool, typer.Option("--execute/--no-execute", help="Run the executable; what it wants sent is shown.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what monitors would do about messages: prompt, answer, errors, what is sent. Posts nothing."""
    from ratchet.cli import monitor as cli_monitor  # noqa: PLC0415  # heavy

    options = cli_monitor.Options(messages, last, only, execute, as_json)
    with told():
        asyncio.run(cli_monitor.test(quiet_settings(), file, options))

"""`localslack`: serve a workspace until interrupted."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from localslack import export
from localslack.errors import WorkspaceFileError
from localslack.examples import example_path
from localslack.server import LocalSlack
from localslack.workspace import APP_TOKEN, BOT_TOKEN, Workspace

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option(help="0 takes a free port.", min=0, max=65535)] = 8065,
    workspace: Annotated[Path | None, typer.Option(help="A Slack export, directory or zip.")] = None,
    example: Annotated[bool, typer.Option("--example", help="The example workspace.")] = False,
    newest_minutes_ago: Annotated[
        float | None, typer.Option(help="Move all times so that the newest message is this old.")
    ] = None,
    bot_token: Annotated[str, typer.Option()] = BOT_TOKEN,
    app_token: Annotated[str, typer.Option()] = APP_TOKEN,
    rate_limits: Annotated[bool, typer.Option("--rate-limits", help="Answer 429 as Slack does.")] = False,
) -> None:
    """Serve a Slack workspace on 127.0.0.1."""
    options = {"bot_token": bot_token, "app_token": app_token}
    try:
        loaded = _load(example_path() if example else workspace, example, newest_minutes_ago, options)
    except WorkspaceFileError as error:
        typer.echo(f"localslack: {error}", err=True)
        raise typer.Exit(2) from None
    try:
        asyncio.run(_run(loaded, port, rate_limits))
    except OSError as error:
        typer.echo(f"localslack: cannot listen on port {port}: {error}; choose another --port", err=True)
        raise typer.Exit(1) from None


def _load(path: Path | None, example: bool, minutes: float | None, options: dict[str, Any]) -> Workspace:
    if path is None:
        ws = Workspace(**options)
        ws.add_user("you", real_name="You")
        ws.add_channel("general", members=(*ws.users,))
        return ws
    return export.load(path, newest_minutes_ago=20 if minutes is None and example else minutes, **options)


async def _run(ws: Workspace, port: int, rate_limits: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with LocalSlack.serve(ws, port=port, rate_limits=rate_limits) as server:
        typer.echo(f"localslack: {server.url}  (Web API {server.api_url})")
        await stop.wait()


def main() -> None:
    app()

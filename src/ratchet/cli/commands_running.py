"""run, dev, config, version: starting it and what it is set to. Heavy imports are inside the commands."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from ratchet import __version__
from ratchet.cli.base import app, stop_on_signals, told
from ratchet.domain.errors import Misconfigured


@app.command()
def run(
    only: Annotated[
        str, typer.Option(help="Roles of this process, of slack, worker, web; comma-separated.")
    ] = "slack,worker,web",
) -> None:
    """Run Ratchet against your Slack workspace."""
    from ratchet import app as house  # noqa: PLC0415  # heavy
    from ratchet.llm.redact import redact_event  # noqa: PLC0415  # heavy
    from ratchet.settings import load  # noqa: PLC0415  # heavy
    from ratchet.telemetry import configure_logging  # noqa: PLC0415  # heavy
    from ratchet.telemetry.tracing import configure_tracing  # noqa: PLC0415  # heavy

    roles = tuple(role.strip() for role in only.split(",") if role.strip())
    with told():
        if unknown := set(roles) - set(house.ROLES):
            raise Misconfigured(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(house.ROLES)}")
        settings = load()
        configure_logging(settings.log_level, human=settings.dev_mode, clean=redact_event)

        end_traces = configure_tracing(settings.tracing, redact_event)

        async def main() -> None:
            await house.run(settings, stop_on_signals(), roles=roles)

        try:
            asyncio.run(main())
        finally:
            end_traces()


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the local Slack; 0 takes a free one.")] = 8065,
    http_port: Annotated[int, typer.Option(help="Port of Ratchet's own API; 0 takes a free one.")] = 5001,
    workspace: Annotated[
        Path | None, typer.Option(help="A Slack export to load instead of the example workspace.")
    ] = None,
    scripted_model: Annotated[
        bool, typer.Option(help="Answers by a script that quotes, in place of a language model.")
    ] = False,
    verbose: Annotated[bool, typer.Option(help="Show Ratchet's log.")] = False,
) -> None:
    """Try Ratchet: a Slack on this machine with an example workspace. No account, no key."""
    from ratchet.cli import dev as cli_dev  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(
            cli_dev.run(cli_dev.Options(port, http_port, workspace, verbose, scripted_model), stop_on_signals)
        )


@app.command()
def config(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print a .env file to start from instead.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print what each setting means, as Markdown.")
    ] = False,
) -> None:
    """Print every setting, secrets masked."""
    from ratchet import settings  # noqa: PLC0415  # heavy

    if example:
        typer.echo(settings.example(), nl=False)
        return
    if reference:
        from ratchet.cli.reference import settings_table  # noqa: PLC0415  # heavy

        typer.echo(settings_table(), nl=False)
        return
    with told():
        values = settings.visible(settings.load())
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        typer.echo(f"{name}={value}")


@app.command()
def health(
    ready: Annotated[bool, typer.Option(help="Whether every part does its work; which does not.")] = False,
) -> None:
    """Ask the Ratchet that runs here whether it lives; for probes of containers. Fails when it does not."""
    from ratchet.cli import health as cli_health  # noqa: PLC0415  # heavy

    with told():
        typer.echo(cli_health.asked(ready=ready))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)

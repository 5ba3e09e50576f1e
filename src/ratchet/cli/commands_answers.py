"""Asking, reports, feedback and its evaluation. Heavy imports are inside the commands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.base import app, quiet_settings, told
from ratchet.domain.messages import Rating


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    channel: Annotated[
        str | None, typer.Option(help="Name or id: ask as in that channel; else of public channels.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask the assistant in the terminal; nothing is posted."""
    from ratchet.cli import ask as cli_ask  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_ask.run(quiet_settings(), question, cli_ask.Options(channel, as_json)))


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for; any word of it may match.")],
    docs: Annotated[bool | None, typer.Option("--docs/--messages", help="Only these; else both.")] = None,
    channel: Annotated[str | None, typer.Option(help="Messages of one channel: its name or id.")] = None,
    author: Annotated[str | None, typer.Option("--from", help="Messages of one person: name or id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Messages since a date (2026-09-01) or days back (30d).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many of each.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Search recorded messages, private channels included, and documents."""
    from ratchet.cli import search as cli_search  # noqa: PLC0415  # heavy

    options = cli_search.Options(docs, channel, author, since, limit, as_json)
    with told():
        asyncio.run(cli_search.run(quiet_settings(), query, options))


@app.command("ask-runbook")
def ask_runbook(
    service: Annotated[str, typer.Argument(help="The service; - for any.")],
    alert: Annotated[str, typer.Argument(help="The alert's name.")],
) -> None:
    """Print the runbook that a firing of this alert would get now, from public channels and documents."""
    from ratchet.cli import runbook as cli_runbook  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_runbook.run(quiet_settings(), None if service == "-" else service, alert))


@app.command()
def report(
    channel: Annotated[str, typer.Argument(help="The channel's name or id.")],
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days up to now.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Every figure, as JSON.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
    png: Annotated[Path | None, typer.Option(help="Write the chart to this file.")] = None,
) -> None:
    """Say where the toil in a channel is: what to delete or fix first, what is open, what helped."""
    from ratchet.cli import report as cli_report  # noqa: PLC0415  # heavy

    wanted = cli_report.Options(days, as_json, markdown, png)
    with told():
        asyncio.run(cli_report.channel(quiet_settings(), channel, wanted))


@app.command()
def usage(
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days up to now.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
) -> None:
    """Say what Ratchet did itself: answers, votes, model requests, tokens, cost, approvals."""
    from ratchet.cli import report as cli_report  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_report.used(quiet_settings(), cli_report.Options(days, as_json, markdown)))


@app.command()
def gaps(
    *,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days up to now.")] = 30,
    channel: Annotated[str | None, typer.Option(help="Name or id; without it every public channel.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
) -> None:
    """Say what the documents lack: what is asked again and again, who answers it, and a page for it."""
    from ratchet.cli import report as cli_report  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_report.gaps(quiet_settings(), channel, cli_report.Options(days, as_json, markdown)))


feedback_app = typer.Typer(help="What people thought of answers.", no_args_is_help=True)
app.add_typer(feedback_app, name="feedback")


@feedback_app.command("export")
def feedback_export(
    since: Annotated[
        str | None, typer.Option(help="Only answers since a date (2026-09-01) or days back (30d).")
    ] = None,
    rating: Annotated[Rating, typer.Option(help="up, down, or all that anybody voted on.")] = "all",
    out: Annotated[
        Path | None, typer.Option(help="File to write, .yaml or .json; without it, standard output.")
    ] = None,
) -> None:
    """Write questions and what people thought of the answers as a set for `ratchet eval`, without secrets."""
    from ratchet.cli import feedback as cli_feedback  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_feedback.export(quiet_settings(), cli_feedback.Options(since, rating, out)))


@app.command("eval")
def eval_(
    file: Annotated[Path, typer.Argument(help="A set that `ratchet feedback export` wrote.")],
    model: Annotated[str | None, typer.Option(help="Ask this model instead of the configured one.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every answer and figure, as JSON.")] = False,
    baseline: Annotated[
        Path | None, typer.Option(help="What an earlier `ratchet eval --json` printed, to compare with.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A model that says whether a new answer is as good as the old one.")
    ] = None,
) -> None:
    """Ask recorded questions again, with the present model and prompts, and compare. Nothing is posted."""
    from ratchet.cli import evaluate as cli_eval  # noqa: PLC0415  # heavy

    options = cli_eval.Options(model, limit, as_json, baseline, judge)
    with told():
        asyncio.run(cli_eval.run(quiet_settings(), file, options))

"""The commands a person types. Heavy imports are inside the commands, so that `--help` is quick."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ratchet import __version__
from ratchet.domain.errors import Misconfigured, RatchetError
from ratchet.domain.messages import ChannelMode, Rating

if TYPE_CHECKING:
    from ratchet.settings import Settings

app = typer.Typer(
    help="Ratchet: runbooks from how people triaged the alert before, in your team's Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def told() -> Iterator[None]:
    """An expected failure is a sentence on standard error, not a traceback. 2: mend the settings."""
    try:
        yield
    except RatchetError as error:
        typer.echo(f"ratchet: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, Misconfigured) else 1) from None
    except BaseExceptionGroup as group:
        known, unknown = group.split(RatchetError)
        if unknown is not None or known is None:
            raise
        typer.echo(f"ratchet: {next(_leaves(known))}", err=True)
        raise typer.Exit(1) from None


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def quiet_settings() -> Settings:
    """The settings, for a command whose output is for a person or a pipe: only warnings are logged."""
    from ratchet.llm.redact import redact_event, use_patterns  # noqa: PLC0415  # heavy
    from ratchet.settings import load  # noqa: PLC0415
    from ratchet.telemetry import configure_logging  # noqa: PLC0415

    configure_logging("warning", human=True, clean=redact_event)
    settings = load()
    use_patterns(settings.redact_patterns)
    return settings


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM or Ctrl-C; a second Ctrl-C ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            loop.remove_signal_handler(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    return stop


@app.command()
def run(
    only: Annotated[
        str, typer.Option(help="Roles of this process, of slack, worker, web; comma-separated.")
    ] = "slack,worker,web",
) -> None:
    """Run Ratchet against your Slack workspace."""
    from ratchet import app as house  # noqa: PLC0415  # heavy
    from ratchet.llm.redact import redact_event  # noqa: PLC0415
    from ratchet.settings import load  # noqa: PLC0415
    from ratchet.telemetry import configure_logging  # noqa: PLC0415

    roles = tuple(role.strip() for role in only.split(",") if role.strip())
    with told():
        if unknown := set(roles) - set(house.ROLES):
            raise Misconfigured(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(house.ROLES)}")
        settings = load()
        configure_logging(settings.log_level, human=settings.dev_mode, clean=redact_event)

        async def main() -> None:
            await house.run(settings, stop_on_signals(), roles=roles)

        asyncio.run(main())


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the local Slack; 0 takes a free one.")] = 8065,
    http_port: Annotated[int, typer.Option(help="Port of Ratchet's own API; 0 takes a free one.")] = 5001,
    workspace: Annotated[
        Path | None, typer.Option(help="A Slack export to load instead of the example workspace.")
    ] = None,
    verbose: Annotated[bool, typer.Option(help="Show Ratchet's log.")] = False,
) -> None:
    """Try Ratchet: a Slack on this machine with an example workspace. No account, no key."""
    from ratchet import cli_dev  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_dev.run(cli_dev.Options(port, http_port, workspace, verbose), stop_on_signals))


@app.command("import")
def import_(
    archive: Annotated[Path, typer.Argument(help="The zip file of a Slack export.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import the history of a standard Slack export. Safe to repeat; goes on where it was stopped."""
    from ratchet import cli_import  # noqa: PLC0415  # heavy

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
    from ratchet import cli_backtest  # noqa: PLC0415  # heavy

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
    from ratchet import cli_classify  # noqa: PLC0415  # only this command needs it

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
    from ratchet import cli_capture  # noqa: PLC0415  # heavy

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
    from ratchet import cli_reclassify  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(
            cli_reclassify.run(quiet_settings(), cli_reclassify.Options(channel, since, dry_run, as_json))
        )


@app.command()
def channel(
    name: Annotated[str, typer.Argument(help="The channel's name or id.")],
    *,
    mode: Annotated[
        ChannelMode | None,
        typer.Option(
            help="off: it says nothing. mention: it answers who asks. draft: a person posts its answers."
            " auto: it answers questions unasked."
        ),
    ] = None,
    runbooks: Annotated[
        bool | None, typer.Option("--runbooks/--no-runbooks", help="Under firing alerts.")
    ] = None,
    repeats: Annotated[
        bool | None, typer.Option("--repeats/--no-repeats", help="The line under an alert that fires again.")
    ] = None,
    storms: Annotated[
        bool | None, typer.Option("--storms/--no-storms", help="The summary of a storm of alerts.")
    ] = None,
    external_allowed: Annotated[
        bool | None,
        typer.Option("--external-allowed/--no-external-allowed", help="Speak where others read too."),
    ] = None,
    quiet: Annotated[
        str | None, typer.Option(help="Nothing unasked for so long: 30m, 2h, 3d; off ends it.")
    ] = None,
    follow_ups: Annotated[
        bool | None,
        typer.Option("--follow-ups/--no-follow-ups", help="Who was just answered need not mention it again."),
    ] = None,
    review_channel: Annotated[
        str | None, typer.Option(help="Where drafts wait for a person: name or id; off for none.")
    ] = None,
) -> None:
    """Show how Ratchet behaves in a channel, or change it."""
    from ratchet import cli_channel  # noqa: PLC0415  # heavy

    wanted = cli_channel.Options(
        mode, runbooks, repeats, storms, external_allowed, quiet, follow_ups, review_channel
    )
    with told():
        asyncio.run(cli_channel.run(quiet_settings(), name, wanted))


jobs_app = typer.Typer(help="Look at jobs that failed for good, and run them again.", no_args_is_help=True)
app.add_typer(jobs_app, name="jobs")


@jobs_app.command("dead")
def jobs_dead(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    traceback: Annotated[bool, typer.Option(help="Print the tracebacks too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the jobs that failed for good, latest first."""
    from ratchet import cli_jobs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_jobs.dead(quiet_settings(), limit, traceback=traceback, as_json=as_json))


@jobs_app.command("retry")
def jobs_retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids from `ratchet jobs dead`; none: all.")] = None,
) -> None:
    """Run dead jobs again, as if they had never failed."""
    from ratchet import cli_jobs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_jobs.retry(quiet_settings(), ids or []))


docs_app = typer.Typer(help="The documents that answers and runbooks draw on.", no_args_is_help=True)
app.add_typer(docs_app, name="docs")


@docs_app.command("status")
def docs_status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what was read of each source, when, and what was left out."""
    from ratchet import cli_docs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_docs.status(quiet_settings(), as_json=as_json))


@docs_app.command("refresh")
def docs_refresh(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sources; none: all.")] = None,
    embed: Annotated[bool, typer.Option(help="Embed what is new here, and not in the background.")] = True,
) -> None:
    """Read now what changed in the documents."""
    from ratchet import cli_docs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_docs.refresh(quiet_settings(), names or [], embed=embed))


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
    from ratchet import cli_feedback  # noqa: PLC0415  # heavy

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
    from ratchet import cli_eval  # noqa: PLC0415  # heavy

    options = cli_eval.Options(model, limit, as_json, baseline, judge)
    with told():
        asyncio.run(cli_eval.run(quiet_settings(), file, options))


mcp_app = typer.Typer(
    help="The external MCP servers whose tools the assistant may use.", no_args_is_help=True
)
app.add_typer(mcp_app, name="mcp")


@mcp_app.command("list")
def mcp_list(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Connect to every server and say what it offers, what is left out, and why."""
    from ratchet import cli_mcp  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_mcp.show(quiet_settings(), as_json=as_json))


@mcp_app.command("call")
def mcp_call(
    server: Annotated[str, typer.Argument(help="The server's name.")],
    tool: Annotated[str, typer.Argument(help="The tool's name, as the server or as we call it.")],
    arguments: Annotated[str, typer.Argument(help="Its arguments, a JSON object.")] = "{}",
) -> None:
    """Call a tool and print its result, to try it out. Asks for no approval: whoever types it gave it."""
    from ratchet import cli_mcp  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_mcp.call(quiet_settings(), server, tool, arguments))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask.")],
    channel: Annotated[
        str | None, typer.Option(help="Name or id: ask as in that channel; else of public channels.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask the assistant in the terminal; nothing is posted."""
    from ratchet import cli_ask  # noqa: PLC0415

    with told():
        asyncio.run(cli_ask.run(quiet_settings(), question, cli_ask.Options(channel, as_json)))


@app.command("ask-runbook")
def ask_runbook(
    service: Annotated[str, typer.Argument(help="The service; - for any.")],
    alert: Annotated[str, typer.Argument(help="The alert's name.")],
) -> None:
    """Print the runbook that a firing of this alert would get now, from public channels and documents."""
    from ratchet import cli_runbook  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_runbook.run(quiet_settings(), None if service == "-" else service, alert))


@app.command()
def report(
    channel: Annotated[str, typer.Argument(help="The channel's name or id.")],
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days up to now.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Every figure, as JSON.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
) -> None:
    """Say where the toil in a channel is: what to delete or fix first, what is open, what helped."""
    from ratchet import cli_report  # noqa: PLC0415  # heavy

    wanted = cli_report.Options(days, as_json, markdown)
    with told():
        asyncio.run(cli_report.channel(quiet_settings(), channel, wanted))


@app.command()
def usage(
    days: Annotated[int, typer.Option(min=1, max=90, help="How many days up to now.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    markdown: Annotated[bool, typer.Option(help="As Markdown.")] = False,
) -> None:
    """Say what Ratchet did itself: answers, votes, model requests, tokens, cost, approvals."""
    from ratchet import cli_report  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_report.used(quiet_settings(), cli_report.Options(days, as_json, markdown)))


model_app = typer.Typer(help="The language models: what they can do, and fetching one.", no_args_is_help=True)
app.add_typer(model_app, name="model")


@model_app.command("check")
def model_check(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Try what works with each language model: chat, tools, JSON, embeddings; asks each a little."""
    from ratchet import cli_model  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_model.check(quiet_settings(), as_json=as_json))


@model_app.command("pull")
def model_pull(
    name: Annotated[str | None, typer.Argument(help="The model; none: that of the settings.")] = None,
    url: Annotated[str | None, typer.Option(help="Where Ollama is, without /v1.")] = None,
) -> None:
    """Fetch a model into Ollama. Safe to repeat; goes on where it was stopped."""
    from ratchet import cli_model  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_model.pull(quiet_settings(), name, url))


@app.command()
def config(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print every setting, secrets masked."""
    from ratchet.settings import load, visible  # noqa: PLC0415

    with told():
        values = visible(load())
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        typer.echo(f"{name}={value}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)

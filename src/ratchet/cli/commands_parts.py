"""The parts of a running Ratchet: channels, jobs, documents, models, external servers."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import typer

from ratchet.cli.base import app, quiet_settings, told
from ratchet.domain.messages import ChannelMode

GapList = Annotated[
    str | None,
    typer.Option(help="Post what the documents lack: on (Mondays at 9:00), off, or a cron like 0 9 * * 1."),
]
Report = Annotated[
    str | None, typer.Option(help="Post the report on the channel: on (Mondays at 9:00), off, or a cron.")
]
UsageReport = Annotated[str | None, typer.Option(help="Post what Ratchet itself did: on, off, or a cron.")]
TimeZone = Annotated[
    str | None, typer.Option(help="Of these times, such as Europe/Berlin; else RATCHET_TIME_ZONE.")
]


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
    owner_group: Annotated[
        str | None,
        typer.Option(help="Who a click calls when a question has no answer: S… or @handle; off for nobody."),
    ] = None,
    suggest_docs: Annotated[
        Literal["on", "off"] | None,
        typer.Option(help="Ask once under a quiet thread whether its answer belongs into the documents."),
    ] = None,
    suggest_after: Annotated[str | None, typer.Option(help="When a thread is quiet: 4h, 30m.")] = None,
    suggest_in: Annotated[
        Literal["thread", "review"] | None, typer.Option(help="Where that is asked.")
    ] = None,
    gap_list: GapList = None,
    report: Report = None,
    usage_report: UsageReport = None,
    time_zone: TimeZone = None,
) -> None:
    """Show how Ratchet behaves in a channel, or change it."""
    from ratchet.cli import channel as cli_channel  # noqa: PLC0415  # heavy

    wanted = cli_channel.Options(
        mode,
        runbooks,
        repeats,
        storms,
        external_allowed,
        quiet,
        follow_ups,
        review_channel,
        owner_group,
        suggest_docs,
        suggest_after,
        suggest_in,
        gap_list=gap_list,
        report=report,
        usage_report=usage_report,
        time_zone=time_zone,
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
    from ratchet.cli import jobs as cli_jobs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_jobs.dead(quiet_settings(), limit, traceback=traceback, as_json=as_json))


@jobs_app.command("retry")
def jobs_retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids from `ratchet jobs dead`; none: all.")] = None,
) -> None:
    """Run dead jobs again, as if they had never failed."""
    from ratchet.cli import jobs as cli_jobs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_jobs.retry(quiet_settings(), ids or []))


docs_app = typer.Typer(help="The documents that answers and runbooks draw on.", no_args_is_help=True)
app.add_typer(docs_app, name="docs")


@docs_app.command("status")
def docs_status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what was read of each source, when, and what was left out."""
    from ratchet.cli import docs as cli_docs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_docs.status(quiet_settings(), as_json=as_json))


@docs_app.command("refresh")
def docs_refresh(
    names: Annotated[list[str] | None, typer.Argument(help="Names of sources; none: all.")] = None,
    embed: Annotated[bool, typer.Option(help="Embed what is new here, and not in the background.")] = True,
) -> None:
    """Read now what changed in the documents."""
    from ratchet.cli import docs as cli_docs  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_docs.refresh(quiet_settings(), names or [], embed=embed))


mcp_app = typer.Typer(
    help="The external MCP servers whose tools the assistant may use.", no_args_is_help=True
)
app.add_typer(mcp_app, name="mcp")


@mcp_app.command("list")
def mcp_list(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Connect to every server and say what it offers, what is left out, and why."""
    from ratchet.cli import mcp as cli_mcp  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_mcp.show(quiet_settings(), as_json=as_json))


@mcp_app.command("call")
def mcp_call(
    server: Annotated[str, typer.Argument(help="The server's name.")],
    tool: Annotated[str, typer.Argument(help="The tool's name, as the server or as we call it.")],
    arguments: Annotated[str, typer.Argument(help="Its arguments, a JSON object.")] = "{}",
) -> None:
    """Call a tool and print its result, to try it out. Asks for no approval: whoever types it gave it."""
    from ratchet.cli import mcp as cli_mcp  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_mcp.call(quiet_settings(), server, tool, arguments))


model_app = typer.Typer(help="The language models: what they can do, and fetching one.", no_args_is_help=True)
app.add_typer(model_app, name="model")


@model_app.command("check")
def model_check(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Try what works with each language model: chat, tools, JSON, embeddings; asks each a little."""
    from ratchet.cli import model as cli_model  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_model.check(quiet_settings(), as_json=as_json))


@model_app.command("pull")
def model_pull(
    name: Annotated[str | None, typer.Argument(help="The model; none: that of the settings.")] = None,
    url: Annotated[str | None, typer.Option(help="Where Ollama is, without /v1.")] = None,
) -> None:
    """Fetch a model into Ollama. Safe to repeat; goes on where it was stopped."""
    from ratchet.cli import model as cli_model  # noqa: PLC0415  # heavy

    with told():
        asyncio.run(cli_model.pull(quiet_settings(), name, url))

"""`ratchet doctor`: each part tried, each with what to do when it does not work."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import typer
from rich.console import Console
from rich.text import Text

from ratchet.app import chosen_models, open_server
from ratchet.cli.base import clean
from ratchet.cli.mcp import connected
from ratchet.documents.base import NOTHING
from ratchet.domain.errors import Misconfigured, RatchetError
from ratchet.llm.check import check_model
from ratchet.llm.fallback import open_models
from ratchet.settings import Settings
from ratchet.slack.scopes import OPTIONAL, REQUIRED
from ratchet.slack.web import SlackConfig, open_web
from ratchet.store.migrate import pending
from ratchet.store.pool import connect

State = Literal["ok", "note", "problem"]
# A model on this machine may have to be loaded first.
PART_S: Final = 180.0
MAX_SKEW_S: Final = 60.0
LOW_DISK: Final = 2 * 1024**3
VERSIONS: Final = """
select current_setting('server_version'),
       coalesce((select extversion from pg_extension where extname = 'vector'), 'not created yet'),
       extract(epoch from clock_timestamp())::float8, pg_size_pretty(pg_database_size(current_database()))
"""
MARKS: Final = {"ok": ("ok     ", "green"), "note": ("note   ", "yellow"), "problem": ("problem", "bold red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `remedy` says what to do; "" where nothing is to be done."""

    part: str
    state: State
    detail: str
    remedy: str = ""


Part = Callable[[Settings], AsyncGenerator[Finding, None]]


async def run(load: Callable[[], Settings], *, as_json: bool) -> None:
    """Print a line for each finding as it comes. Exit status 1 when there is a problem."""
    findings = []
    async with aclosing(_examined(load)) as found:
        async for one in found:
            finding = replace(one, detail=clean(one.detail))
            findings.append(finding)
            if not as_json:
                _print(finding)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    problems = sum(finding.state == "problem" for finding in findings)
    if not as_json:
        typer.echo(f"\n{problems} problems." if problems else "\nAll is well.")
    if problems:
        raise typer.Exit(1)


async def _examined(load: Callable[[], Settings]) -> AsyncGenerator[Finding, None]:
    try:
        settings = load()
    except Misconfigured as error:
        for line in str(error).splitlines():
            yield Finding("settings", "problem", line, "docs/configuration.md has every setting")
        return
    yield Finding("settings", "ok", "every value is valid")
    for name, part in PARTS.items():
        try:
            async with asyncio.timeout(PART_S), aclosing(part(settings)) as found:
                async for finding in found:
                    yield finding
        except TimeoutError:
            yield Finding(name, "problem", f"no end within {PART_S:g} s", "see the log of whatever is asked")
        except RatchetError as error:
            yield Finding(name, "problem", str(error))


async def slack(settings: Settings) -> AsyncGenerator[Finding, None]:
    bot_token, app_token = settings.slack_tokens()
    async with open_web(SlackConfig(bot_token, app_token, settings.slack_url)) as web:
        account = await web.auth_test()
        yield Finding("slack", "ok", f"the bot token is valid, for the workspace {account.team_name}")
        if missing := sorted(REQUIRED - account.scopes):
            remedy = "add them on the app's page, OAuth & Permissions, and reinstall the app"
            yield Finding("scopes", "problem", f"missing: {', '.join(missing)}", remedy)
        else:
            yield Finding("scopes", "ok", f"all {len(REQUIRED)} that are needed")
        for scope in sorted(set(OPTIONAL) - account.scopes):
            yield Finding("scopes", "note", f"without {scope} {OPTIONAL[scope]}")
        await web.check_app_token(app_token)
        yield Finding("socket", "ok", "the app token opens connections")
        if (there := await web.clock()) is not None:
            yield _clock("Slack", (datetime.now(UTC) - there).total_seconds())


async def database(settings: Settings) -> AsyncGenerator[Finding, None]:
    async with open_server(settings) as (conninfo, server):
        async with await connect(conninfo) as conn:
            row = await (await conn.execute(VERSIONS)).fetchone()
        assert row is not None
        version, vector, there, size = row
        kind = "embedded " if server is not None else ""
        yield Finding("database", "ok", f"{kind}PostgreSQL {version}, pgvector {vector}, {size}")
        yield _clock("the database", datetime.now(UTC).timestamp() - float(there))
        waiting = await pending(conninfo)
        detail = f"{len(waiting)} are applied at the next start" if waiting else "all are applied"
        yield Finding("migrations", "note" if waiting else "ok", detail)


async def disk(settings: Settings) -> AsyncGenerator[Finding, None]:
    place = settings.data_dir
    while not place.exists():  # nothing is waited for: up to a folder that is there
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:.1f} GB free at {place}"
    if free < LOW_DISK:
        yield Finding("disk", "problem", detail, "make room, or set RATCHET_DATA_DIR to a larger disk")
    else:
        yield Finding("disk", "ok", detail)


async def models(settings: Settings) -> AsyncGenerator[Finding, None]:
    configs = await chosen_models(settings)
    if not configs:
        yield Finding("model", "note", "there is none: answers are quotes from the record", "docs/models.md")
        return
    opened = open_models(configs)
    try:
        for candidate in opened.candidates:
            report = await check_model(candidate)
            for one in report.checks:
                state: State = "problem" if one.ok is False else "ok" if one.ok else "note"
                yield Finding(
                    f"model {report.model}", state, f"{one.what}: {one.detail or state}", one.remedy
                )
    finally:
        await opened.aclose()


async def documents(settings: Settings) -> AsyncGenerator[Finding, None]:
    if not settings.sources:
        yield Finding("documents", "note", "no source is configured", "docs/documents.md")
    for source in settings.sources:
        try:
            async with source.session(NOTHING) as session:
                listing = await session.list()
        except (RatchetError, OSError, TimeoutError) as error:
            yield Finding(f"documents {source.name}", "problem", str(error) or "no answer in time")
            continue
        left_out = f", {len(listing.problems)} left out" if listing.problems else ""
        yield Finding(f"documents {source.name}", "ok", f"{len(listing.files)} files{left_out}")


async def mcp(settings: Settings) -> AsyncGenerator[Finding, None]:
    if not settings.external_servers:
        return
    async with connected(settings) as client:
        for server in client.status():
            if server.problem:
                yield Finding(f"mcp {server.name}", "problem", server.problem, "ratchet mcp list says more")
            else:
                yield Finding(f"mcp {server.name}", "ok", f"{server.state}, {len(server.tools)} tools")


PARTS: Final[dict[str, Part]] = {
    "slack": slack,
    "database": database,
    "disk": disk,
    "model": models,
    "documents": documents,
    "mcp": mcp,
}


def _clock(whose: str, skew_s: float) -> Finding:
    if abs(skew_s) > MAX_SKEW_S:
        detail = f"this machine's differs from that of {whose} by {skew_s:+.0f} s"
        return Finding("clock", "problem", detail, "let NTP set it (systemd-timesyncd, chrony)")
    return Finding("clock", "ok", f"within {MAX_SKEW_S:g} s of that of {whose}")


def _print(finding: Finding) -> None:
    mark, style = MARKS[finding.state]
    remedy = f"\n          → {finding.remedy}" if finding.remedy and finding.state != "ok" else ""
    line = Text.assemble((mark, style), f"  {finding.part}: {finding.detail}{remedy}")
    Console(highlight=False, soft_wrap=True).print(line)

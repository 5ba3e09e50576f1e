"""`ratchet dev`: a local Slack, the example workspace and Ratchet, in one process."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from localgithub import LocalGitHub
from localslack import LocalSlack, example_path
from localslack.errors import WorkspaceFileError
from localslack.export import load as load_workspace
from localslack.workspace import Workspace
from ratchet import app as house
from ratchet.domain.errors import Misconfigured
from ratchet.handlers.update_docs import SHORTCUT
from ratchet.llm.redact import redact_event
from ratchet.llm.testing import ModelServer
from ratchet.llm.testing.demo import demo
from ratchet.settings import Settings
from ratchet.settings import load as load_settings
from ratchet.store.channels import Channels
from ratchet.telemetry import configure_logging

NEWEST_MINUTES_AGO: Final = 30.0
HISTORY_MESSAGES: Final = 5000
REPOSITORY: Final = "harbor/docs"

console = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Options:
    """Ports: 0 takes a free one. `workspace` None: the example.

    `scripted_model`: answers come from a script that understands nothing, in place of a language model.
    """

    port: int
    http_port: int
    workspace: Path | None
    verbose: bool
    scripted_model: bool = False


async def run(options: Options, signals: Callable[[], asyncio.Event]) -> None:
    """Until Ctrl-C. Everything lives in a temporary directory, since the local Slack forgets as well."""
    started = time.monotonic()
    configure_logging("info" if options.verbose else "error", human=True, clean=redact_event)
    stop = signals()
    workspace = _workspace(options)
    with tempfile.TemporaryDirectory(prefix="ratchet-dev-") as directory:
        async with AsyncExitStack() as stack:
            slack = await stack.enter_async_context(
                LocalSlack.serve(workspace, port=_free(options.port, "--port"))
            )
            github = await _github(stack, Path(directory)) if options.workspace is None else None
            own = await _scripted_model(stack) if options.scripted_model else {}
            settings = _settings(options, slack, Path(directory), github, own)
            console.print("Starting PostgreSQL and Ratchet …")
            async with asyncio.TaskGroup() as group:
                ready: asyncio.Future[house.Ratchet] = asyncio.get_running_loop().create_future()
                group.create_task(house.run(settings, stop, on_ready=ready.set_result))
                group.create_task(_announce(ready, slack, settings, started, github))


async def _announce(
    ready: asyncio.Future[house.Ratchet],
    slack: LocalSlack,
    settings: Settings,
    started: float,
    github: LocalGitHub | None,
) -> None:
    """Say where to look, once the history is read."""
    ratchet = await ready
    with console.status("Reading the workspace's history …"):
        await _history_read(ratchet, slack)
    model = ratchet.runner.model if ratchet.runner else "none (answers are quotes from the record)"
    links = [("Ratchet's API", f"http://{settings.http_addr}/openapi.json")]
    documents = f"{github.url}/{REPOSITORY}" if github else "a directory, or none"
    await slack.control.links([*links, *([("The documents", documents)] if github else [])])
    await slack.control.do("shortcuts", {"shortcuts": [{"label": "Update docs", "callback_id": SHORTCUT}]})
    console.print(
        f"""
[bold]Ratchet is ready[/bold] after {time.monotonic() - started:.0f} s.

  Open       [link={slack.url}]{slack.url}[/link]
  Pages      [link=http://{settings.http_addr}/]http://{settings.http_addr}/[/link]
  API        http://{settings.http_addr}/api/services
  Documents  {documents}
  Model      {model}

Fire an alert from the page's menu and watch its thread;
write “@ratchet how do I …” in a channel;
or use “Update docs” at a message: a pull request of what its thread found.
Ctrl-C ends it; nothing is kept."""
    )


async def _history_read(ratchet: house.Ratchet, slack: LocalSlack) -> None:
    """Until every channel that the bot is in is read, threads included."""
    workspace = slack.workspace
    wanted = {c.id for c in workspace.channels.values() if workspace.bot.id in c.members}
    channels = Channels(ratchet.store.db)
    while not (wanted <= await channels.onboarded() and await _idle(ratchet)):  # noqa: ASYNC110  another process may do it
        await asyncio.sleep(0.2)


async def _idle(ratchet: house.Ratchet) -> bool:
    return not any(kind.queued + kind.running for kind in await ratchet.store.queue.stats())


def _workspace(options: Options) -> Workspace:
    try:
        return load_workspace(
            options.workspace or example_path(),
            newest_minutes_ago=NEWEST_MINUTES_AGO if options.workspace is None else None,
            whole_days=True,
        )
    except WorkspaceFileError as error:
        raise Misconfigured(f"--workspace: {error}") from error


async def _github(stack: AsyncExitStack, directory: Path) -> LocalGitHub | None:
    """The example's documents as a repository of their own; None without git."""
    if shutil.which("git") is None:
        return None
    root = directory / "github"
    root.mkdir()
    github = await stack.enter_async_context(LocalGitHub.serve(root))
    folder = example_path() / "documents"
    files: dict[str, str | bytes] = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.md"))
    }
    owner, repo = REPOSITORY.split("/")
    await github.hub.add_repo(owner, repo, files)
    return github


async def _scripted_model(stack: AsyncExitStack) -> dict[str, object]:
    """The settings of a model that is a script: what it says is real, that it understands is not."""
    server = await stack.enter_async_context(ModelServer(demo).serve())
    return {"openai_url": server.url, "openai_model": "scripted", "openai_api_key": "scripted"}


def _settings(
    options: Options,
    slack: LocalSlack,
    directory: Path,
    github: LocalGitHub | None,
    more: Mapping[str, object],
) -> Settings:
    """The environment's settings but for Slack, the database and the port, which are the demo's own."""
    http_port = _free(options.http_port, "--http-port")
    own: dict[str, object] = {
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "slack_url": slack.api_url,
        "slack_dev_channel": None,
        "database_url": None,
        "database_host": None,
        "database_port": None,
        "database_user": None,
        "database_pass": None,
        "database_name": None,
        "data_dir": directory,
        "http_addr": f"127.0.0.1:{http_port}",
        "http_token": None,
        "dev_mode": True,
        "onboard_messages": HISTORY_MESSAGES,
    }
    if options.workspace is None:
        own["documentation"] = _documents(directory, github)
    return load_settings(own | dict(more))


def _documents(directory: Path, github: LocalGitHub | None) -> Path:
    """A sources file for the example workspace's documents."""
    source: dict[str, object] = {
        "name": "harbor-docs",
        "type": "directory",
        "directory": {"path": str(example_path() / "documents")},
    }
    if github is not None:
        owner, repo = REPOSITORY.split("/")
        access = {"github_url": github.url, "owner": owner, "repo": repo, "token": github.hub.add_token()}
        source = {"name": "harbor-docs", "type": "github", "github": access}
    path = directory / "documentation.yaml"
    path.write_text(json.dumps({"sources": [source]}), "utf-8")
    return path


def _free(port: int, option: str) -> int:
    """The port, or another when it is taken: a demo should start."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            console.print(f"Port {port} is taken; another one is used. Choose with {option}.")
            return _free(0, option)
        return int(probe.getsockname()[1])

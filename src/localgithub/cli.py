"""`localgithub`: serve a directory of documents as a repository until interrupted."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from localgithub.server import LocalGitHub

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    documents: Annotated[Path, typer.Argument(help="A directory; its files are the first commit.")],
    *,
    repo: Annotated[str, typer.Option(help="OWNER/NAME of the repository.")] = "example/documents",
    port: Annotated[int, typer.Option(help="0 takes a free port.", min=0, max=65535)] = 8066,
) -> None:
    """Serve a GitHub with one repository on 127.0.0.1, and print a token for it."""
    owner, slash, name = repo.partition("/")
    if not slash or not owner or not name or "/" in name or not documents.is_dir():
        typer.echo("localgithub: give a directory, and --repo as OWNER/NAME", err=True)
        raise typer.Exit(2)
    files = {
        path.relative_to(documents).as_posix(): path.read_bytes()
        for path in sorted(documents.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(documents).parts
    }
    try:
        asyncio.run(_run(owner, name, files, port))
    except OSError as error:
        typer.echo(f"localgithub: cannot listen on port {port}: {error}; choose another --port", err=True)
        raise typer.Exit(1) from None


async def _run(owner: str, name: str, files: dict[str, bytes], port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with TemporaryDirectory(prefix="localgithub-") as root:
        async with LocalGitHub.serve(Path(root), port=port) as server:
            await server.hub.add_repo(owner, name, files)
            token = server.hub.add_token()
            typer.echo(f"localgithub: {server.url}/{owner}/{name}  (API {server.api_url}, token {token})")
            await stop.wait()


def main() -> None:
    app()

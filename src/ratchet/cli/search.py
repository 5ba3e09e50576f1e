"""`ratchet search`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import typer
from rich.console import Console

from ratchet.app import open_store
from ratchet.app.embedding import open_embedding
from ratchet.cli.backtest import parse_since
from ratchet.domain.documents import DocumentHit
from ratchet.domain.errors import Refused
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.document_search import DocumentSearch
from ratchet.store.pool import Database
from ratchet.store.search import Hit, Search, Within
from ratchet.tools.base import ANY_WORKSPACE, WorkspaceLinks

PASSAGE_CHARS: Final = 300
LINKS: Final = WorkspaceLinks(ANY_WORKSPACE)


@dataclass(frozen=True, slots=True)
class Options:
    """`docs`: only documents, or only messages; None for both. `channel`, `author`: name or id.

    `since`: a date, or days back as 30d.
    """

    docs: bool | None = None
    channel: str | None = None
    author: str | None = None
    since: str | None = None
    limit: int = 10
    as_json: bool = False

    @property
    def narrowed(self) -> bool:
        """To what only messages have."""
        return any((self.channel, self.author, self.since))


async def run(settings: Settings, query: str, options: Options) -> None:
    """Print what is found, private channels included. Raises Misconfigured, Refused."""
    if options.docs and options.narrowed:
        raise Refused("--docs: documents have no --channel, --from or --since.")
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        embedder = (await stack.enter_async_context(open_embedding(settings, store.db))).questions
        hits: Sequence[Hit] = ()
        documents: Sequence[DocumentHit] = ()
        if not options.docs:
            within = await _within(store.db, options)
            hits = await Search(store.db, embedder).find(query, within, options.limit)
        if options.docs or (options.docs is None and not options.narrowed):
            documents = await DocumentSearch(store.db, embedder).find(query, options.limit)
    if options.as_json:
        found = {
            "messages": [_message(hit) for hit in hits],
            "documents": [asdict(hit) for hit in documents],
        }
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(hits, documents)


async def _within(db: Database, options: Options) -> Within:
    channel = author = None
    if options.channel is not None:
        found = await Channels(db).find(options.channel)
        if found is None:
            raise Refused(f"--channel: no channel {options.channel!r} is recorded; give name or id")
        channel = [found.id]
    if options.author is not None:
        author = await Channels(db).person(options.author)
        if author is None:
            raise Refused(f"--from: nobody recorded is called {options.author!r}; give name or id")
    since = parse_since(options.since, datetime.now(UTC)) if options.since else None
    return Within(everywhere=True, channel_ids=channel, author=author, since=since)


def _show(hits: Sequence[Hit], documents: Sequence[DocumentHit]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for hit in hits:
        console.print(
            f"#{hit.channel} · {hit.author} · {hit.posted_at:%Y-%m-%d %H:%M} UTC", style="bold", markup=False
        )
        console.print(f"  {hit.snippet}", markup=False)
        console.print(f"  {_link(hit)}", style="dim", markup=False)
    for document in documents:
        console.print(
            " › ".join(filter(None, (document.title, document.heading))), style="bold", markup=False
        )
        console.print(f"  {' '.join(document.passages[0].text.split())[:PASSAGE_CHARS]}", markup=False)
        console.print(f"  {document.url or document.id}", style="dim", markup=False)
    if not hits and not documents:
        console.print("Nothing was found. Try other or fewer words.")


def _link(hit: Hit) -> str:
    return LINKS(hit.ref.channel_id, hit.ref.ts, hit.thread_ts)


def _message(hit: Hit) -> dict[str, Any]:
    return {
        "channel_id": hit.ref.channel_id,
        "ts": hit.ref.ts,
        "thread_ts": hit.thread_ts,
        "channel": hit.channel,
        "author": hit.author,
        "posted_at": hit.posted_at.isoformat(),
        "text": hit.snippet,
        "permalink": _link(hit),
        "score": hit.score,
    }

"""`ratchet ask`: the assistant's answer in the terminal. Nothing is stored, nothing is posted."""

from __future__ import annotations

import json
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace

import typer
from rich.console import Console
from rich.markdown import Markdown

from ratchet.app import chosen_models, open_store, recorded, runbook_rooms
from ratchet.app.embedding import open_embedding
from ratchet.domain.effects import Reply
from ratchet.domain.errors import Refused
from ratchet.domain.messages import Channel, Message, Sender
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.llm.connect import connect
from ratchet.settings import Settings
from ratchet.store.channels import Channels
from ratchet.store.document_search import DocumentSearch
from ratchet.store.pool import Database
from ratchet.store.reader import Reader
from ratchet.tools.base import ANY_WORKSPACE, WorkspaceLinks
from ratchet.web.services import utc_now

ME = "U0RATCHET"


@dataclass(frozen=True, slots=True)
class Options:
    """`channel`: id or name, as if it were asked there; None sees public channels only."""

    channel: str | None = None
    as_json: bool = False


async def run(settings: Settings, question: str, options: Options) -> None:
    """Print the answer. Raises Refused for an unknown channel."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        assistant = await _assistant(settings, store.db, stack)
        channel = Channel("", "terminal", "im")
        if options.channel is not None:
            found = await Channels(store.db).find(options.channel)
            if found is None:
                raise Refused(f"--channel: no channel {options.channel!r} is recorded; give name or id")
            channel = replace(found, mode="mention")
        ts = f"{time.time():.6f}"
        message = Message(channel.id, ts, Sender("person", "U0OPERATOR", "the operator"), question, ts)
        [effect] = await assistant.handle(Trigger(message, channel, ME))
    assert isinstance(effect, Reply)
    if options.as_json:
        footer = asdict(effect.footer) if effect.footer else {}
        typer.echo(json.dumps({"question": question, "answer": effect.markdown, **footer}, indent=2))
    else:
        Console().print(Markdown(effect.markdown))


async def _assistant(settings: Settings, db: Database, stack: AsyncExitStack) -> Assistant:
    """As `ratchet run` has it, but for the tools of other programs: nobody could approve them here."""
    models = await chosen_models(settings)
    runner = connect(models) if models else None
    if runner is not None:
        stack.push_async_callback(runner.aclose)
    told = ToldRunbooks(*runbook_rooms(db, ANY_WORKSPACE), utc_now)
    embedding = await stack.enter_async_context(open_embedding(settings, db))
    reader = Reader(db, embedder=embedding.questions)
    return Assistant(
        reader,
        WorkspaceLinks(ANY_WORKSPACE),
        recorded(runner, db, settings),
        told,
        reader,
        settings.turn_budget,
        documents=DocumentSearch(db, embedding.questions),
    )

"""The assistant for a page: the same turn, from public channels and documents; nothing is posted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ratchet.app.handlers import QUOTES_S, runbook_rooms
from ratchet.domain.effects import Reply
from ratchet.domain.errors import Refused
from ratchet.domain.messages import Channel, Message, Sender
from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Trigger
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.llm.watched import WatchedRunner
from ratchet.settings import Settings
from ratchet.store.help_threads import HelpThreads
from ratchet.store.reader import Reader
from ratchet.tools.base import PUBLIC, WorkspaceLinks
from ratchet.web.services import Ask, utc_now

if TYPE_CHECKING:
    from ratchet.app import Ratchet

OPERATOR: Final = Sender("person", "U0OPERATOR", "the operator")
HERE: Final = Channel(PUBLIC, "a web page", "im")


def asker(ratchet: Ratchet, settings: Settings) -> Ask:
    """As in a direct message, but nobody could agree to anything here, so no such tool is offered."""
    db = ratchet.store.db
    links = WorkspaceLinks(ratchet.account.team_url)
    reader = Reader(db, embedder=ratchet.embedding.questions)
    told = ToldRunbooks(*runbook_rooms(db, ratchet.account.team_url), utc_now)

    async def ask(question: str, progress: Callable[[str], None]) -> Reply:
        assistant = Assistant(
            reader,
            links,
            WatchedRunner(ratchet.runner, progress) if ratchet.runner else None,
            told,
            reader,
            settings.turn_budget,
            timeout_s=settings.turn_seconds + QUOTES_S,
            documents=ratchet.documents,
            gaps=HelpThreads(db),
        )
        ts = f"{time.time():.6f}"
        message = Message(HERE.id, ts, OPERATOR, question, ts)
        for effect in await assistant.handle(Trigger(message, HERE, ratchet.account.identity.user_id)):
            if isinstance(effect, Reply):
                return effect
        raise Refused("No answer came of it. Ask in other words.")

    return ask

"""The message shortcut "Update docs": a thread becomes a proposed change, or an honest answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from ratchet.domain.documents import DocumentHit
from ratchet.domain.effects import DirectMessage, Effect, Footer, Reply
from ratchet.domain.errors import RatchetError, Transient
from ratchet.domain.messages import Channel, Message
from ratchet.handlers.assistant import text_of
from ratchet.handlers.base import Permalinks, RecordReader
from ratchet.handlers.citations import Known, clean, permalinks, urls
from ratchet.handlers.pages import named_page, worth_citing
from ratchet.handlers.proposing import asked, proposals_of
from ratchet.handlers.transcript import prompt
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import Tool, Turn, TurnResult, TurnRunner
from ratchet.tools.base import DocumentReader, minute
from ratchet.tools.docread import DocReadTool
from ratchet.tools.docsearch import DocSearchTool
from ratchet.tools.docupdate import DocUpdateTool
from ratchet.tools.proposals import DocumentDesk, Proposals

log = structlog.get_logger(__name__)

MODULE: Final = "update_docs"
SHORTCUT: Final = "update_docs"
THREAD_MESSAGES: Final = 300
QUERY_CHARS: Final = 1_500
ANSWER_CHARS: Final = 8_000
ASK: Final = "Bring the documents up to date with what this thread found."
NO_SOURCES: Final = "There are no documents to update: RATCHET_DOCUMENTATION names no source."
SILENT: Final = "I may not speak in that channel, so I propose nothing from it."
NO_MODEL: Final = "To propose the change itself I need a language model, and none is configured."
NO_ANSWER: Final = (
    "To propose the change itself I need the language model, and it did not answer. Try again later."
)
NEAREST: Final = "The page that comes closest to this thread is {page}."
NO_PAGE: Final = "No page comes close to what this thread says."
NOTHING: Final = "I propose no change: I found nothing lasting in this thread that the documents lack."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody, `user_id`, used the shortcut on the message."""

    message: Message
    channel: Channel
    user_id: str


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class UpdateDocs:
    """`documents` is None where there are none, `runner` without a model."""

    reader: RecordReader
    links: Permalinks
    documents: DocumentReader | None
    desk: DocumentDesk | None
    runner: TurnRunner | None = None
    budget: Budget = field(default_factory=Budget)
    clock: Callable[[], datetime] = _now
    redactor: Redactor = redact
    name: str = MODULE

    async def propose(self, wanted: Wanted) -> Sequence[Effect]:
        """What to say and to ask. Raises Transient when it is worth waiting for the model."""
        if not wanted.channel.speaks or wanted.channel.archived:
            return [DirectMessage(SILENT, user_id=wanted.user_id)]
        if self.documents is None or self.desk is None:
            return [self._reply(wanted, NO_SOURCES)]
        thread = await self.reader.read_thread(
            wanted.message.channel_id,
            wanted.message.thread_ts,
            visible_from=wanted.message.channel_id,
            limit=THREAD_MESSAGES,
        )
        if self.runner is None:
            return [await self._nearest(wanted, thread, NO_MODEL)]
        return await self._by_model(wanted, thread, self.documents, self.runner)

    async def _by_model(
        self, wanted: Wanted, thread: Sequence[Message], documents: DocumentReader, runner: TurnRunner
    ) -> Sequence[Effect]:
        proposals = proposals_of(self.desk, wanted.message, thread)
        assert proposals is not None
        try:
            result = await runner.run_turn(self._turn(wanted, thread, documents, proposals))
        except Transient as transient:
            if transient.retry_after is not None:
                raise
            return [await self._nearest(wanted, thread, NO_ANSWER)]
        except RatchetError as error:
            log.warning("update_docs_without_model", ref=str(wanted.message.ref), reason=str(error))
            return [await self._nearest(wanted, thread, NO_ANSWER)]
        said = self._said(result, thread) or NOTHING
        questions = asked(proposals, wanted.message, wanted.channel, self.links, wanted.user_id)
        return [self._reply(wanted, said, _footer(self.name, result)), *questions]

    def _turn(
        self, wanted: Wanted, thread: Sequence[Message], documents: DocumentReader, proposals: Proposals
    ) -> Turn:
        context = f"Now: {minute(self.clock())}."
        return Turn(
            instructions=f"{text_of('assistant')}\n\n{text_of('update_docs')}",
            prompt=prompt(ASK, context, thread),
            tools=(
                Tool(DocSearchTool(documents).docsearch),
                Tool(DocReadTool(documents).docread),
                Tool(DocUpdateTool(documents, proposals).docupdate),
            ),
            budget=self.budget,
            purpose=self.name,
            channel_id=wanted.channel.id,
        )

    def _said(self, result: TurnResult, thread: Sequence[Message]) -> str:
        data = [call.data for call in result.tool_results]
        names = {m.sender.id: m.sender.name for m in thread if m.sender.id and m.sender.name}
        known = Known(
            permalinks=frozenset(permalinks(data)),
            urls=frozenset(urls([data, [message.text for message in thread]])),
            names=names,
        )
        return clean(cut(self.redactor(result.text), ANSWER_CHARS), known)

    async def _nearest(self, wanted: Wanted, thread: Sequence[Message], why: str) -> Reply:
        """Without a model: the page that it may belong to."""
        assert self.documents is not None
        text = "\n".join(m.text for m in thread if m.sender.kind == "person") or wanted.message.text
        query = text[:QUERY_CHARS]
        hits: Sequence[DocumentHit] = worth_citing(await self.documents.find(query), query)
        page = NEAREST.format(page=named_page(hits[0], hits[0].heading)) if hits else NO_PAGE
        return self._reply(wanted, f"{page} {why}")

    def _reply(self, wanted: Wanted, text: str, footer: Footer | None = None) -> Reply:
        message = wanted.message
        return Reply(message.channel_id, message.thread_ts, text, footer or Footer(self.name))


def _footer(module: str, result: TurnResult) -> Footer:
    usage = result.usage
    return Footer(
        module,
        model=result.model,
        model_calls=usage.requests,
        tokens=usage.tokens,
        cost_usd=usage.cost_usd,
        seconds=usage.seconds,
    )

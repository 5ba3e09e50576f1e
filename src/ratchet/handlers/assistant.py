"""Answers a question in its thread: by a model with tools, else by quotes from the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Final

import structlog

from ratchet.domain.effects import Effect, Footer, Reply
from ratchet.domain.errors import RatchetError, Transient
from ratchet.domain.messages import Channel, Message
from ratchet.handlers.base import Permalinks, RecordReader, Trigger
from ratchet.handlers.citations import Known, clean, permalinks, urls
from ratchet.handlers.extract import best_reply
from ratchet.handlers.mentions import addressed, is_request, question
from ratchet.handlers.quotes import answered, quoted, worth_quoting
from ratchet.handlers.transcript import prompt
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import Turn, TurnResult, TurnRunner
from ratchet.tools import builtin
from ratchet.tools.base import RunbookReader, ToolDeps, author, minute

log = structlog.get_logger(__name__)

NO_MODEL: Final = "_No language model is configured, so these are quotes from the record, not an answer._"
NO_ANSWER: Final = "_The language model did not answer, so these are quotes from the record, not an answer._"
NOTHING: Final = "I found nothing about that in the messages I may read from this channel."
NOTHING_NO_MODEL: Final = f"{NOTHING} _No language model is configured; I only searched for the words._"
NOTHING_NO_ANSWER: Final = f"{NOTHING} _The language model did not answer; I only searched for the words._"

ANSWER_CHARS: Final = 24_000
THREAD_MESSAGES: Final = 200
SEARCHED: Final = 20
# A person waits: a model that is busy for longer than this, or for the second time, is not waited for.
WAIT_AT_MOST_S: Final = 20.0
QUESTION_FRESH_S: Final = 60.0


@cache
def text_of(name: str) -> str:
    """A prompt beside this file, by its name without `.md`."""
    return (resources.files("ratchet.handlers") / "prompts" / f"{name}.md").read_text("utf-8").strip()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Assistant:
    """`runner` is None when no model is configured."""

    reader: RecordReader
    links: Permalinks
    runner: TurnRunner | None = None
    runbooks: RunbookReader | None = None
    budget: Budget = field(default_factory=Budget)
    clock: Callable[[], datetime] = _now
    redactor: Redactor = redact
    name: str = "assistant"
    # Above the budget's own seconds, so that an exhausted turn still ends in quotes.
    timeout_s: float = 120.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and not is_request(trigger.message.text, trigger.me_user_id)

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        asked = question(trigger.message.text, trigger.me_user_id)
        if not asked:
            return [replace(self._reply(trigger, text_of("assistant_help")), feedback=False)]
        thread = await self._thread(trigger.message)
        answer = await self._by_model(trigger, asked, thread) if self.runner else None
        return [answer or await self._by_quotes(trigger, asked, thread)]

    async def _thread(self, message: Message) -> Sequence[Message]:
        return await self.reader.read_thread(
            message.channel_id, message.thread_ts, visible_from=message.channel_id, limit=THREAD_MESSAGES
        )

    async def _by_model(self, trigger: Trigger, asked: str, thread: Sequence[Message]) -> Reply | None:
        """The model's answer, or None when there is none. Raises `Transient` when it is worth waiting for."""
        assert self.runner is not None
        turn = self._turn(trigger, asked, thread)
        try:
            result = await self.runner.run_turn(turn)
        except RatchetError as error:
            if self._worth_waiting(error, trigger.message):
                raise
            log.warning("assistant_without_model", ref=str(trigger.message.ref), reason=str(error))
            return None
        log.info("assistant_turn", **_figures(turn, result))
        markdown = clean(cut(self.redactor(result.text), ANSWER_CHARS), _known(result, thread))
        return self._reply(trigger, markdown, _footer(self.name, result)) if markdown else None

    def _turn(self, trigger: Trigger, asked: str, thread: Sequence[Message]) -> Turn:
        channel = trigger.channel
        earlier = [message for message in thread if message.ts != trigger.message.ts]
        return Turn(
            instructions=text_of("assistant"),
            prompt=prompt(
                asked,
                author(trigger.message),
                _place(channel),
                minute(self.clock()),
                earlier,
            ),
            tools=builtin(ToolDeps(self.reader, self.links, self.clock, self.runbooks), channel.id),
            budget=self.budget,
        )

    async def _by_quotes(self, trigger: Trigger, asked: str, thread: Sequence[Message]) -> Reply:
        message = trigger.message
        query = asked if message.parent_ts is None else f"{asked}\n{_headline(thread)}"
        hits = await self.reader.search_messages(query, visible_from=message.channel_id, limit=SEARCHED)
        chosen = worth_quoting(hits, query, message.thread_ts, message.channel_id)
        if not chosen:
            return self._reply(trigger, NOTHING_NO_ANSWER if self.runner else NOTHING_NO_MODEL)
        names = _names([*thread, *hits])
        pairs = {hit.ref: await self._answer(hit, message.channel_id) for hit in chosen}
        # A reply may be found by itself and as the answer to its question: say it once, as the answer.
        answers = {answer.ref for answer in pairs.values() if answer is not None}
        parts = []
        for hit in chosen:
            answer = pairs[hit.ref]
            if answer is None and hit.ref not in answers:
                parts.append(quoted(hit, query, self.links, names))
            elif answer is not None:
                parts.append(answered(hit, quoted(answer, query, self.links, names | _names([answer]))))
        return self._reply(
            trigger, "\n\n".join([*map(self.redactor, parts), NO_ANSWER if self.runner else NO_MODEL])
        )

    async def _answer(self, hit: Message, asked_in: str) -> Message | None:
        """The best of what people answered under a question or an alert; None when nobody did."""
        if hit.parent_ts is not None:
            return None
        thread = await self.reader.read_thread(hit.channel_id, hit.ts, visible_from=asked_in)
        return best_reply(
            [m for m in thread[1:] if m.sender.kind == "person" and m.sender.id != hit.sender.id]
        )

    def _worth_waiting(self, error: RatchetError, message: Message) -> bool:
        """A fresh question to a model that asks for a short moment goes back to the queue."""
        if not isinstance(error, Transient) or error.retry_after is None:
            return False
        age = (self.clock() - message.posted_at).total_seconds()
        return error.retry_after <= WAIT_AT_MOST_S and age <= QUESTION_FRESH_S

    def _reply(self, trigger: Trigger, markdown: str, footer: Footer | None = None) -> Reply:
        message = trigger.message
        footer = footer or Footer(self.name)
        return Reply(message.channel_id, message.thread_ts, markdown, footer, feedback=True)


def _place(channel: Channel) -> str:
    if channel.kind in {"im", "mpim"}:
        return "a direct message"
    return f"#{channel.name or channel.id} ({channel.kind})"


def _headline(thread: Sequence[Message]) -> str:
    """The beginning of what the thread stands under."""
    return thread[0].text[:200] if thread else ""


def _names(messages: Sequence[Message]) -> dict[str, str]:
    return {m.sender.id: m.sender.name for m in messages if m.sender.id and m.sender.name}


def _known(result: TurnResult, thread: Sequence[Message]) -> Known:
    data = [call.data for call in result.tool_results]
    return Known(
        permalinks=frozenset(permalinks(data)),
        urls=frozenset(urls([data, [message.text for message in thread]])),
        names=_names(thread),
    )


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


def _figures(turn: Turn, result: TurnResult) -> dict[str, object]:
    """For the log: what it cost and by which prompt, nothing that anyone wrote."""
    return {
        "model": result.model,
        "prompt_hash": hashlib.sha256(turn.instructions.encode()).hexdigest()[:12],
        "requests": result.usage.requests,
        "tool_calls": result.usage.tool_calls,
        "tokens": result.usage.tokens,
        "cost_usd": result.usage.cost_usd,
        "seconds": result.usage.seconds,
    }

"""Answers a question in its thread: by a model with tools, else by quotes from the record."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

import structlog

from ratchet.domain.documents import DocumentHit
from ratchet.domain.effects import AskApproval, Effect, Footer, Reply
from ratchet.domain.errors import RatchetError, Refused, Transient
from ratchet.domain.messages import Channel, Message
from ratchet.handlers.base import Permalinks, RecordReader, Trigger
from ratchet.handlers.citations import Known, clean, permalinks, urls
from ratchet.handlers.extract import best_reply
from ratchet.handlers.grounding import Grounding, Grounds, sources, unfinished
from ratchet.handlers.mentions import addressed, asked_stop, is_request, mentions, question
from ratchet.handlers.naming import named
from ratchet.handlers.opening import Opening
from ratchet.handlers.pages import quoted_page, worth_citing
from ratchet.handlers.proposing import asked as proposed
from ratchet.handlers.proposing import proposals_of
from ratchet.handlers.quotes import answered, quoted, worth_quoting
from ratchet.handlers.transcript import prompt
from ratchet.handlers.waiting import ask, pending_of, too_long
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.spending import USED_UP
from ratchet.llm.turn import OutOfTime, Resumed, Tool, Turn, TurnResult, TurnRunner
from ratchet.tools import builtin
from ratchet.tools.asking import Asking
from ratchet.tools.base import (
    DocumentReader,
    GapReader,
    RunbookReader,
    ToolDeps,
    author,
    link_to,
    minute,
)
from ratchet.tools.proposals import DocumentDesk, Proposals

log = structlog.get_logger(__name__)

NO_MODEL: Final = "_No language model is configured, so these are quotes from the record, not an answer._"
NO_ANSWER: Final = "_The language model did not answer, so these are quotes from the record, not an answer._"
NOTHING: Final = (
    "I found nothing about that in the documents, nor in the messages I may read from this channel."
)
NOTHING_NO_MODEL: Final = f"{NOTHING} _No language model is configured; I only searched for the words._"
NOTHING_NO_ANSWER: Final = f"{NOTHING} _The language model did not answer; I only searched for the words._"
NO_MONEY: Final = (
    "_This channel has used up what it may spend on the language model in 24 hours, so these are quotes from"
    " the record, not an answer._"
)
NOTHING_NO_MONEY: Final = (
    f"{NOTHING} _This channel has used up what it may spend on the language model in 24 hours; I only"
    " searched for the words._"
)

NO_TIME: Final = (
    "_The time for an answer was used up before one came, so these are quotes from the record, not an"
    " answer._"
)
NOTHING_NO_TIME: Final = (
    f"{NOTHING} _The time for an answer was used up before one came; I only searched for the words._"
)

STOPPED: Final = "Stopped, as you asked."
TOO_LONG: Final = "I would need to make a call that is too long to be shown, so nobody could agree to it."
NOT_RESUMED: Final = (
    "I could not finish this after the decision: {why}. Check whether what was agreed to happened; I do not"
    " try it again by myself."
)

# How often a running turn looks whether somebody said stop, in seconds.
WATCH_S: Final = 1.0
ANSWER_CHARS: Final = 24_000
THREAD_MESSAGES: Final = 1000
SEARCHED: Final = 20
# A person waits: a model that is busy for longer than this, or for the second time, is not waited for.
WAIT_AT_MOST_S: Final = 20.0
QUESTION_FRESH_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Without:
    """Why no model answers: what is said under quotes, and where there are none."""

    quotes: str
    nothing: str


WITHOUT_MODEL: Final = Without(NO_MODEL, NOTHING_NO_MODEL)
WITHOUT_ANSWER: Final = Without(NO_ANSWER, NOTHING_NO_ANSWER)
WITHOUT_MONEY: Final = Without(NO_MONEY, NOTHING_NO_MONEY)
WITHOUT_TIME: Final = Without(NO_TIME, NOTHING_NO_TIME)


@cache
def text_of(name: str) -> str:
    """A prompt beside this file, by its name without `.md`."""
    return (resources.files("ratchet.handlers") / "prompts" / f"{name}.md").read_text("utf-8").strip()


class ThreadAlert(Protocol):
    """The alert at the root of a thread."""

    @property
    def alert(self) -> str | None: ...
    @property
    def service(self) -> str | None: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def closed_at(self) -> datetime | None: ...


class LiveThreads(Protocol):
    """What is known of the thread in which a question stands."""

    async def alert_of(self, channel_id: str, thread_ts: str) -> ThreadAlert | None: ...

    async def said_after(self, channel_id: str, thread_ts: str, ts: str) -> Sequence[str]:
        """Texts of what people wrote in the thread after a ts, oldest first."""
        ...

    async def stopped_after(self, channel_id: str, thread_ts: str, ts: str) -> bool:
        """Whether somebody pressed Slack's stop button under the thread after a ts."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Assistant:
    """`runner` is None when no model is configured."""

    reader: RecordReader
    links: Permalinks
    runner: TurnRunner | None = None
    runbooks: RunbookReader | None = None
    threads: LiveThreads | None = None
    budget: Budget = field(default_factory=Budget)
    clock: Callable[[], datetime] = _now
    redactor: Redactor = redact
    name: str = "assistant"
    # Above the budget's own seconds, so that an exhausted turn still ends in quotes.
    timeout_s: float = 120.0
    documents: DocumentReader | None = None
    gaps: GapReader | None = None
    desk: DocumentDesk | None = None

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and not is_request(trigger.message.text, trigger.me_user_id)

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        asked = question(trigger.message.text, trigger.me_user_id)
        if not asked:
            return [replace(self._reply(trigger, text_of("assistant_help")), feedback=False)]
        thread = await self._thread(trigger.message)
        proposals = proposals_of(self.desk, trigger.message, thread)
        answer = await self._by_model(trigger, asked, thread, proposals) if self.runner else WITHOUT_MODEL
        if isinstance(answer, Without):
            return [await self._by_quotes(trigger, asked, thread, answer)]
        return [answer, *self._questions(trigger, proposals)]

    def _questions(self, trigger: Trigger, proposals: Proposals | None) -> Sequence[Effect]:
        """The changes of documents that the turn proposed."""
        message = trigger.message
        return proposed(proposals, message, trigger.channel, self.links, message.sender.id)

    async def _thread(self, message: Message) -> Sequence[Message]:
        return await self.reader.read_thread(
            message.channel_id, message.thread_ts, visible_from=message.channel_id, limit=THREAD_MESSAGES
        )

    async def _by_model(
        self, trigger: Trigger, asked: str, thread: Sequence[Message], proposals: Proposals | None
    ) -> Reply | AskApproval | Without:
        """The model's answer, or why there is none. Raises `Transient` when it is worth waiting for."""
        assert self.runner is not None
        turn = self._turn(trigger, asked, thread, await self._context(trigger), proposals)
        result = await self._run(turn, trigger)
        if result is None:
            return replace(self._reply(trigger, STOPPED), feedback=False)
        if isinstance(result, RatchetError):
            if self._worth_waiting(result, trigger.message):
                raise result
            log.warning("assistant_without_model", ref=str(trigger.message.ref), reason=str(result))
            return self._so_far(trigger, asked, result, frozenset(tool.name for tool in turn.tools))
        log.info("assistant_turn", **_figures(turn, result))
        own = frozenset(tool.name for tool in (*turn.tools, *turn.opening))
        said = self._said(trigger, result, thread, own)
        if isinstance(said, Reply) and result.pending is None:
            grounds = Grounds(trigger.message, asked, thread, result.tool_results, own, trigger.me_user_id)
            said = await self._grounding.grounded(said, grounds)
        return said or WITHOUT_ANSWER

    def _so_far(self, trigger: Trigger, asked: str, error: RatchetError, own: Set[str]) -> Reply | Without:
        """What a turn that came to no answer had found by then; else why there is no answer."""
        if isinstance(error, OutOfTime):
            mine = [result for result in error.results if result.tool in own]
            found = sources(mine, link_to(trigger.message, self.links))
            said = unfinished(asked, found)
            return self._reply(trigger, said) if said else WITHOUT_TIME
        used_up = isinstance(error, Refused) and error.code == USED_UP
        return WITHOUT_MONEY if used_up else WITHOUT_ANSWER

    @property
    def _grounding(self) -> Grounding:
        return Grounding(self.reader, self.links, self.redactor, self.documents)

    async def resume(self, trigger: Trigger, waited: Mapping[str, Any], approved: bool) -> Sequence[Effect]:
        """Go on with a turn that waited for a person. Not to be run again: a tool may have done its work."""
        if self.runner is None:
            return [self._reply(trigger, NOT_RESUMED.format(why="no language model is configured any more"))]
        pending = pending_of(waited)
        thread = await self._thread(trigger.message)
        proposals = proposals_of(self.desk, trigger.message, thread)
        again = self._turn(trigger, "", [], "", proposals)
        turn = replace(again, prompt="", resumed=Resumed(pending, approved))
        result = await self._run(turn, trigger)
        if result is None:
            return [replace(self._reply(trigger, STOPPED), feedback=False)]
        if isinstance(result, RatchetError):
            log.warning("assistant_not_resumed", ref=str(trigger.message.ref), reason=str(result))
            return [self._reply(trigger, NOT_RESUMED.format(why=str(result).rstrip(".")))]
        own = frozenset(tool.name for tool in turn.tools)
        said = self._said(trigger, result, thread, own)
        nothing = NOT_RESUMED.format(why="the language model said nothing")
        return [said or self._reply(trigger, nothing), *self._questions(trigger, proposals)]

    def _said(
        self, trigger: Trigger, result: TurnResult, thread: Sequence[Message], own: Set[str]
    ) -> Reply | AskApproval | None:
        """What the turn came to: an answer, or a question whether it may go on; None when it is empty."""
        if result.pending is not None and too_long(result.pending):
            return self._reply(trigger, TOO_LONG)
        if result.pending is not None:
            return ask(trigger.message, result.pending, _footer(self.name, result))
        markdown = clean(cut(self.redactor(result.text), ANSWER_CHARS), _known(result, thread, own))
        return self._reply(trigger, markdown, _footer(self.name, result)) if markdown else None

    async def _run(self, turn: Turn, trigger: Trigger) -> TurnResult | RatchetError | None:
        """The turn's end; None when somebody said stop while it ran."""
        assert self.runner is not None
        outcome: TurnResult | RatchetError | None = None
        async with asyncio.TaskGroup() as group:
            scope = asyncio.timeout(None)
            watching = group.create_task(self._watch(trigger, scope))
            try:
                async with scope:
                    result = await self.runner.run_turn(turn)
                    outcome = await named(result, self.reader, trigger.message.channel_id)
            except RatchetError as error:
                outcome = error
            except TimeoutError:
                log.info("assistant_stopped", ref=str(trigger.message.ref))
            watching.cancel()
        return outcome

    async def _watch(self, trigger: Trigger, scope: asyncio.Timeout) -> None:
        """Ends the scope as soon as somebody stops the turn. Ends with the turn otherwise."""
        while self.threads is not None:
            await asyncio.sleep(WATCH_S)
            if await self._stopped(self.threads, trigger):
                scope.reschedule(0.0)
                return

    async def _stopped(self, threads: LiveThreads, trigger: Trigger) -> bool:
        """Whether somebody said stop in the thread, or pressed the button that Slack shows there."""
        message, me = trigger.message, trigger.me_user_id
        since = (message.channel_id, message.thread_ts, message.ts)
        direct = trigger.channel.kind == "im"
        said = await threads.said_after(*since)
        if any(asked_stop(text, me) and (direct or mentions(text, me)) for text in said):
            return True
        return await threads.stopped_after(*since)

    async def _context(self, trigger: Trigger) -> str:
        """Where and when it is asked, and under which alert."""
        message, channel = trigger.message, trigger.channel
        context = f"Channel: {_place(channel)}. Now: {minute(self.clock())}. Asked by {author(message)}."
        alert = await self.threads.alert_of(message.channel_id, message.thread_ts) if self.threads else None
        if alert is None:
            return context
        end = f"closed at {minute(alert.closed_at)}" if alert.closed_at else "is open"
        name = f"{alert.alert or 'without a name'}" + (f" on {alert.service}" if alert.service else "")
        fired = f"which fired at {minute(alert.opened_at)} and {end}"
        return f"{context} The thread stands under the alert {name}, {fired}."

    def _turn(
        self,
        trigger: Trigger,
        asked: str,
        thread: Sequence[Message],
        context: str,
        proposals: Proposals | None,
    ) -> Turn:
        channel = trigger.channel
        earlier = [message for message in thread if message.ts != trigger.message.ts]
        query, asking = _query(trigger.message, asked, thread), Asking(trigger.message, trigger.me_user_id)
        opening = Opening(self.reader, self.links, asking, query, self._answer, self.documents)
        deps = ToolDeps(
            self.reader, self.links, self.clock, self.runbooks, self.documents, self.gaps, proposals, asking
        )
        return Turn(
            instructions=text_of("assistant"),
            prompt=prompt(asked, context, earlier),
            tools=builtin(deps, channel.id),
            budget=self.budget,
            may_wait=True,
            opening=(Tool(opening.search_results),),
            purpose=self.name,
            channel_id=channel.id,
        )

    async def _by_quotes(
        self, trigger: Trigger, asked: str, thread: Sequence[Message], why: Without
    ) -> Reply:
        message = trigger.message
        query = _query(message, asked, thread)
        hits = await self.reader.search_messages(query, visible_from=message.channel_id, limit=SEARCHED)
        chosen = worth_quoting(hits, query, Asking(message, trigger.me_user_id))
        pages = await self._pages(query)
        if not chosen and not pages:
            return self._reply(trigger, why.nothing)
        names = _names([*thread, *hits])
        pairs = {hit.ref: await self._answer(hit, message.channel_id) for hit in chosen}
        # A reply may be found by itself and as the answer to its question: say it once, as the answer.
        answers = {answer.ref for answer in pairs.values() if answer is not None}
        parts = [quoted_page(page, query) for page in pages]
        for hit in chosen:
            answer = pairs[hit.ref]
            if answer is None and hit.ref not in answers:
                parts.append(quoted(hit, query, self.links, names))
            elif answer is not None:
                parts.append(answered(hit, quoted(answer, query, self.links, names | _names([answer]))))
        return self._reply(trigger, "\n\n".join([*map(self.redactor, parts), why.quotes]))

    async def _pages(self, query: str) -> Sequence[DocumentHit]:
        """The documents to quote."""
        found = await self.documents.find(query) if self.documents else []
        return worth_citing(found, query)

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


def _query(message: Message, asked: str, thread: Sequence[Message]) -> str:
    """What to search for: the question, and in a thread what that stands under."""
    return asked if message.parent_ts is None else f"{asked}\n{_headline(thread)}"


def _headline(thread: Sequence[Message]) -> str:
    """The beginning of what the thread stands under."""
    return thread[0].text[:200] if thread else ""


def _names(messages: Sequence[Message]) -> dict[str, str]:
    return {m.sender.id: m.sender.name for m in messages if m.sender.id and m.sender.name}


def _known(result: TurnResult, thread: Sequence[Message], own: Set[str]) -> Known:
    """Only our own tools' permalinks are links: what another program calls so leads wherever it likes."""
    data = [call.data for call in result.tool_results]
    return Known(
        permalinks=frozenset(permalinks([call.data for call in result.tool_results if call.tool in own])),
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
        prompt_hash=hashlib.sha256(text_of("assistant").encode()).hexdigest()[:12],
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

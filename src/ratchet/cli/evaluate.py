"""`ratchet eval`: recorded questions, asked again with the present model and prompts."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ratchet.app import chosen_models, open_store, runbook_rooms
from ratchet.domain.effects import AskApproval, Footer, Reply
from ratchet.domain.errors import Misconfigured, Refused, Transient
from ratchet.domain.messages import Channel, Message, Sender, posted_at
from ratchet.handlers.assistant import Assistant, text_of
from ratchet.handlers.base import Trigger
from ratchet.handlers.runbook import ToldRunbooks
from ratchet.handlers.runbook_writer import RunbookWriter
from ratchet.llm.budget import Budget
from ratchet.llm.config import ModelConfig
from ratchet.llm.connect import connect
from ratchet.llm.data import wrap
from ratchet.llm.turn import JsonRunner, JsonTurn, Model
from ratchet.reports import evaluation_figures as figures
from ratchet.reports.evaluation import Answer, Asked, Spent, answer_of
from ratchet.reports.evaluation_figures import CaseResult, Comparison, Result
from ratchet.settings import Settings
from ratchet.store.pool import Database, open_database
from ratchet.store.reader_as_of import MessagesAsOf, ReaderAsOf
from ratchet.tools.base import WorkspaceLinks

if TYPE_CHECKING:
    from ratchet.reports.evaluation_run import Judging

LINKS: Final = WorkspaceLinks("https://app.slack.com")
AT_ONCE: Final = 4
SHOWN: Final = 30
TRIES: Final = 3
WAIT_AT_MOST_S: Final = 60.0
READ_ONLY: Final = "-c default_transaction_read_only=on"
JUDGE_BUDGET: Final = Budget(requests=1, seconds=60.0, answer_tokens=400)
SCORES: Final = {"same": 1.0, "partly": 0.5, "different": 0.0}
QUESTION_CHARS: Final = 80
ANSWER_CHARS: Final = 120
# Without its dependencies, which are there: it wants a version of pydantic-ai-slim that is not ours.
MISSING: Final = "pydantic-evals is not installed: pip install --no-deps 'pydantic-evals>=2.62,<3'"


@dataclass(frozen=True, slots=True)
class Options:
    """`model`: instead of the configured one. `limit`: only the first so many cases.

    `baseline`: what an earlier run printed as JSON. `judge`: the name of a model that compares answers.
    """

    model: str | None = None
    limit: int | None = None
    as_json: bool = False
    baseline: Path | None = None
    judge: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new answer would have helped as much as the good one."""

    verdict: Literal["same", "partly", "different"]
    reason: str


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks a question again, as of when it was asked. Nothing is posted, nothing stored."""

    db: Database
    model: Model | None
    budget: Budget = field(default_factory=Budget)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def answer(self, asked: Asked) -> Answer:
        """Raises RatchetError when the model is still too busy after some waiting."""
        for tries in range(1, TRIES + 1):
            try:
                return await self._answer(asked)
            except Transient as busy:
                if busy.retry_after is None or tries == TRIES:
                    raise
                await self.sleep(min(busy.retry_after, WAIT_AT_MOST_S))
        raise AssertionError("unreachable")

    async def _answer(self, asked: Asked) -> Answer:
        effects = await self._assistant(asked).handle(_trigger(asked))
        effect = next(effect for effect in effects if isinstance(effect, Reply | AskApproval))
        footer = effect.footer or Footer("")
        spent = Spent(footer.model_calls, footer.tokens, footer.cost_usd, footer.seconds or 0.0)
        return replace(answer_of(effect.markdown), model=footer.model, spent=spent)

    def _assistant(self, asked: Asked) -> Assistant:
        moment = posted_at(asked.ts)
        reader = ReaderAsOf(self.db, moment, _thread(asked))
        # What is kept may have been written after the question: what people wrote before is read anew.
        writer, teller = runbook_rooms(self.db, LINKS.base)
        gather = replace(writer.gather, threads=MessagesAsOf(self.db, moment))
        told = ToldRunbooks(RunbookWriter(gather), teller, lambda: moment)
        return Assistant(
            reader, LINKS, self.model, told, threads=reader, budget=self.budget, clock=lambda: moment
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that compares an answer with the good one."""

    model: JsonRunner

    async def judge(self, asked: Asked, answer: Answer, expected: Answer) -> tuple[float, str]:
        """0 to 1, and why. Raises RatchetError when the model gives no verdict."""
        parts = {"question": asked.text, "good answer": expected.text, "new answer": answer.text}
        prompt = "\n\n".join(wrap(source, text) for source, text in parts.items())
        instructions = (resources.files("ratchet.reports") / "prompts" / "judge.md").read_text("utf-8")
        turn = JsonTurn(instructions.strip(), prompt, Verdict, JUDGE_BUDGET, purpose="judge")
        verdict = (await self.model.run_json(turn)).value
        return SCORES[verdict.verdict], verdict.reason


def _thread(asked: Asked) -> list[Message]:
    root = asked.thread_ts
    before = [
        Message(
            asked.channel_id,
            line.ts,
            Sender(line.kind, "", line.author),
            line.text,
            line.ts,
            None if line.ts == root else root,
        )
        for line in asked.thread
    ]
    return [*before, _message(asked)]


def _message(asked: Asked) -> Message:
    parent = None if asked.ts == asked.thread_ts else asked.thread_ts
    return Message(
        asked.channel_id, asked.ts, Sender("person", "", asked.asker), asked.text, asked.ts, parent
    )


def _trigger(asked: Asked) -> Trigger:
    return Trigger(_message(asked), Channel(asked.channel_id, asked.channel_name, asked.channel_kind), "")


async def run(settings: Settings, file: Path, options: Options) -> None:
    """Ask again, compare, print. Raises Refused, Misconfigured."""
    evaluation_run = _evaluation_run()
    cases = evaluation_run.load(file, options.limit)
    before = load_result(options.baseline) if options.baseline else None
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        db = await stack.enter_async_context(open_database(read_only(store.db.conninfo)))
        model = await _model(settings, options.model, stack)
        judging = await _judge(settings, options.judge, stack) if options.judge else None
        asking = Asking(db, model, settings.turn_budget)
        advance = stack.enter_context(_progress(len(cases.cases)))

        async def answer(asked: Asked) -> Answer:
            try:
                return await asking.answer(asked)
            finally:
                advance()

        found = await evaluation_run.evaluate(cases, answer, judging, at_once=AT_ONCE)
    result = Result(
        file=file.name,
        model=model.model if model else None,
        prompt_hash=hashlib.sha256(text_of("assistant").encode()).hexdigest()[:12],
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        judge=options.judge,
        cases=found,
    )
    compared = figures.compare(result, before) if before else None
    if options.as_json:
        typer.echo(figures.as_json(result, compared))
    else:
        show(result, compared, Console())


def _evaluation_run() -> ModuleType:
    """Raises Misconfigured when pydantic-evals is not there; it is an extra."""
    try:
        from ratchet.reports import evaluation_run  # noqa: PLC0415  # a second, for pydantic_ai
    except ModuleNotFoundError as error:
        if error.name != "pydantic_evals":
            raise
        raise Misconfigured(MISSING) from None
    return evaluation_run


def read_only(conninfo: str) -> str:
    """The same database, where every statement that would change something fails."""
    given = conninfo_to_dict(conninfo).get("options")
    return make_conninfo(conninfo, options=f"{given} {READ_ONLY}" if given else READ_ONLY)


async def _model(settings: Settings, name: str | None, stack: AsyncExitStack) -> Model | None:
    """None when none is configured. No external tools: who knows what those would do."""
    configs = named(await chosen_models(settings), name)
    if not configs:
        return None
    runner = connect(configs)
    stack.push_async_callback(runner.aclose)
    return runner


def named(configs: Sequence[ModelConfig], name: str | None) -> Sequence[ModelConfig]:
    """Of the configured models the one with that name, else the first one's place with another model."""
    if name is None:
        return configs
    if not configs:
        raise Misconfigured(f"There is nowhere to ask {name}: set RATCHET_MODELS or RATCHET_OPENAI_URL")
    listed = [config for config in configs if name in (config.model, f"{config.provider}:{config.model}")]
    return listed[:1] or [replace(configs[0], model=name, price=None)]


async def _judge(settings: Settings, name: str, stack: AsyncExitStack) -> Judging:
    model = await _model(settings, name, stack)
    assert model is not None  # one with a name is there, or refused
    return Judge(model).judge


def load_result(file: Path) -> Result:
    """What `ratchet eval --json` printed. Raises Refused."""
    try:
        result = TypeAdapter(Result).validate_json(file.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"--baseline: {file} cannot be read: {error.strerror}") from error
    except ValueError:
        raise Refused(f"--baseline: {file} is not what ratchet eval --json prints") from None
    if result.format != figures.FORMAT:
        raise Refused(f"--baseline: {file} is of another version of ratchet eval; make it anew")
    return result


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("Asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("asking", total=total)
        yield lambda: progress.advance(bar)


def show(result: Result, compared: Comparison | None, console: Console) -> None:
    """For a terminal: the figures, beside those of before, and the cases that went wrong."""
    if not result.cases:
        console.print("No case in the file.", style="yellow")
        return
    console.print(_figures(result, compared))
    if compared is not None:
        console.print(_overlap(compared), highlight=False)
    rows = [case for case in result.cases if _worth_a_look(case, compared)]
    if rows:
        console.print(_cases(rows[:SHOWN], compared))
    if len(rows) > SHOWN:
        console.print(f"{len(rows) - SHOWN} more; --json lists them all.")


def _figures(result: Result, compared: Comparison | None) -> Table:
    title = f"{len(result.cases)} questions, {result.model or 'no model'}, prompt {result.prompt_hash}"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("", style="bold")
    for name in ("now", "before", "±") if compared else ("now", "of"):
        table.add_column(name, justify="right")
    if compared is None:
        for figure in figures.figures(result):
            table.add_row(figure.title, figures.shown(figure), f"{figure.of}")
        return table
    for now, before in zip(compared.now, compared.before, strict=True):
        table.add_row(now.title, figures.shown(now), figures.shown(before), figures.difference(now, before))
    return table


def _overlap(compared: Comparison) -> str:
    lone = {"now": compared.only_now, "before": compared.only_before}
    left_out = ", ".join(f"{count} only {when}" for when, count in lone.items() if count)
    changes = Counter(compared.changes.values())
    found = ", ".join(f"{changes[what]} {what}" for what in ("better", "worse", "mixed") if changes[what])
    common = f"Of {compared.common} questions in both" + (f" ({left_out})" if left_out else "")
    return f"{common}: {found or 'none changed'}."


def _worth_a_look(case: CaseResult, compared: Comparison | None) -> bool:
    """With an earlier result, what changed; else, what is not as good as it should be."""
    if compared is not None:
        return case.name in compared.changes
    values = figures.judged(case)
    return case.error is not None or any(
        value < 1 if figures.JUDGED[name] > 0 else value > 0 for name, value in values.items()
    )


def _cases(rows: Sequence[CaseResult], compared: Comparison | None) -> Table:
    table = Table(title="Worth a look", title_justify="left", box=None)
    for name in ("question", "change" if compared else "", *figures.JUDGED, "answer"):
        table.add_column(name, overflow="fold")
    for case in rows:
        values = figures.judged(case)
        answer = case.answer.text if case.answer else case.error or ""
        cells = [
            _short(case.question, QUESTION_CHARS),
            compared.changes.get(case.name, "") if compared else "",
            *(f"{values[name]:.2f}" if name in values else "–" for name in figures.JUDGED),
            _short(answer, ANSWER_CHARS),
        ]
        table.add_row(*map(Text, cells))
    return table


def _short(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"

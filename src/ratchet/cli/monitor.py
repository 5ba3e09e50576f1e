"""`ratchet monitor test`: what channel monitors would do about messages. Nothing is posted."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ratchet.app import chosen_models, open_store, recorded
from ratchet.app.monitors import MonitorBench
from ratchet.domain.errors import Misconfigured, Refused
from ratchet.handlers.channel_monitor import sample_of
from ratchet.handlers.monitor_file import Monitor
from ratchet.handlers.monitor_prompt import Sample
from ratchet.handlers.monitor_trial import Trial, as_json
from ratchet.llm.connect import connect
from ratchet.pipeline.monitors import MonitorFile
from ratchet.settings import Settings
from ratchet.store.messages import Messages

AT_ONCE = 5
MAX_MESSAGES = 1_000


@dataclass(frozen=True, slots=True)
class Options:
    """`messages`: a file, `-` for standard input; None: the newest `last` of each monitor's channel."""

    messages: str | None = None
    last: int = 5
    only: str | None = None
    execute: bool = True
    as_json: bool = False


async def test(settings: Settings, path: Path, options: Options) -> None:
    """Print what each monitor would do about each message. Raises Misconfigured, Refused, Transient.

    Exit status 1 when a message failed.
    """
    source = MonitorFile.open(path)
    monitors = _chosen(source, options.only)
    given = None if options.messages is None else list(read_samples(_text(options.messages)))
    async with AsyncExitStack() as stack:
        models = await chosen_models(settings)
        if not models:
            raise Misconfigured("A channel monitor needs a language model; docs/models.md says how.")
        agent = connect(models)
        stack.push_async_callback(agent.aclose)
        store = await stack.enter_async_context(open_store(settings))
        runner = recorded(agent, store.db, settings)
        bench = MonitorBench(source, runner, "any" if options.execute else "off")
        failed = False
        for monitor in monitors:
            samples = given
            if samples is None:
                samples = await _recorded(Messages(store.db), monitor, options.last)
            trials = await _run(bench, monitor, samples, execute=options.execute)
            failed |= any(trial.problem for trial in trials)
            for sample, trial in zip(samples, trials, strict=True):
                _print(monitor, sample, trial, as_json_line=options.as_json)
    if failed:
        raise typer.Exit(1)


def _chosen(source: MonitorFile, only: str | None) -> Sequence[Monitor]:
    by_name = source.monitors.by_name
    if only is not None and only not in by_name:
        raise Refused(
            f"--monitor: the file has no monitor {only!r}; there are {', '.join(by_name) or 'none'}"
        )
    if not by_name:
        raise Refused("The file has no monitor.")
    return list(by_name.values()) if only is None else [by_name[only]]


async def _recorded(messages: Messages, monitor: Monitor, last: int) -> list[Sample]:
    found = await messages.recent(monitor.channel_id, 4 * last)
    kinds = ("person", "bot") if monitor.bots else ("person",)
    wanted = [one for one in found if one.sender.kind in kinds and (monitor.threads or one.parent_ts is None)]
    if not wanted:
        raise Refused(
            f"No message of channel {monitor.channel_id} is recorded; give some with --messages FILE"
        )
    return [sample_of(one) for one in reversed(wanted[:last])]


async def _run(
    bench: MonitorBench, monitor: Monitor, samples: Sequence[Sample], *, execute: bool
) -> list[Trial]:
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(sample: Sample) -> Trial:
        async with at_once:
            return await bench.run(monitor, sample, execute=execute)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(sample)) for sample in samples]
    return [task.result() for task in tasks]


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"--messages: {name} cannot be read: {error}") from None


def read_samples(text: str) -> Iterator[Sample]:
    """Of a JSON list of texts or objects `{text, user}`, or of plain text with one message a line."""
    found: object
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = [line for line in text.splitlines() if line.strip()]
    if isinstance(found, dict) and isinstance(found.get("messages"), list):
        found = found["messages"]
    items = found if isinstance(found, list) else [found]
    if not items or len(items) > MAX_MESSAGES:
        raise Refused(f"--messages: {len(items)} messages; from 1 to {MAX_MESSAGES} are run")
    for number, one in enumerate(items, 1):
        yield _sample(number, one)


def _sample(number: int, one: object) -> Sample:
    if isinstance(one, str):
        return Sample(one, "U0TYPED")
    if not isinstance(one, Mapping) or not isinstance(one.get("text"), str):
        raise Refused(f"--messages: number {number} is neither a text nor an object with a text")
    user, ts = one.get("user", "U0TYPED"), one.get("slack_ts", one.get("ts", ""))
    return Sample(one["text"], str(user), slack_ts=str(ts))


def _print(monitor: Monitor, sample: Sample, trial: Trial, *, as_json_line: bool) -> None:
    if as_json_line:
        about: dict[str, Any] = {
            "monitor": monitor.name,
            "message": {"text": sample.text, "user": sample.user},
        }
        typer.echo(json.dumps(about | as_json(trial), ensure_ascii=False))
        return
    typer.echo("\n".join(_lines(monitor, sample, trial)))


def _lines(monitor: Monitor, sample: Sample, trial: Trial) -> Iterator[str]:
    yield f"== {monitor.name}: {sample.text.splitlines()[0][:100] if sample.text else '(no text)'}"
    yield "prompt"
    yield from _indented(trial.prompt)
    for number, attempt in enumerate(trial.attempts, 1):
        yield f"answer {number}" + (f" does not fit: {attempt.error}" if attempt.error else "")
        yield from _indented(attempt.said)
    if trial.problem:
        yield f"FAILED {trial.problem}"
    elif not trial.ran:
        yield "the executable was not run"
    elif not trial.effects:
        yield "nothing to send"
    for send in as_json(trial)["sends"]:
        yield f"would send to {send['to']}"
        yield from _indented(send["text"])
    yield ""


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"  | {line}"

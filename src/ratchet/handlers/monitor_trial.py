"""One message through one channel monitor: the prompt, the model's JSON, the executable, what would be sent.

The handler sends it; a test of a monitor shows it. Both are this code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

from ratchet.domain.effects import DirectMessage, Effect, Post, Reply
from ratchet.domain.errors import Refused
from ratchet.handlers.monitor_answer import effects_of, request
from ratchet.handlers.monitor_file import Monitor
from ratchet.handlers.monitor_prompt import BadTemplate, Sample, TooLong
from ratchet.handlers.monitor_schema import BadAnswer, Schema, json_in
from ratchet.llm.budget import Budget, Usage
from ratchet.llm.data import cut, wrap
from ratchet.llm.turn import Turn, TurnRunner

PURPOSE: Final = "channel_monitor"
# Of one request, of two at most: a job that waits for both and for the executable has time for it.
MODEL_S: Final = 45.0
ANSWER_TOKENS: Final = 4_000
SHOWN_ANSWER: Final = 8_000  # characters of a wrong answer that the model is shown again
REPAIR: Final = (
    "Your answer did not fit: {error}\n\nYou said:\n\n{said}\n\nAnswer again, with JSON that fits the schema."
)


class Executables(Protocol):
    async def run(self, command: Sequence[str], stdin: bytes, timeout_s: float) -> bytes:
        """Its standard output. Raises Refused when it cannot start, ends badly, takes too long or floods."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of the model, and what is wrong with it; "" for nothing."""

    said: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a message. `problem` says where it ended, "" when it went through.

    `output`: the model's JSON, where it fits. `ran`: whether the executable did. `effects`: what it wants
    sent.
    """

    prompt: str = ""
    attempts: tuple[Attempt, ...] = ()
    output: Any = None
    ran: bool = False
    effects: tuple[Effect, ...] = ()
    problem: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)


def as_json(trial: Trial) -> dict[str, Any]:
    """For who looks at it. `sends`: to whom, and what, in Slack's mrkdwn."""
    usage = trial.usage
    return {
        "prompt": trial.prompt,
        "attempts": [asdict(attempt) for attempt in trial.attempts],
        "output": trial.output,
        "ran": trial.ran,
        "sends": [_sent(effect) for effect in trial.effects],
        "problem": trial.problem,
        "model": trial.model,
        "requests": usage.requests,
        "tokens": usage.tokens,
        "cost_usd": usage.cost_usd,
        "seconds": usage.seconds,
    }


def _sent(effect: Effect) -> dict[str, str]:
    match effect:
        case DirectMessage(email=email, markdown=text):
            return {"kind": effect.kind, "to": str(email), "text": text}
        case Reply(channel_id=channel_id, thread_ts=ts, markdown=text):
            return {"kind": effect.kind, "to": f"{channel_id}, in the thread {ts}", "text": text}
        case Post(channel_id=channel_id, markdown=text):
            return {"kind": effect.kind, "to": channel_id, "text": text}
        case _:
            return {"kind": effect.kind, "to": "", "text": ""}


async def try_message(
    monitor: Monitor,
    sample: Sample,
    runner: TurnRunner,
    executables: Executables | None,
    seconds: float = MODEL_S,
) -> Trial:
    """`executables` None: the executable is left out. `seconds` bounds each request to the model.

    Raises Transient and Misconfigured as the runner: those are not the monitor's fault.
    """
    try:
        prompt = monitor.prompt.render(sample)
    except (BadTemplate, TooLong) as bad:
        return Trial(problem=f"prompt: {bad}")
    trial = await _asked(
        monitor, prompt, runner, Budget(requests=4, seconds=seconds, answer_tokens=ANSWER_TOKENS)
    )
    if trial.problem or executables is None:
        return trial
    try:
        output = await executables.run(
            monitor.command, request(monitor.name, sample, trial.output), monitor.timeout_s
        )
        return replace(trial, ran=True, effects=tuple(effects_of(output)))
    except Refused as refused:
        return replace(trial, ran=True, problem=f"executable: {refused}")


async def _asked(monitor: Monitor, prompt: str, runner: TurnRunner, budget: Budget) -> Trial:
    """The model's JSON; asked once more, with what was wrong, when it does not fit."""
    trial, question = Trial(prompt), prompt
    for _ in range(2):
        turn = Turn(
            instructions(monitor.schema),
            question,
            budget=budget,
            purpose=PURPOSE,
            channel_id=monitor.channel_id,
        )
        try:
            result = await runner.run_turn(turn)
        except Refused as refused:
            return replace(trial, problem=f"model: {refused}")
        trial = replace(trial, model=result.model, usage=_sum(trial.usage, result.usage))
        try:
            value = json_in(result.text)
            monitor.schema.check(value)
        except BadAnswer as bad:
            trial = replace(trial, attempts=(*trial.attempts, Attempt(result.text, str(bad))))
            said = wrap("answer", cut(result.text, SHOWN_ANSWER))
            question = f"{prompt}\n\n{REPAIR.format(error=bad, said=said)}"
            continue
        return replace(trial, attempts=(*trial.attempts, Attempt(result.text)), output=value)
    wrong = trial.attempts[-1].error
    return replace(trial, problem=f"result_schema: the model's answer does not fit, asked twice: {wrong}")


def instructions(schema: Schema) -> str:
    return f"{_preface()}\n\n{schema.text}"


@cache
def _preface() -> str:
    return (resources.files("ratchet.handlers") / "prompts" / "monitor.md").read_text("utf-8").strip()


def _sum(one: Usage, other: Usage) -> Usage:
    costs = [usage.cost_usd for usage in (one, other) if usage.cost_usd is not None]
    return Usage(
        one.requests + other.requests,
        one.tool_calls + other.tool_calls,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        sum(costs) if costs else None,
        round(one.seconds + other.seconds, 3),
    )

"""Asks the model what the messages of one template say; of names, only words of the message are believed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import structlog

from ratchet.alerts.judgement import MAX_NAME
from ratchet.alerts.learned import Verdict, learn, sign
from ratchet.alerts.template import template
from ratchet.alerts.view import View, unwrap
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import Action
from ratchet.llm.budget import Budget
from ratchet.llm.data import cut, wrap
from ratchet.llm.redact import Redactor, redact
from ratchet.llm.turn import JsonRunner, JsonTurn

log = structlog.get_logger(__name__)

MESSAGE_CHARS: Final = 3_000
BUDGET: Final = Budget(requests=1, seconds=60.0, answer_tokens=1_000)
ACTIONS: Final = {"open": Action.OPEN, "close": Action.CLOSE, "none": Action.NONE}


@dataclass(frozen=True)
class Understanding:
    """What messages of this template say."""

    on_call: bool
    action: Literal["open", "close", "none"]
    alert: str | None = None
    service: str | None = None
    priority: Literal["HIGH", "LOW"] = "LOW"


@dataclass(frozen=True, slots=True)
class Learnt:
    """`template` is that of the redacted text, for people to read."""

    template: str
    verdict: Verdict
    model: str


@dataclass(frozen=True, slots=True)
class TemplateReader:
    """One request a template. `budget`: its seconds and answer tokens."""

    runner: JsonRunner
    redactor: Redactor = redact
    budget: Budget = BUDGET

    @property
    def model(self) -> str:
        return self.runner.model

    async def read(self, payload: Mapping[str, Any], text: str, channel_id: str | None = None) -> Learnt:
        """The verdict about a bot's message of that flattened text, for all of its template.

        `channel_id`: where it was posted.

        Raises Transient and Misconfigured as the runner; Refused when the answer cannot be used.
        """
        # Before anything is cut or put in lower case: half a secret is none that could be recognised.
        safe = self.redactor(text)
        turn = JsonTurn(
            instructions(),
            prompt(payload, safe),
            Understanding,
            self.budget,
            purpose="understand",
            channel_id=channel_id,
        )
        result = await self.runner.run_json(turn)
        log.info(
            "template_read",
            model=result.model,
            prompt_hash=hashlib.sha256(turn.instructions.encode()).hexdigest()[:12],
            action=result.value.action,
            tokens=result.usage.tokens,
            cost_usd=result.usage.cost_usd,
            seconds=result.usage.seconds,
        )
        # A server need not keep to the limit it was given; so long an answer is no answer to this question.
        if result.usage.output_tokens > 4 * self.budget.answer_tokens:
            raise Refused(f"The language model {result.model} answered at far greater length than it was to.")
        return Learnt(template(safe), verdict(text, result.value), result.model)


@cache
def instructions() -> str:
    return (resources.files("ratchet.handlers") / "prompts" / "understand.md").read_text("utf-8").strip()


def prompt(payload: Mapping[str, Any], text: str) -> str:
    """Template, message and sender, each marked as data. `text` is redacted already."""
    parts = [
        wrap("template", template(text)),
        wrap("message", cut(text, MESSAGE_CHARS)),
        wrap("sender", View(unwrap(payload)).name[:MAX_NAME]),
    ]
    if colour := sign(payload):
        parts.append(f"The bar beside the message is {colour}.")
    return "\n\n".join(parts)


def verdict(text: str, answer: Understanding) -> Verdict:
    """What of the answer the message bears out. Raises Refused for an answer that makes no sense."""
    if max(len(answer.alert or ""), len(answer.service or "")) > MAX_NAME:
        raise Refused("The language model gave a name that is longer than any name.")
    if not answer.on_call or answer.action == "none":
        return Verdict(Action.NONE)
    return learn(text, ACTIONS[answer.action], answer.priority, alert=answer.alert, service=answer.service)

"""What a message says about an incident: by the built-in rules, or by the operator's own executable."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from ratchet import alerts
from ratchet.alerts import NO_RULES, Rulebook, own_classifier
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import NOTHING, Action, IncidentAction
from ratchet.domain.messages import Message
from ratchet.pipeline.executable import Surroundings, run_executable
from ratchet.telemetry import CLASSIFIED, CLASSIFIER_FAILURES

log = structlog.get_logger(__name__)


class Classifier(Protocol):
    """`inline`: quick enough to run inside a transaction, for history by the thousands."""

    inline: bool

    async def classify(self, message: Message) -> IncidentAction: ...


@dataclass(slots=True)
class BuiltIn:
    """The operator's `rules`, then those of `ratchet.alerts`. Only messages of bots are looked at."""

    rules: Rulebook = NO_RULES
    inline: bool = True

    async def classify(self, message: Message) -> IncidentAction:
        return self.judge(message)

    def judge(self, message: Message) -> IncidentAction:
        if message.sender.kind != "bot":
            return NOTHING
        action = alerts.classify(message.payload, message.text, channel=message.channel_id, rules=self.rules)
        CLASSIFIED.labels(action.tool, action.action.value).inc()
        return action


@dataclass(slots=True)
class OwnExecutable:
    """The operator's executable, asked about every message of a person or a bot.

    A failing executable is visible (log, metric) and must not hide an alert: the built-in rules answer then.
    """

    command: Sequence[str]
    timeout_s: float = 5.0
    inline: bool = False
    fallback: BuiltIn = field(default_factory=BuiltIn)

    async def classify(self, message: Message) -> IncidentAction:
        if message.sender.kind == "self":
            return NOTHING
        try:
            answer = own_classifier.parse_own_answer(await self._run(message))
        except Refused as refused:
            CLASSIFIER_FAILURES.inc()
            log.warning(
                "own_classifier_failed", reason=str(refused), channel=message.channel_id, ts=message.ts
            )
            return self.fallback.judge(message)
        CLASSIFIED.labels(answer.tool, answer.action.value).inc()
        return answer if answer.action is not Action.NONE else replace(NOTHING, rule=answer.rule)

    async def _run(self, message: Message) -> bytes:
        """Its standard output. Raises Refused when it cannot start, ends badly, takes too long or floods."""
        request = json.dumps(own_classifier.own_request(message)).encode()
        return await run_executable(self.command, request, self.timeout_s, Surroundings({"PATH": os.defpath}))

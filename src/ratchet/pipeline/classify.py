"""What a message says about an incident: by the built-in rules, or by the operator's own executable."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import structlog

from ratchet import alerts
from ratchet.alerts import NO_RULES, Rulebook, own_classifier
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import NOTHING, Action, IncidentAction
from ratchet.domain.messages import Message
from ratchet.telemetry import CLASSIFIED, CLASSIFIER_FAILURES

log = structlog.get_logger(__name__)

MAX_ANSWER_BYTES: Final = 64 * 1024


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
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env={"PATH": os.defpath},
            )
        except OSError as error:
            raise Refused(f"{self.command[0]} cannot be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(self.timeout_s):
                output = await _converse(process, request)
                code = await process.wait()
        except TimeoutError as error:
            raise Refused(f"{self.command[0]} gave no answer within {self.timeout_s:g} s") from error
        finally:
            await _end(process)
        if code != 0:
            raise Refused(f"{self.command[0]} ended with exit status {code}")
        return output


async def _converse(process: asyncio.subprocess.Process, request: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(request)
        await process.stdin.drain()
    process.stdin.close()
    output = bytearray()
    while chunk := await process.stdout.read(MAX_ANSWER_BYTES):
        output += chunk
        if len(output) > MAX_ANSWER_BYTES:
            raise Refused(f"the classifier wrote more than {MAX_ANSWER_BYTES} bytes")
    return bytes(output)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Its whole process group is gone afterwards, also what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

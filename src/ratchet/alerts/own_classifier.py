"""The operator's own executable: what it is asked, and the rules for its answer. No I/O here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from ratchet.alerts.flattening import storable
from ratchet.alerts.words import duration_s
from ratchet.domain.errors import Refused
from ratchet.domain.incidents import Action, IncidentAction, Priority
from ratchet.domain.messages import Message

MAX_ANSWER = 1_000_000  # bytes
MAX_NAME = 300
MAX_DURATION_S = 10 * 365 * 86400
_SHOWN = 80


def own_request(message: Message) -> dict[str, Any]:
    """The JSON object for standard input: `username` and `text`, and what else is known as extra keys."""
    return {
        "username": message.sender.name or message.sender.id,
        "text": message.text,
        "user_id": message.sender.id,
        "bot_id": message.sender.bot_id,
        "sender_kind": message.sender.kind,
        "channel_id": message.channel_id,
        "ts": message.ts,
        "thread_ts": message.parent_ts,
        "subtype": message.subtype,
        "edited": message.edited,
        "message": dict(message.payload),
    }


def parse_own_answer(stdout: bytes) -> IncidentAction:
    """The executable's answer as a value; unknown keys are ignored.

    Refused: not one JSON object, or a key holds what the contract does not allow; the message says which.
    """
    answer = _object(stdout)
    action = _action(answer)
    priority = _one_of(answer, "priority", ["HIGH", "LOW"])
    service, alert = _text(answer, "service"), _text(answer, "alert")
    level: Priority = "HIGH" if priority == "HIGH" else "LOW"
    opens_or_closes = action is not Action.NONE
    return IncidentAction(
        action,
        alert=alert,
        service=service,
        priority=level,
        pair_key=f"own|{service or ''}|{alert or ''}" if opens_or_closes and (service or alert) else None,
        stated_duration_s=_duration(answer.get("duration")),
        tool="own",
        confidence=1.0,
        rule="own classifier",
    )


def _refuse(what: str) -> NoReturn:
    raise Refused(
        f"The incident classifier's answer {what}. It must print one JSON object such as "
        '{"action": "open_incident", "service": "checkout", "alert": "HighErrorRate", "priority": "HIGH"}.'
    )


def _object(stdout: bytes) -> Mapping[str, Any]:
    if len(stdout) > MAX_ANSWER:
        _refuse(f"has {len(stdout)} bytes; at most {MAX_ANSWER} are read")
    try:
        text = stdout.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(f"is not UTF-8 (byte {error.start})")
    if not text.strip():
        _refuse("is empty")
    try:
        answer = json.loads(text)
    except RecursionError:
        _refuse("is nested too deeply")
    except ValueError as error:
        _refuse(f"is not JSON ({error}); it begins with {_shown(text.strip())}")
    if not isinstance(answer, dict):
        _refuse(f"is a JSON {_kind(answer)}, not an object")
    return answer


def _action(answer: Mapping[str, Any]) -> Action:
    allowed = [one.value for one in Action]
    stated = _one_of(answer, "action", allowed)
    if stated is None:
        _refuse(f'has no "action"; allowed are {", ".join(allowed)}')
    return Action(stated)


def _one_of(answer: Mapping[str, Any], key: str, allowed: list[str]) -> str | None:
    value = answer.get(key)
    if value is None or value == "":
        return None
    if value not in allowed:
        _refuse(f'has "{key}": {_shown(value)}; allowed are {", ".join(allowed)}')
    return str(value)


def _text(answer: Mapping[str, Any], key: str) -> str | None:
    value = answer.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse(f'has "{key}" as a {_kind(value)}, not a string')
    return " ".join(storable(value).split())[:MAX_NAME] or None


def _duration(value: object) -> float | None:
    """Seconds, of `1h30m` or of nanoseconds."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        seconds = 0.0 if value.strip() == "0" else duration_s(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seconds = value / 1e9 if abs(value) < 1e27 else None
    else:
        seconds = None
    if seconds is None or not 0 <= seconds <= MAX_DURATION_S:
        _refuse(f'has "duration": {_shown(value)}; allowed are "1h30m" or nanoseconds, from 0 to 10 years')
    return seconds


def _kind(value: object) -> str:
    kinds = {list: "list", dict: "object", str: "string", bool: "boolean", int: "number", float: "number"}
    return kinds.get(type(value), "null")


def _shown(value: object) -> str:
    text = json.dumps(storable(value) if isinstance(value, str) else value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

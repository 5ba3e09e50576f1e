"""The executable of a channel monitor: what it is told, and what of its answer is sent. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ratchet.domain.effects import DirectMessage, Effect, Post, Reply
from ratchet.domain.errors import Refused
from ratchet.handlers.monitor_prompt import Sample

MAX_MESSAGES: Final = 50
MAX_TEXT: Final = 40_000  # characters
EXAMPLE: Final = (
    '{"direct_messages": [{"email": "ana@example.com", "text": "…"}],'
    ' "channel_messages": [{"channel_id": "C0123ABCD", "text": "…"}]}'
)
KEYS: Final = ("direct_messages", "channel_messages")
CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,30}")
TS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
_EMAIL: Final = re.compile(r"[^\s@<>|]{1,200}@[^\s@<>|]{1,200}")
_SHOWN: Final = 80


def request(slug: str, sample: Sample, llm_output: Any) -> bytes:
    """The JSON object for standard input."""
    asked = {
        "slug": slug,
        "channel_id": sample.channel_id,
        "slack_ts": sample.slack_ts,
        "llm_output": llm_output,
        "message": {"text": sample.text, "user": sample.user},
    }
    return json.dumps(asked).encode()


def effects_of(output: bytes) -> list[Effect]:
    """What is to be sent, in order; other keys are ignored. Raises Refused where the contract is broken."""
    answer = _object(output)
    direct, posts = (_list(answer, key) for key in KEYS)
    if len(direct) + len(posts) > MAX_MESSAGES:
        _refuse(f"names {len(direct) + len(posts)} messages; at most {MAX_MESSAGES} are sent")
    return [
        *(_direct(f"direct_messages[{number}]", one) for number, one in enumerate(direct)),
        *(_posted(f"channel_messages[{number}]", one) for number, one in enumerate(posts)),
    ]


def _object(output: bytes) -> Mapping[str, Any]:
    try:
        text = output.decode("utf-8-sig").strip()
        # Nothing to say is a common end of a script, and no mistake.
        answer = json.loads(text) if text else {}
    except UnicodeDecodeError as error:
        _refuse(f"is not UTF-8 (byte {error.start})")
    except RecursionError:
        _refuse("is nested too deeply")
    except ValueError as error:
        _refuse(f"is not JSON ({error})")
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        _refuse(f"is {_kind(answer)}, not an object")
    return answer


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    found = answer.get(key)
    if found is not None and not isinstance(found, list):
        _refuse(f"has {key} as {_kind(found)}, not a list")
    return found or []


def _direct(where: str, found: object) -> DirectMessage:
    email = _text(where, found, "email")
    if not _EMAIL.fullmatch(email):
        _refuse(f"has {where}.email: {_shown(email)}, which is no e-mail address")
    return DirectMessage(_text(where, found, "text"), email=email, mrkdwn=True)


def _posted(where: str, found: object) -> Post | Reply:
    channel_id, text = _text(where, found, "channel_id"), _text(where, found, "text")
    if not CHANNEL.fullmatch(channel_id):
        _refuse(f"has {where}.channel_id: {_shown(channel_id)}, which is no channel id such as C0123ABCD")
    if not isinstance(found, dict) or found.get("slack_ts") in (None, ""):
        return Post(channel_id, text, mrkdwn=True)
    ts = _text(where, found, "slack_ts")
    if not TS.fullmatch(ts):
        _refuse(f"has {where}.slack_ts: {_shown(ts)}, which is no ts such as 1700000000.000100")
    return Reply(channel_id, ts, text, mrkdwn=True)


def _text(where: str, found: object, key: str) -> str:
    if not isinstance(found, dict):
        _refuse(f"has {where} as {_kind(found)}, not an object")
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        _refuse(f"has {where} without {key}, a text")
    if len(value) > MAX_TEXT:
        _refuse(f"has {where}.{key} of {len(value)} characters; at most {MAX_TEXT} are sent")
    return value


def _refuse(what: str) -> NoReturn:
    raise Refused(f"The executable's answer {what}. It must print one JSON object such as {EXAMPLE}")


def _kind(value: object) -> str:
    kinds: dict[type, str] = {list: "a list", dict: "an object", str: "a string", bool: "a boolean"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _shown(value: str) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

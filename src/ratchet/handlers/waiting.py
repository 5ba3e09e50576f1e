"""A turn that waits for a person: the question that is asked, and what is stored until the click. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ratchet.domain.effects import AskApproval, Footer
from ratchet.domain.messages import Message
from ratchet.llm.data import UNSEEN
from ratchet.llm.turn import Pending, PendingCall

# What is not shown cannot be agreed to: a longer call is refused by showing that it is too long.
_SPELT_OUT: Final = re.compile(rf"[{UNSEEN}\x7f-\x9f\u2028\u2029]|<(?=[!@#])")
SHOWN_CHARS: Final = 8_000


def ask(message: Message, pending: Pending, footer: Footer) -> AskApproval:
    """The exact calls, with buttons. They happen only when somebody allowed says yes."""
    calls = "\n".join(_call(call) for call in pending.calls)
    several = "these calls" if len(pending.calls) > 1 else "this call"
    text = f"I would like to make {several}. Nothing happens before somebody approves.\n{calls}"
    return AskApproval(
        message.channel_id,
        message.thread_ts,
        text,
        (),
        message.sender.id,
        (message.channel_id, message.ts),
        footer,
        turn={
            "history": pending.history,
            "calls": [{"id": c.id, "tool": c.tool, "arguments": dict(c.arguments)} for c in pending.calls],
        },
    )


def too_long(pending: Pending) -> bool:
    return any(len(_arguments(call)) > SHOWN_CHARS for call in pending.calls)


def pending_of(turn: Mapping[str, Any]) -> Pending:
    calls = tuple(PendingCall(c["id"], c["tool"], c["arguments"]) for c in turn["calls"])
    return Pending(calls, turn["history"])


def _call(call: PendingCall) -> str:
    # A fence longer than any in the arguments: what is shown cannot end it.
    shown = _arguments(call)
    fence = "`" * max(3, 1 + max((len(run) for run in shown.split() if set(run) == {"`"}), default=0))
    return f"\n`{call.tool}`\n{fence}json\n{shown}\n{fence}"


def _arguments(call: PendingCall) -> str:
    """As JSON; what is not seen, turns the direction of reading or mentions somebody is spelt out in it."""
    shown = json.dumps(dict(call.arguments), indent=2, ensure_ascii=False, sort_keys=True)
    return _SPELT_OUT.sub(lambda found: "\\u003c" if found[0] == "<" else json.dumps(found[0])[1:-1], shown)

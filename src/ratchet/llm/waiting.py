"""A turn that waits for a person's yes: to values that can be stored, and back."""

from __future__ import annotations

from typing import Final

from pydantic_ai import DeferredToolResults, ToolDenied
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from pydantic_ai.tools import DeferredToolRequests

from ratchet.llm.turn import Pending, PendingCall, Resumed

REJECTED: Final = "A person rejected this call. Do not try it again; answer without it and say so."


def waiting(requests: DeferredToolRequests, history: bytes) -> Pending:
    """What people are asked. `history` ends with the model's calls."""
    calls = tuple(
        PendingCall(call.tool_call_id, call.tool_name, call.args_as_dict()) for call in requests.approvals
    )
    return Pending(calls, history.decode())


def resumption(resumed: Resumed | None) -> tuple[list[ModelMessage] | None, DeferredToolResults | None]:
    """What the agent goes on from. The calls are made with the arguments that stand in the history."""
    if resumed is None:
        return None, None
    answer = True if resumed.approved else ToolDenied(REJECTED)
    decisions = DeferredToolResults(approvals={call.id: answer for call in resumed.pending.calls})
    return ModelMessagesTypeAdapter.validate_json(resumed.pending.history), decisions

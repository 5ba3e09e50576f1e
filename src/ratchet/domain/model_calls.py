"""What is kept of a turn with a language model: what it cost; what was said only if the operator asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One turn, whether it came to an answer or not.

    purpose      what asked: `assistant`, `runbook`, `understand`; "" when it does not say
    channel_id   for whose sake, None when for nobody's
    prompt_hash  of the instructions: the first 12 hex digits of SHA-256
    cost_usd     None when the model's price is not known
    seconds      wall-clock time
    error        the kind of error only (`Transient`), None for an answer
    contents     redacted prompt and answer, None unless the operator wants them kept
    """

    model: str
    purpose: str
    channel_id: str | None
    prompt_hash: str
    requests: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    seconds: float
    error: str | None = None
    contents: dict[str, Any] | None = None

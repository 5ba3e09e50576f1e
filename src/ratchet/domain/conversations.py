"""Ratchet's own part in a conversation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """The newest answer in a thread. `ts`: of its last message. `asked_by`: the id of the user whom it
    answers, "" when their message is gone.
    """

    ts: str
    asked_by: str

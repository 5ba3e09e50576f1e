"""What Ratchet does about a message. `default_handlers` is the one ordered list."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler
from ratchet.handlers.quiet import Quiet
from ratchet.handlers.runbook import LearnRunbook, RunbookHandler, RunbookRequest
from ratchet.handlers.runbook_change import ChangeRunbook


def default_handlers(
    runbook: RunbookHandler,
    learn: LearnRunbook,
    request: RunbookRequest,
    change: ChangeRunbook,
    quiet: Quiet,
    assistant: Assistant,
) -> Sequence[Handler]:
    """To add a handler: one file, one line here, one test."""
    return (runbook, learn, request, change, quiet, assistant)

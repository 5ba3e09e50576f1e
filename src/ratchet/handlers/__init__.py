"""What Ratchet does about a message. `default_handlers` is the one ordered list."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.handlers.assistant import Assistant
from ratchet.handlers.base import Handler
from ratchet.handlers.runbook import RunbookHandler, RunbookRequest


def default_handlers(
    runbook: RunbookHandler, request: RunbookRequest, assistant: Assistant
) -> Sequence[Handler]:
    """To add a handler: one file, one line here, one test."""
    return (runbook, request, assistant)

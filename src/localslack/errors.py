"""What localslack answers when a call cannot be done.

SlackError        an error code Slack documents; the edges turn it into `{"ok": false, "error": code}`
WorkspaceFileError  a workspace directory or zip that cannot be read
"""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """`code` as Slack spells it; `extra` goes into the answer beside it (`needed`, `provided`, …)."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    def answer(self) -> dict[str, Any]:
        return {"ok": False, "error": self.code, **self.extra}


class RateLimited(SlackError):
    """Sent as HTTP 429 with `Retry-After` (whole seconds)."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class WorkspaceFileError(Exception):
    """An export that cannot be loaded; the text names the file and the remedy."""

"""What a pull request is called and says, from the change and the thread alone. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from ratchet.domain.proposals import Change

# An @ would notify people of the forge, and #1 would link, even close, what it has nothing to do with.
_AT: Final = re.compile(r"@(?=\w)")
_NUMBER: Final = re.compile(r"#(?=\d)")
_GAP: Final = "\u200b"
_TRAILER: Final = "Ratchet-Change"


def branch_of(channel_id: str, thread_ts: str, finished: int) -> str:
    """One branch a thread; another one after each pull request that was merged or closed."""
    number = f"-{finished + 1}" if finished else ""
    return f"ratchet/{channel_id}-{thread_ts.replace('.', '-')}{number}"


def mark_of(key: str) -> str:
    """Names one approved change, in its commit and in the pull request, whatever is run again."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def message(change: Change, mark: str) -> str:
    return f"{inert(change.title)}\n\n{inert(change.why)}\n\n{_TRAILER}: {mark}"


def committed(messages: Sequence[str], mark: str) -> bool:
    return any(f"{_TRAILER}: {mark}" in said for said in messages)


def comment(mark: str) -> str:
    """Invisible, and there to be found."""
    return f"<!-- ratchet:{mark} -->"


def body(change: Change, mark: str, thread: str) -> str:
    """What was changed and why, and where it was agreed to."""
    files = "\n".join(f"- `{one.path}`{' (new)' if one.content is not None else ''}" for one in change.files)
    return (
        f"{inert(change.why)}\n\n{files}\n\n"
        f"Proposed in [this thread]({thread}), and opened after somebody approved the diff.\n{comment(mark)}"
    )


def more(before: str, change: Change, mark: str, thread: str) -> str:
    """The description after a further change."""
    return f"{before.rstrip()}\n\n---\n\n**{inert(change.title)}**\n\n{body(change, mark, thread)}"


def inert(text: str) -> str:
    """Words of a thread that notify nobody, close nothing and hide nothing on a forge."""
    return _NUMBER.sub(f"#{_GAP}", _AT.sub(f"@{_GAP}", text)).replace("<!--", "‹!--")

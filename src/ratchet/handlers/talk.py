"""What the handlers need that talk with people."""

from __future__ import annotations

from dataclasses import dataclass, field

from ratchet.handlers.base import Permalinks
from ratchet.handlers.conversations import Conversations
from ratchet.handlers.drafts import Directory
from ratchet.handlers.hand_over import OpenQuestions
from ratchet.handlers.progress import NoProgress, Progress
from ratchet.handlers.unasked import Evidence


@dataclass(frozen=True, slots=True)
class Talk:
    directory: Directory
    conversations: Conversations
    links: Permalinks
    progress: Progress = field(default_factory=NoProgress)
    offers: OpenQuestions | None = None
    evidence: Evidence | None = None
    time_zone: str = "UTC"

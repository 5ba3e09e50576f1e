"""What a handler wants to happen. `pipeline.deliver` is the only one that does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Footer:
    """The muted line under an answer: which module spoke and what it cost."""

    module: str
    model: str | None = None
    model_calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Standard Markdown into the thread under `thread_ts`, of any length: the renderer splits it."""

    channel_id: str
    thread_ts: str
    markdown: str
    footer: Footer | None = None
    feedback: bool = False
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True)
class Post:
    """Standard Markdown as a new message in a channel. Of several with the same key `once`, one is posted."""

    channel_id: str
    markdown: str
    footer: Footer | None = None
    once: str | None = None
    kind: Literal["post"] = "post"


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """Standard Markdown to one person, by user id or by e-mail address."""

    markdown: str
    user_id: str | None = None
    email: str | None = None
    kind: Literal["direct_message"] = "direct_message"


@dataclass(frozen=True, slots=True)
class React:
    channel_id: str
    ts: str
    reaction: str
    kind: Literal["react"] = "react"


@dataclass(frozen=True, slots=True)
class Annotate:
    """Values merged into a message's `attrs`. Ratchet's own; never visible in Slack."""

    channel_id: str
    ts: str
    attrs: dict[str, Any] = field(default_factory=dict)
    kind: Literal["annotate"] = "annotate"


Effect = Reply | Post | DirectMessage | React | Annotate

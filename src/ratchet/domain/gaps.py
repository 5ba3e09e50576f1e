"""What the list of documentation gaps is made of: threads as the store reads them. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ratchet.domain.messages import MessageRef, posted_at

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """What a person wrote. `author` is a user id; `reactions`: people by the name of their reaction."""

    channel_id: str
    ts: str
    author: str
    text: str
    reactions: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def ref(self) -> MessageRef:
        return MessageRef(self.channel_id, self.ts)

    @property
    def posted_at(self) -> datetime:
        return posted_at(self.ts)


@dataclass(frozen=True, slots=True)
class HelpThread:
    """What a person wrote in the channel itself, and what people wrote under it, oldest first."""

    root: ThreadMessage
    replies: tuple[ThreadMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A document, as far as it is compared. `text` may be cut; `url` is "" where nobody can open it."""

    source: str
    path: str
    title: str
    url: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.source}/{self.path}"


@dataclass(frozen=True, slots=True)
class Near:
    """The part of a document that means most the same as a message. `similarity`: cosine, 1 for the same."""

    page: Page
    heading: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known of some messages by their meaning, each by its reference.

    vectors   unit vectors; none for what is not embedded (yet)
    near      the nearest documents, nearest first
    linked    documents by an address, or by the end of one, that was asked for
    """

    vectors: Mapping[MessageRef, Vector] = field(default_factory=dict)
    near: Mapping[MessageRef, Sequence[Near]] = field(default_factory=dict)
    linked: Mapping[str, Page] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HelpRows:
    """The threads of some channels, newest first; `cut`: there were more than are read.

    channels  names by id, as people write them
    people    names by user id
    """

    since: datetime
    until: datetime
    threads: Sequence[HelpThread]
    channels: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

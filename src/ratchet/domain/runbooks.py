"""What a runbook says, and what each of its statements rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from ratchet.domain.messages import MessageRef

Writer = Literal["extractive", "model", "person"]


@dataclass(frozen=True, slots=True)
class Item:
    """One statement. It rests on recorded messages or on documents (by id), never on nothing.

    `quoted`: it is one message in the words of its author; `text` is then "", and the message is shown as it
    stands at that time.
    """

    text: str
    messages: tuple[MessageRef, ...] = ()
    documents: tuple[str, ...] = ()
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """`steps` are for now, in order; `earlier` are other fixes of other times; `links` are worth opening."""

    overview: Item | None = None
    last_fix: Item | None = None
    causes: tuple[Item, ...] = ()
    steps: tuple[Item, ...] = ()
    earlier: tuple[Item, ...] = ()
    links: tuple[Item, ...] = ()

    def items(self) -> Iterator[Item]:
        yield from (item for item in (self.overview, self.last_fix) if item is not None)
        for several in (self.causes, self.steps, self.earlier, self.links):
            yield from several

    def messages(self) -> set[MessageRef]:
        return {ref for item in self.items() for ref in item.messages}

    def __bool__(self) -> bool:
        return any(True for _ in self.items())

    def resting_on(self, messages: Collection[MessageRef]) -> Content:
        """Without the items that rest on any other message: what is gone took its words along."""

        def stands(item: Item | None) -> bool:
            return item is not None and all(ref in messages for ref in item.messages)

        return Content(
            overview=self.overview if stands(self.overview) else None,
            last_fix=self.last_fix if stands(self.last_fix) else None,
            causes=tuple(filter(stands, self.causes)),
            steps=tuple(filter(stands, self.steps)),
            earlier=tuple(filter(stands, self.earlier)),
            links=tuple(filter(stands, self.links)),
        )


def to_json(content: Content) -> dict[str, Any]:
    """`from_json` is its inverse."""
    return asdict(content)


def from_json(data: Mapping[str, Any]) -> Content:
    return Content(
        overview=_item(data["overview"]) if data["overview"] else None,
        last_fix=_item(data["last_fix"]) if data["last_fix"] else None,
        causes=tuple(map(_item, data["causes"])),
        steps=tuple(map(_item, data["steps"])),
        earlier=tuple(map(_item, data["earlier"])),
        links=tuple(map(_item, data["links"])),
    )


def _item(data: Mapping[str, Any]) -> Item:
    return Item(
        text=data["text"],
        messages=tuple(MessageRef(ref["channel_id"], ref["ts"]) for ref in data["messages"]),
        documents=tuple(data["documents"]),
        quoted=data["quoted"],
    )


@dataclass(frozen=True, slots=True)
class KeptRunbook:
    """One kept version. `scope` is "" when it rests on public channels only, else the private channel's id.

    `evidence` is the fingerprint of what it was written from. `author` is a model's name or a user id.
    """

    scope: str
    service: str | None
    alert: str
    version: int
    writer: Writer
    pinned: bool
    evidence: str
    content: Content
    author: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ToldRunbook:
    """A runbook as it is shown: as Markdown, and as `to_json` of its content.

    `author` is "" for quotes. `links` are the addresses that the Markdown may link to.
    """

    markdown: str
    writer: Writer
    author: str
    version: int | None
    pinned: bool
    content: dict[str, Any]
    links: tuple[str, ...] = ()

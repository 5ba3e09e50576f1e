"""One runbook for an alert: what a person pinned, else what a model wrote, else quotes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from ratchet.domain.effects import KeepRunbook
from ratchet.domain.messages import Message, MessageRef
from ratchet.domain.runbooks import Content, Item, KeptRunbook, Writer, to_json
from ratchet.handlers.evidence import Evidence, Gather
from ratchet.handlers.runbook_model import AFTERWARDS_S, AT_NIGHT_S, Draft, ModelWriter
from ratchet.llm.budget import Usage


class Shelf(Protocol):
    """Where kept runbooks are read. `scope`: see `KeptRunbook`."""

    async def current(self, service: str | None, alert: str, scope: str, evidence: str) -> KeptRunbook | None:
        """What a person pinned, else what was written from the evidence with that fingerprint."""
        ...

    async def visible(self, refs: Collection[MessageRef], visible_from: str) -> set[MessageRef]:
        """Those of the messages that exist and may be shown in that channel."""
        ...


class MessagesByRef(Protocol):
    async def many(self, refs: list[MessageRef]) -> dict[MessageRef, Message]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A runbook is asked for. Only what happened before `before` counts.

    `visible_from` is the asking channel's id, "" for the operator; `private`: whether that channel is.
    """

    service: str | None
    alert: str
    before: datetime
    visible_from: str = ""
    private: bool = False

    @property
    def scope(self) -> str:
        return self.visible_from if self.private else ""


@dataclass(frozen=True, slots=True)
class Runbook:
    """Ready to be said. `messages` holds every message that `content` rests on.

    `evidence` is None when only what a person pinned is known. `author` and `version` are of a kept one;
    `usage` is what writing it cost just now; `new` is to be kept.
    """

    alert: str
    service: str | None
    writer: Writer
    content: Content
    evidence: Evidence | None
    messages: Mapping[MessageRef, Message]
    author: str = ""
    version: int | None = None
    pinned: bool = False
    usage: Usage = field(default_factory=Usage)
    new: KeepRunbook | None = None


@dataclass(frozen=True, slots=True)
class RunbookWriter:
    """`model` is None when none is configured, `shelf` and `messages` when nothing is kept."""

    gather: Gather
    shelf: Shelf | None = None
    messages: MessagesByRef | None = None
    model: ModelWriter | None = None

    async def write(
        self, asked: Asked, *, by_model: bool = True, seconds: float = AT_NIGHT_S
    ) -> Runbook | None:
        """The runbook; None without any evidence. `by_model`: whether a model may be asked, for `seconds`."""
        evidence = await self.gather.evidence(asked.service, asked.alert, asked.before, asked.visible_from)
        kept = await self._kept(asked, evidence)
        if kept is not None:
            return kept
        if evidence is None:
            return None
        draft = (
            await self.model.write(evidence, seconds, asked.visible_from or None)
            if self.model and by_model and worth_a_model(evidence)
            else None
        )
        return _by_model(asked, evidence, draft) if draft else _extractive(evidence)

    async def learn(self, asked: Asked) -> KeepRunbook | None:
        """What is to be kept of new triage; None when there is none, or no model."""
        written = await self.write(asked, seconds=AFTERWARDS_S) if self.model else None
        return written.new if written else None

    async def _kept(self, asked: Asked, evidence: Evidence | None) -> Runbook | None:
        """What is kept, without the items whose messages are gone or may not be seen here."""
        if self.shelf is None or self.messages is None:
            return None
        print_ = evidence.fingerprint if evidence else ""
        kept = await self.shelf.current(asked.service, asked.alert, asked.scope, print_)
        if kept is None:
            return None
        refs = kept.content.messages()
        seen = await self.shelf.visible(refs, asked.visible_from) if refs else set()
        content = kept.content.resting_on(seen)
        if not content:
            return None
        return Runbook(
            asked.alert,
            asked.service,
            kept.writer,
            _completed(content, evidence) if kept.writer == "person" else content,
            evidence,
            {**(evidence.messages if evidence else {}), **await self.messages.many(sorted(refs & seen))},
            author=kept.author,
            version=kept.version,
            pinned=kept.pinned,
        )


def worth_a_model(evidence: Evidence) -> bool:
    """Only this alert's own triage is rewritten; what is borrowed is shown as it was said."""
    return evidence.origin == "same" and evidence.extract is not None


def extractive(evidence: Evidence) -> Content:
    """What people said, in their words."""
    extract = evidence.extract
    if extract is None:
        return Content()
    return Content(
        last_fix=_quote(extract.last_time.message),
        steps=tuple(_quote(finding.message) for finding in extract.steps),
        earlier=tuple(_quote(finding.message) for finding in extract.before),
    )


def _quote(message: Message) -> Item:
    return Item("", (message.ref,), quoted=True)


def _extractive(evidence: Evidence) -> Runbook:
    return Runbook(
        evidence.alert, evidence.service, "extractive", extractive(evidence), evidence, evidence.messages
    )


def _by_model(asked: Asked, evidence: Evidence, draft: Draft) -> Runbook:
    new = KeepRunbook(
        scope=asked.scope,
        service=asked.service,
        alert=asked.alert,
        writer="model",
        author=draft.model,
        evidence=evidence.fingerprint,
        content=to_json(draft.content),
        sources=tuple((ref.channel_id, ref.ts) for ref in draft.sources),
    )
    return Runbook(
        asked.alert,
        asked.service,
        "model",
        draft.content,
        evidence,
        evidence.messages,
        author=draft.model,
        usage=draft.usage,
        new=new,
    )


def _completed(corrected: Content, evidence: Evidence | None) -> Content:
    """A person says what the fix is; what people did at other times stands below it."""
    if evidence is None or corrected.steps or corrected.earlier:
        return corrected
    found = extractive(evidence)
    said = corrected.messages()
    before = [item for item in (found.last_fix, *found.earlier) if item and not said & set(item.messages)]
    return replace(corrected, earlier=tuple(before[:2]))

"""People correct a runbook in words, pin it and unpin it. Nothing changes before somebody approves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ratchet.domain.effects import AskApproval, Effect, Footer, KeepRunbook, Reply, UnpinRunbook
from ratchet.domain.messages import Message, MessageRef
from ratchet.domain.runbooks import Content, Item, to_json
from ratchet.handlers.base import Permalinks, Trigger
from ratchet.handlers.citations import unpinged
from ratchet.handlers.mentions import RunbookChange, addressed, asked_change
from ratchet.handlers.quotes import plain
from ratchet.handlers.runbook import Names, asked_in
from ratchet.handlers.runbook_writer import Asked, Runbook, RunbookWriter
from ratchet.llm.redact import Redactor, redact

MODULE: Final = "runbook"
# What nobody has seen cannot be approved: the question shows all of it.
SHOWN_CHARS: Final = 3_000
WHICH: Final = (
    "Which alert? Say it in the alert's thread, or name it: `the fix for checkout/HighErrorRate is now …`."
)


class OpenedAlerts(Protocol):
    async def opened(self, ref: MessageRef) -> tuple[str | None, str | None] | None:
        """Service and alert that a message opened an incident for; None when it opened none."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeRunbook:
    """`@ratchet the fix is now …`, `@ratchet pin the runbook`, `@ratchet unpin the runbook`."""

    writer: RunbookWriter
    alerts: OpenedAlerts
    permalink: Permalinks
    names: Names
    redactor: Redactor = redact
    name: str = "change_runbook"
    timeout_s: float = 30.0

    def wants(self, trigger: Trigger) -> bool:
        return addressed(trigger) and asked_change(trigger.message.text, trigger.me_user_id) is not None

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        change = asked_change(trigger.message.text, trigger.me_user_id)
        assert change is not None
        asked = await self._asked(trigger, change)
        if asked is None:
            return [_reply(trigger.message, WHICH)]
        match change.kind:
            case "correct":
                return [await self._correct(trigger.message, asked, change.words)]
            case "pin":
                return [await self._pin(trigger.message, asked)]
            case "unpin":
                return [await self._unpin(trigger.message, asked)]

    async def _asked(self, trigger: Trigger, change: RunbookChange) -> Asked | None:
        """The alert that is named, else the one in whose thread it was said."""
        service, alert = change.service, change.alert
        if alert is None:
            root = MessageRef(trigger.message.channel_id, trigger.message.thread_ts)
            service, alert = await self.alerts.opened(root) or (None, None)
        return asked_in(trigger, service, alert) if alert is not None else None

    async def _correct(self, message: Message, asked: Asked, words: str) -> Effect:
        words = unpinged(self.redactor(words), {})[:SHOWN_CHARS]
        content = Content(last_fix=Item(words, (message.ref,)))
        quoted = "\n".join(f"> {line}" for line in words.splitlines())
        who = await self._who(message)
        text = f"Shall the runbook for {_title(asked)} say from now on, as {who} wrote?\n{quoted}"
        return _ask(message, text, _kept(asked, content, message.sender.id, (message.ref,)))

    async def _pin(self, message: Message, asked: Asked) -> Effect:
        runbook = await self.writer.write(asked, by_model=False)
        if runbook is None or not runbook.content:
            return _reply(message, f"There is no runbook for {_title(asked)} to pin: nobody triaged it yet.")
        if runbook.pinned:
            return _reply(
                message, f"The runbook for {_title(asked)} is pinned already (version {runbook.version})."
            )
        text = (
            f"Shall the runbook for {_title(asked)} stay as it is now, whatever is written later,"
            f" as {await self._who(message)} asks?"
        )
        author = runbook.author or message.sender.id
        return _ask(message, text, _kept(asked, runbook.content, author, _sources(runbook), runbook))

    async def _unpin(self, message: Message, asked: Asked) -> Effect:
        runbook = await self.writer.write(asked, by_model=False)
        title, who = _title(asked), await self._who(message)
        if runbook is None or not runbook.pinned:
            return _reply(message, f"The runbook for {title} is not pinned.")
        text = f"Shall the runbook for {title} follow the newest triage again, as {who} asks?"
        return _ask(message, text, UnpinRunbook(asked.scope, asked.service, asked.alert))

    async def _who(self, message: Message) -> str:
        # Slack's events name people by their ids alone.
        names = await self.names.names([message.sender.id])
        who = plain(message.sender.name or names.get(message.sender.id) or "a colleague")
        return f"[{who}]({self.permalink(message.channel_id, message.ts, message.parent_ts)})"


def _sources(runbook: Runbook) -> tuple[MessageRef, ...]:
    """Everything that may have gone into it."""
    pool = set(runbook.evidence.messages) if runbook.evidence and runbook.writer == "model" else set()
    return tuple(sorted(runbook.content.messages() | pool))


def _kept(
    asked: Asked,
    content: Content,
    author: str,
    sources: Sequence[MessageRef],
    runbook: Runbook | None = None,
) -> KeepRunbook:
    return KeepRunbook(
        scope=asked.scope,
        service=asked.service,
        alert=asked.alert,
        writer="model" if runbook is not None and runbook.writer == "model" else "person",
        author=author,
        evidence=runbook.evidence.fingerprint if runbook is not None and runbook.evidence else "",
        content=to_json(content),
        sources=tuple((ref.channel_id, ref.ts) for ref in sources),
        pinned=True,
    )


def _title(asked: Asked) -> str:
    return f"**{asked.alert}**" + (f" on **{asked.service}**" if asked.service else "")


def _ask(message: Message, text: str, effect: KeepRunbook | UnpinRunbook) -> AskApproval:
    return AskApproval(
        message.channel_id,
        message.thread_ts,
        text,
        (effect,),
        message.sender.id,
        (message.channel_id, message.ts),
        Footer(MODULE),
    )


def _reply(message: Message, text: str) -> Reply:
    return Reply(message.channel_id, message.thread_ts, text, Footer(MODULE))

"""What a batch of events does to the stored messages. Pure: events and present state in, plan out.

Events of one message may come twice, late, or in the wrong order. The rules that make order irrelevant:
the newest version wins; an edit waits (parked) until its message is there; a deleted message stays deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ratchet.domain.events import MessageDeleted, MessagePosted, ReactionChanged
from ratchet.domain.messages import Message, MessageRef, Sender

Flatten = Callable[[Mapping[str, Any]], str]

# Slack rewrites these without anybody having changed the message.
VOLATILE: Final = frozenset(
    {
        "ts", "event_ts", "channel", "channel_type", "team", "source_team", "user_team", "client_msg_id",
        "edited", "subscribed", "unread_count", "last_read", "reply_count", "reply_users",
        "reply_users_count", "latest_reply", "replies", "thread_ts", "reactions", "is_locked",
        "pinned_to", "is_starred", "metadata", "hidden", "parent_user_id", "root",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Present:
    """The stored form of a message, as far as a new event is judged by it."""

    version: str
    content_hash: bytes
    parent_ts: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database's side: what is stored, deleted and parked among the messages of a batch."""

    known: Mapping[MessageRef, Present] = field(default_factory=dict)
    buried: frozenset[MessageRef] = frozenset()
    parked: Mapping[MessageRef, Sequence[MessagePosted]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """A form of a message that somebody must look at: its first, or one that changed its content."""

    message: Message
    edit: bool


@dataclass(slots=True)
class Plan:
    upserts: dict[MessageRef, tuple[Message, bytes]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    deletes: list[MessageRef] = field(default_factory=list)
    emptied: list[MessageRef] = field(default_factory=list)
    park: list[MessagePosted] = field(default_factory=list)
    unpark: list[MessageRef] = field(default_factory=list)
    reactions: list[ReactionChanged] = field(default_factory=list)


def content_hash(payload: Mapping[str, Any]) -> bytes:
    """Equal for two forms of a message that say the same."""
    kept = {key: value for key, value in payload.items() if key not in VOLATILE}
    if own := _own_attachments(kept.pop("attachments", None)):
        kept["attachments"] = own
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).digest()


def _own_attachments(attachments: Any) -> Any:
    """Without the previews of links, which Slack adds a moment after the message."""
    if not isinstance(attachments, list):
        return attachments
    return [
        a
        for a in attachments
        if not (isinstance(a, Mapping) and (a.get("from_url") or a.get("original_url")))
    ]


def to_message(event: MessagePosted, flatten: Flatten) -> Message:
    return Message(
        channel_id=event.channel_id,
        ts=event.ts,
        sender=event.sender,
        text=flatten(event.payload),
        version=event.version,
        parent_ts=event.parent_ts,
        subtype=event.subtype,
        edited=bool(event.payload.get("edited")),
        payload=event.payload,
    )


@dataclass(slots=True)
class _Folder:
    """Applies events one after the other; each rule of the module's docstring is one method."""

    flatten: Flatten
    known: dict[MessageRef, Present]
    buried: set[MessageRef]
    parked: dict[MessageRef, list[MessagePosted]]
    plan: Plan = field(default_factory=Plan)

    def post(self, event: MessagePosted) -> None:
        ref = MessageRef(event.channel_id, event.ts)
        if ref in self.buried:
            return
        present = self.known.get(ref)
        if present is None and event.change:
            self._park(ref, event)
        elif present is None:
            self._store(ref, event, None)
            waiting = self.parked.pop(ref, [])
            for edit in sorted(waiting, key=lambda e: e.version):
                self.post(edit)
            if waiting:
                self.plan.unpark.append(ref)
        elif event.version > present.version:
            self._store(ref, event, present)
        elif event.read_at is not None and event.read_at > present.version:
            if content_hash(event.payload) != present.content_hash:
                self._store(ref, replace(event, version=event.read_at), present)
        elif event.change and event.version < present.version:
            # Late: its text is out of date, but that the alert was in this state is not.
            self.plan.versions.append(Version(self._inherit(to_message(event, self.flatten), ref), edit=True))

    def delete(self, ref: MessageRef) -> None:
        if ref in self.buried:
            return
        self.buried.add(ref)
        self.known.pop(ref, None)
        self.plan.upserts.pop(ref, None)
        self.parked.pop(ref, None)
        self.plan.park = [e for e in self.plan.park if (e.channel_id, e.ts) != (ref.channel_id, ref.ts)]
        self.plan.versions = [v for v in self.plan.versions if v.message.ref != ref]
        self.plan.reactions = [
            r for r in self.plan.reactions if (r.channel_id, r.ts) != (ref.channel_id, ref.ts)
        ]
        self.plan.deletes.append(ref)

    def react(self, event: ReactionChanged) -> None:
        if MessageRef(event.channel_id, event.ts) not in self.buried:
            self.plan.reactions.append(event)

    def _park(self, ref: MessageRef, event: MessagePosted) -> None:
        waiting = self.parked.setdefault(ref, [])
        if all(edit.version != event.version for edit in waiting):
            waiting.append(event)
            self.plan.park.append(event)

    def _store(self, ref: MessageRef, event: MessagePosted, present: Present | None) -> None:
        digest = content_hash(event.payload)
        message = self._inherit(to_message(event, self.flatten), ref)
        self.known[ref] = Present(event.version, digest, message.parent_ts)
        self.plan.upserts[ref] = (message, digest)
        if event.payload.get("subtype") == "tombstone":
            # Deleted, but its replies stay: the message goes on as an empty root.
            self.plan.emptied.append(ref)
            self.plan.versions = [v for v in self.plan.versions if v.message.ref != ref]
        elif present is None or present.content_hash != digest or _keeps_up(event):
            self.plan.versions.append(Version(message, edit=present is not None))

    def _inherit(self, message: Message, ref: MessageRef) -> Message:
        """An edit's payload may leave out, or get wrong, what cannot change."""
        present = self.known.get(ref)
        earlier = self.plan.upserts.get(ref)
        if message.parent_ts is None and present is not None and present.parent_ts is not None:
            message = replace(message, parent_ts=present.parent_ts)
        if earlier is not None:
            message = replace(message, sender=earlier[0].sender, subtype=earlier[0].subtype)
        return message


def _keeps_up(event: MessagePosted) -> bool:
    """A tool edits its message. That it says the same as before is news: another edit may be on its way
    that came between, and one that says that an alert still fires is a sign of life.
    """
    return event.change and event.sender.kind == "bot"


def fold(
    events: Sequence[MessagePosted | MessageDeleted | ReactionChanged], snapshot: Snapshot, flatten: Flatten
) -> Plan:
    """The plan that brings the stored messages from `snapshot` to where `events` lead."""
    folder = _Folder(
        flatten,
        known=dict(snapshot.known),
        buried=set(snapshot.buried),
        parked={ref: list(edits) for ref, edits in snapshot.parked.items()},
    )
    for event in events:
        match event:
            case MessagePosted():
                folder.post(event)
            case MessageDeleted():
                folder.delete(MessageRef(event.channel_id, event.ts))
            case ReactionChanged():
                folder.react(event)
    folder.plan.park = [e for e in folder.plan.park if MessageRef(e.channel_id, e.ts) in folder.parked]
    return folder.plan


def encode(event: MessagePosted) -> dict[str, Any]:
    """A parked edit as JSON; `decode` is its inverse."""
    return {
        "channel_kind": event.channel_kind,
        "version": event.version,
        "parent_ts": event.parent_ts,
        "subtype": event.subtype,
        "sender": [event.sender.kind, event.sender.id, event.sender.name, event.sender.bot_id],
        "payload": dict(event.payload),
    }


def decode(ref: MessageRef, data: Mapping[str, Any]) -> MessagePosted:
    return MessagePosted(
        channel_id=ref.channel_id,
        channel_kind=data["channel_kind"],
        ts=ref.ts,
        version=data["version"],
        sender=Sender(*data["sender"]),
        payload=data["payload"],
        parent_ts=data["parent_ts"],
        subtype=data["subtype"],
        change=True,
    )

"""The kinds of jobs. A kind string is stored: it may not change while jobs of it can be waiting."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from ratchet.jobs.base import Job


class MessageJob(Job):
    """Classify one version of a message and hand it to the handlers that want it.

    `carried` holds `[sender…]` and the payload of a bot's message: by the time the job runs, an edit may have
    replaced them in the store, and an alert that fired and was resolved by edit did fire.
    """

    kind: ClassVar[str] = "message"
    channel_id: str
    ts: str
    version: str
    thread_ts: str
    live: bool
    edit: bool = False
    carried: dict[str, Any] | None = None

    def serial_key(self) -> str:
        return f"message:{self.channel_id}:{self.thread_ts}"


# Handlers that count what they did in a channel: one at a time there.
ONE_BY_ONE: Final = frozenset({"unasked"})


class HandlerJob(Job):
    """One handler, one trigger."""

    kind: ClassVar[str] = "handler"
    handler: str
    channel_id: str
    ts: str
    version: str
    thread_ts: str
    edit: bool = False

    def serial_key(self) -> str:
        if self.handler in ONE_BY_ONE:
            return f"handler:{self.channel_id}:{self.handler}"
        return f"handler:{self.channel_id}:{self.thread_ts}"


class DeliverJob(Job):
    """One row of the outbox."""

    kind: ClassVar[str] = "deliver"
    key: str
    channel_id: str

    def serial_key(self) -> str:
        return f"deliver:{self.channel_id}"


class OnboardJob(Job):
    """Fetch what a channel is and its newest `limit` messages.

    What was posted after `live_after` (a ts) triggers handlers: the live event of it may have come second.
    """

    kind: ClassVar[str] = "onboard"
    channel_id: str
    limit: int | None = None
    live_after: str | None = None


class ThreadJob(Job):
    """Fetch the replies of one thread. Replies newer than `live_after` (a ts) trigger handlers."""

    kind: ClassVar[str] = "thread"
    channel_id: str
    ts: str
    live_after: str | None = None


class RecoverJob(Job):
    """Fill the gap of a channel since the last message known to be stored.

    `cursor` and `upper` (the oldest ts of the page before) let an interrupted run go on.
    """

    kind: ClassVar[str] = "recover"
    channel_id: str
    cursor: str | None = None
    upper: str | None = None


class InteractionJob(Job):
    """A click on a button or a shortcut, at the ts `at`."""

    kind: ClassVar[str] = "interaction"
    interaction: str
    user_id: str
    action_id: str
    value: str
    channel_id: str | None
    message_ts: str | None
    thread_ts: str | None
    at: str | None = None


class ResumeJob(Job):
    """A turn goes on after a person decided, by the approval's key."""

    kind: ClassVar[str] = "resume"
    key: str
    channel_id: str
    thread_ts: str

    def serial_key(self) -> str:
        return f"handler:{self.channel_id}:{self.thread_ts}"


class PullJob(Job):
    """Open, or add to, the thread's pull request. `key` is the effect's, `change` as `proposals.to_json`."""

    kind: ClassVar[str] = "pull"
    key: str
    channel_id: str
    thread_ts: str
    link: str
    change: dict[str, Any]

    def serial_key(self) -> str:
        return f"pull:{self.channel_id}:{self.thread_ts}"


class ShortcutJob(Job):
    """Somebody used a message shortcut on the message `ts`. `key` names this use of it."""

    kind: ClassVar[str] = "shortcut"
    key: str
    action: str
    user_id: str
    channel_id: str
    ts: str
    thread_ts: str

    def serial_key(self) -> str:
        return f"handler:{self.channel_id}:{self.thread_ts}"


class GreetJob(Job):
    """Somebody opened the direct messages; `thread_ts` of a conversation that Slack began with it."""

    kind: ClassVar[str] = "greet"
    channel_id: str
    thread_ts: str | None = None


class QuietThreadJob(Job):
    """A thread of a help channel may have gone quiet."""

    kind: ClassVar[str] = "quiet_thread"
    channel_id: str
    thread_ts: str

    def serial_key(self) -> str:
        return f"handler:{self.channel_id}:{self.thread_ts}"


class ScheduledJob(Job):
    """What is due in a channel by the clock. `due` names the run."""

    kind: ClassVar[str] = "scheduled"
    schedule: str
    channel_id: str
    due: datetime

    def serial_key(self) -> str:
        return f"schedule:{self.schedule}:{self.channel_id}"


class PeopleJob(Job):
    """Refresh the names of the workspace's members."""

    kind: ClassVar[str] = "people"
    cursor: str | None = None


class ChannelsJob(Job):
    """Find the channels that the bot is in."""

    kind: ClassVar[str] = "channels"
    cursor: str | None = None
    live_after: str | None = None


class RefreshJob(Job):
    """Read what changed in one source of documents."""

    kind: ClassVar[str] = "refresh"
    source: str
    asked: bool = False

    def serial_key(self) -> str:
        return f"refresh:{self.source}"


class EmbedJob(Job):
    """Embed the chunks that have no embedding."""

    kind: ClassVar[str] = "embed"

    def serial_key(self) -> str:
        return "embed"


class UnderstandJob(Job):
    """Ask the model what the messages of one template say. `key` is that of `learned_templates`, in hex."""

    kind: ClassVar[str] = "understand"
    key: str

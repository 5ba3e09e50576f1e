"""What tools and handlers need from the record, as Protocols, and what tools have in common.

Every read takes `visible_from`, the id of the channel in which the question was asked, and answers only with
content of public channels and of that channel itself. What may not be seen is as if it did not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ratchet.domain.documents import DocumentHit, StoredDocument
from ratchet.domain.errors import Refused
from ratchet.domain.gaps import Compared, HelpRows
from ratchet.domain.incidents import Incident
from ratchet.domain.messages import Channel, Message, MessageRef
from ratchet.domain.reports import AlertCount, ChannelRows, UsageRows
from ratchet.domain.runbooks import ToldRunbook
from ratchet.llm.data import cut
from ratchet.tools.asking import Asking
from ratchet.tools.proposals import Proposals

_REFERENCE: Final = re.compile(
    r"(?P<channel>[CDG][A-Z0-9]+)(?::(?P<ts>\d{9,11}\.\d{1,6})|/p(?P<packed>\d{12,20}))"
)

# The `visible_from` of someone who asks in no channel: public channels alone.
PUBLIC: Final = ""


class MessageSearch(Protocol):
    async def search_messages(
        self, query: str, *, visible_from: str, channel_id: str | None = None, limit: int = 10
    ) -> Sequence[Message]:
        """The messages that fit best, best first; empty when nothing fits. `channel_id` None: all.

        `query` is any text a person may write; it never raises for its content.
        """
        ...


class ThreadReader(Protocol):
    async def read_thread(
        self, channel_id: str, ts: str, *, visible_from: str, limit: int = 200
    ) -> Sequence[Message]:
        """The thread to which the message at `ts` belongs, root first, oldest first; empty if there is none.

        Of a thread longer than `limit`: the root and the newest `limit - 1`.
        """
        ...


class IncidentReader(Protocol):
    async def list_incidents(  # six optional filters of one query
        self,
        *,
        visible_from: str,
        since: datetime,
        channel_id: str | None = None,
        alert: str | None = None,
        service: str | None = None,
        still_open: bool = False,
        limit: int = 100,
    ) -> Sequence[Incident]:
        """Incidents that opened at or after `since` (UTC), or are open still, newest first.

        `alert` and `service` match the whole name, whatever its case. `still_open`: only open ones; one that
        expired is not.
        """
        ...


class ChannelReader(Protocol):
    async def find_channels(self, names: Collection[str], *, visible_from: str) -> Sequence[Channel]:
        """The visible channels whose id or name (without #) is among `names`, in any order."""
        ...


class ReportReader(Protocol):
    async def channel_rows(
        self, channel_id: str, *, visible_from: str, since: datetime, until: datetime
    ) -> ChannelRows:
        """What a report on one channel is made of, for the window from `since` to `until`."""
        ...

    async def alerts_since(
        self,
        since: datetime,
        *,
        visible_from: str,
        channel_id: str | None = None,
        service: str | None = None,
        limit: int = 50,
    ) -> Sequence[AlertCount]:
        """Alerts that fired since then, most firings first. `service` matches the whole name, in any case."""
        ...

    async def usage_rows(self, since: datetime, until: datetime, *, visible_from: str | None) -> UsageRows:
        """What Ratchet did from `since` to `until`. `visible_from` None: the operator asks."""
        ...


class NameReader(Protocol):
    async def names_of(self, ids: Collection[str], *, visible_from: str) -> Mapping[str, str]:
        """What people call the people and the visible channels (without #) of these ids, as far as known."""
        ...


class RecordReader(
    MessageSearch, ThreadReader, IncidentReader, ChannelReader, ReportReader, NameReader, Protocol
):
    """Everything that may be read."""


class RunbookReader(Protocol):
    async def told(self, service: str | None, alert: str, visible_from: str = "") -> ToldRunbook | None:
        """The runbook of an alert as it would be posted in that channel now; None when nothing is known."""
        ...


class DocumentReader(Protocol):
    """The team's documents. Who may ask in a channel may read them."""

    async def find(self, query: str, limit: int = 5) -> Sequence[DocumentHit]:
        """The documents that fit best, best first; never raises for what is asked."""
        ...

    async def read(self, name: str) -> StoredDocument | None:
        """The whole document of this identifier or address; None for none."""
        ...


class GapReader(Protocol):
    async def help_rows(
        self, channel_ids: Sequence[str] | None, *, visible_from: str, since: datetime, until: datetime
    ) -> HelpRows:
        """The threads that people began in that time. `channel_ids` None: of every public channel."""
        ...

    async def compared(self, refs: Sequence[MessageRef], addresses: Sequence[str]) -> Compared:
        """What stands near these messages, and which documents the addresses lead to."""
        ...


class Permalinks(Protocol):
    def __call__(self, channel_id: str, ts: str, thread_ts: str | None = None) -> str:
        """The address of a message. `thread_ts` is the root's ts, for a reply."""
        ...


@dataclass(frozen=True, slots=True)
class WorkspaceLinks:
    """Permalinks as Slack makes them, without asking Slack. `base` is `url` of auth.test.

    https://docs.slack.dev/reference/methods/chat.getPermalink
    """

    base: str

    def __call__(self, channel_id: str, ts: str, thread_ts: str | None = None) -> str:
        link = f"{self.base.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}"
        return f"{link}?thread_ts={thread_ts}&cid={channel_id}" if thread_ts and thread_ts != ts else link


# Without a connection to Slack its workspace is not known; this address asks which.
ANY_WORKSPACE: Final = "https://slack.com"


@dataclass(frozen=True, slots=True)
class ToolDeps:
    """What tools are built from. `clock` tells the time in UTC.

    `proposals`: where changes of documents are put; None where nobody could agree to one.
    `asking`: the question for which they are used; None where it is not a message.
    """

    reader: RecordReader
    links: Permalinks
    clock: Callable[[], datetime]
    runbooks: RunbookReader | None = None
    documents: DocumentReader | None = None
    gaps: GapReader | None = None
    proposals: Proposals | None = None
    asking: Asking | None = None


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message as the model sees it. `id` is what `read_thread` takes; `time` is UTC."""

    id: str
    channel: str
    author: str
    time: str
    text: str
    permalink: str


def found(message: Message, links: Permalinks, channel: str, limit: int) -> FoundMessage:
    """The message for the model, its text cut to about `limit` characters."""
    return FoundMessage(
        id=str(message.ref),
        channel=channel,
        author=author(message),
        time=minute(message.posted_at),
        text=cut(message.text, limit),
        permalink=link_to(message, links),
    )


def link_to(message: Message, links: Permalinks) -> str:
    return links(message.channel_id, message.ts, message.parent_ts)


def author(message: Message) -> str:
    """On one line: a name must not begin what looks like somebody else's message."""
    return " ".join((message.sender.name or message.sender.id or "someone").split())


def minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


async def channel_names(
    reader: ChannelReader, ids: Collection[str], visible_from: str
) -> Callable[[str], str]:
    """A function from channel id to `#name`, or to the id where the name is not known. One read."""
    channels = await reader.find_channels(sorted(set(ids)), visible_from=visible_from) if ids else []
    names = {channel.id: f"#{channel.name}" for channel in channels if channel.name}
    return lambda channel_id: names.get(channel_id, channel_id)


async def the_channel(reader: ChannelReader, name: str, visible_from: str) -> Channel:
    """The channel that the model named, by #name, name, id or `<#id|name>`. Raises `Refused`."""
    wanted = name.strip().strip("<>").lstrip("#").split("|")[0].strip()
    channels = await reader.find_channels([wanted], visible_from=visible_from)
    if not channels:
        raise Refused(f"There is no channel {name!r} that may be read from here. Leave it out to use all.")
    return min(channels, key=lambda channel: (channel.archived, channel.id != wanted))


def reference(text: str) -> MessageRef:
    """The message that the model named: `C…:ts`, or a permalink. Raises `Refused`."""
    match = _REFERENCE.search(text)
    if match is None:
        raise Refused(f"{text!r} is no message id. Take the `id` of a message that a tool returned.")
    if match["ts"]:
        return MessageRef(match["channel"], match["ts"])
    packed = match["packed"]
    return MessageRef(match["channel"], f"{packed[:-6]}.{packed[-6:]}")

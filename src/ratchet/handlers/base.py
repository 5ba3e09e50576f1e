"""What a handler is: a message goes in, effects come out.

The Protocols of what handlers read stand in `ratchet.tools.base`, since tools read the same; they are named
here again so that a handler imports them from one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from ratchet.domain.effects import Effect
from ratchet.domain.incidents import NOTHING, IncidentAction
from ratchet.domain.messages import Channel, Message, posted_at
from ratchet.tools.base import (
    ChannelReader,
    IncidentReader,
    MessageSearch,
    Permalinks,
    RecordReader,
    ThreadReader,
)

__all__ = [
    "ChannelReader",
    "Handler",
    "Handlers",
    "IncidentReader",
    "MessageSearch",
    "Permalinks",
    "RecordReader",
    "Resumable",
    "ThreadReader",
    "Trigger",
]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A live message that a handler may act on; never backfilled, never Ratchet's own.

    `edited`: this is a new version of a message that is known; `previous_text` is then the text it had, or
    None when that is not known. `me_user_id` is Ratchet's user id. `watched`: somebody waits for what comes
    of it, in the channel; not so for a preview.
    """

    message: Message
    channel: Channel
    me_user_id: str
    incident: IncidentAction = NOTHING
    edited: bool = False
    previous_text: str | None = None
    watched: bool = True

    @property
    def at(self) -> datetime:
        """When it happened: the time of the edit, for an edit."""
        return posted_at(self.message.version)


class Handler(Protocol):
    """`name` is stable: the keys of effects begin with it. `timeout_s` bounds one `handle`, in seconds."""

    @property
    def name(self) -> str: ...

    @property
    def timeout_s(self) -> float: ...

    def wants(self, trigger: Trigger) -> bool:
        """Whether `handle` is to be called. Pure and cheap: every live message comes by."""
        ...

    async def handle(self, trigger: Trigger) -> Sequence[Effect]:
        """What should happen. Changes nothing itself, so that it may run again.

        Raises `Transient` to be run again later, `Refused` to be given up.
        """
        ...


@runtime_checkable
class Handlers(Protocol):
    """Handlers that come and go while the process runs, in the place of one in the list."""

    def each(self, trigger: Trigger) -> Sequence[Handler]:
        """Those that want the trigger. As cheap as `wants`."""
        ...

    def named(self, name: str) -> Handler | None: ...


@runtime_checkable
class Resumable(Protocol):
    """A handler whose turn may wait for a person."""

    async def resume(self, trigger: Trigger, waited: Mapping[str, Any], approved: bool) -> Sequence[Effect]:
        """Go on from what `AskApproval.turn` held. Called once at most, whatever happens."""
        ...
